"""The loss of a batch, and layers that are compiled."""

import warnings
from functools import partialmethod
from pathlib import Path

import pytest
import torch
from torch import nn

from training.settings import load_settings
from training.train import Trainer


@pytest.mark.slow
@pytest.mark.unmeasured
def test_compiled_layers_train_alike(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every layer is traced, for any lengths, both ways; into C++, which takes minutes, it is made by torch alone."""
    compile_layer = nn.Module.compile
    monkeypatch.setattr(nn.Module, "compile", partialmethod(compile_layer, backend="aot_eager"))
    common = ["optim.precision=fp32", "model.num_encoder_layers=1", "model.dropout=0.0"]
    plain = Trainer(load_settings(config, common), resume=False)
    batches = [batch for _, (_, batch) in zip(range(2), plain.batches(), strict=False) if batch]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the compiler's own
        compiled = Trainer(load_settings(config, [*common, "optim.compile=true"]), resume=False)
        for batch in batches:
            expected, found = plain.objective(batch)[0], compiled.objective(batch)[0]
            assert float(found) == pytest.approx(float(expected), rel=1e-4)
            expected.backward()
            found.backward()
    for name, param in plain.model.named_parameters():
        torch.testing.assert_close(compiled.optimizer.params[name].grad, param.grad, rtol=1e-3, atol=1e-3)
