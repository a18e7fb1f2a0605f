"""The graphs compute what the slow torch oracle computes, for every setting of the model."""

from pathlib import Path

import numpy as np
import pytest
import torch

from export.arithmetic import Float32
from export.calibrate import calibrate
from export.quantise import Int8, QuantiseSettings
from export.stepping import LockStep, force, search_greedily
from tests.export.toy import CONFIGURATIONS, build_checkpoint, random_sources, write_graphs
from training.checkpoint import Checkpoint
from training.decode import greedy_decode

# Lengths on both sides of the padding's multiple, 16, and the longest the model reads.
LENGTHS = [2, 15, 16, 17, 33, 50]
LIMITS = [5, 30, 21, 40, 74, 75]
# Without these, pairs of 8-bit products are summed in 16 bits, and saturate: see QuantiseSettings.
EXACT = ("avx512_vnni", "avx_vnni", "amx_int8")
CPU = torch.cpu.get_capabilities()
SATURATING = pytest.mark.skipif(
    CPU["architecture"] == "x86_64" and not any(CPU[name] for name in EXACT),
    reason="8-bit weights saturate on this CPU; 7-bit ones are tested",
)


@pytest.fixture(params=CONFIGURATIONS, scope="module")
def toy(request: pytest.FixtureRequest) -> Checkpoint:
    return build_checkpoint(CONFIGURATIONS[request.param])


def test_graphs_equal_oracle(toy: Checkpoint, tmp_path: Path) -> None:
    """Logits step by step from the cache, and greedy ids, against torch without a cache or padding."""
    runtime, manifest = write_graphs(tmp_path, toy, Float32())
    sources = random_sources(LENGTHS)
    expected = greedy_decode(toy.model, sources, LIMITS, toy.suppressed_ids)
    found = search_greedily(LockStep(runtime, manifest, sources), LIMITS)
    logits = force(LockStep(runtime, manifest, sources), expected)
    assert len({tuple(ids) for ids in expected}) == len(expected)
    assert [list(each.ids) for each in found] == expected
    for source, target, steps in zip(sources, expected, logits, strict=True):
        oracle = oracle_logits(toy, source, target)[: len(steps)]
        np.testing.assert_allclose(steps, oracle, atol=2e-5, rtol=0)


@pytest.mark.parametrize("weight_bits", [7, pytest.param(8, marks=SATURATING)])
def test_int8_stays_close(toy: Checkpoint, tmp_path: Path, weight_bits: int) -> None:
    """Logits within 10 % of their deviation; a wrong scale, axis or zero point is off by 100 % and more."""
    sources = random_sources(LENGTHS)
    settings = QuantiseSettings(weight_bits=8 if weight_bits == 8 else 7)
    reference, manifest = write_graphs(tmp_path / "fp32", toy, Float32())
    ranges = calibrate(toy.model, manifest, sources, settings.percentile)
    runtime, _ = write_graphs(tmp_path / "int8", toy, Int8(ranges, settings))
    targets = [each.ids for each in search_greedily(LockStep(reference, manifest, sources), LIMITS)]
    expected = np.concatenate(force(LockStep(reference, manifest, sources), targets))
    found = np.concatenate(force(LockStep(runtime, manifest, sources), targets))
    assert np.sqrt(np.mean((found - expected) ** 2)) < 0.1 * expected.std()


@torch.inference_mode()
def oracle_logits(checkpoint: Checkpoint, source: list[int], target: list[int]) -> np.ndarray:
    """[T + 1, V] of one sentence alone, unpadded."""
    model = checkpoint.model
    encoded = model.encode(torch.tensor([source]), None)
    return model.logits(model.decode(torch.tensor([[2, *target]]), encoded, None))[0].numpy()
