"""The graphs compute what the slow torch oracle computes, for every setting of the model."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from export.arithmetic import Float32
from export.calibrate import calibrate
from export.parameters import read_parameters
from export.quantise import Int8, QuantiseSettings
from export.stepping import LockStep, force, search_greedily
from server.bundle import Bundle
from tests.export.toy import CONFIGURATIONS, PLAIN, build_checkpoint, random_sources, write_graphs
from training.checkpoint import Checkpoint
from training.decode import greedy_decode

# Lengths on both sides of the padding's multiple, 16, and the longest the model reads.
LENGTHS = [2, 15, 16, 17, 33, 50]
LIMITS = [5, 30, 21, 40, 74, 75]
# With one of these, 8-bit products are summed in 32 bits. Other x86 CPUs sum pairs of them in 16, which saturates.
EXACT = ("avx512_vnni", "avx_vnni", "amx_int8")


def multiplies_exactly() -> bool:
    """Whether this CPU's 8-bit products are exact with 8-bit weights."""
    cpu = torch.cpu.get_capabilities()
    return cpu["architecture"] != "x86_64" or any(cpu[name] for name in EXACT)


@pytest.fixture(params=CONFIGURATIONS, scope="module")
def toy(request: pytest.FixtureRequest) -> Checkpoint:
    return build_checkpoint(CONFIGURATIONS[request.param])


def test_graphs_equal_oracle(toy: Checkpoint, tmp_path: Path) -> None:
    """Log-probabilities step by step from the cache, and greedy ids, against torch without a cache or padding."""
    runtime, manifest = write_graphs(tmp_path, toy, Float32())
    sources = random_sources(LENGTHS)
    expected = greedy_decode(toy.model, sources, LIMITS, toy.suppressed_ids)
    found = search_greedily(LockStep(runtime, manifest, sources), LIMITS)
    log_probs = force(LockStep(runtime, manifest, sources), expected)
    assert len({tuple(ids) for ids in expected}) == len(expected)
    assert [list(each.ids) for each in found] == expected
    for source, target, steps in zip(sources, expected, log_probs, strict=True):
        oracle = oracle_log_probs(toy, source, target)[: len(steps)]
        np.testing.assert_allclose(steps, oracle, atol=2e-5, rtol=0)


def test_states_without_a_last_norm(tmp_path: Path) -> None:
    """They are of any size, and so are the logits; hence a bound in proportion."""
    toy = build_checkpoint(replace(PLAIN, final_norm=False))
    runtime, manifest = write_graphs(tmp_path, toy, Float32())
    [source], target = random_sources([20]), [9, 30, 41, 7]
    [found] = force(LockStep(runtime, manifest, [source]), [target])
    np.testing.assert_allclose(found, oracle_log_probs(toy, source, target), atol=1e-4, rtol=1e-5)
    assert read_parameters(Bundle(tmp_path, manifest), toy.settings.model.dropout).settings == toy.settings.model


@pytest.mark.parametrize("weight_bits", [7, 8])
def test_int8_stays_close(toy: Checkpoint, tmp_path: Path, weight_bits: int) -> None:
    """Log-probabilities within 10 % of their deviation; a wrong scale, axis or zero point is off by 100 % and more.

    8-bit weights saturate on some CPUs (see `QuantiseSettings`): that they do is why 7 bits are the default.
    """
    sources = random_sources(LENGTHS)
    settings = QuantiseSettings(weight_bits=8 if weight_bits == 8 else 7)
    reference, manifest = write_graphs(tmp_path / "fp32", toy, Float32())
    arithmetic = Int8(calibrate(toy.model, manifest, sources, settings.percentile), settings)
    runtime, quantised = write_graphs(tmp_path / "int8", toy, arithmetic)
    targets = [each.ids for each in search_greedily(LockStep(reference, manifest, sources), LIMITS)]
    expected = np.concatenate(force(LockStep(reference, manifest, sources), targets))
    found = np.concatenate(force(LockStep(runtime, quantised, sources), targets))
    close = bool(np.sqrt(np.mean((found - expected) ** 2)) < 0.1 * expected.std())
    assert close is (weight_bits == 7 or multiplies_exactly())


@torch.inference_mode()
def oracle_log_probs(checkpoint: Checkpoint, source: list[int], target: list[int]) -> np.ndarray:
    """[T + 1, V] of one sentence alone, unpadded."""
    model = checkpoint.model
    encoded = model.encode(torch.tensor([source]), None)
    return model.logits(model.decode(torch.tensor([[2, *target]]), encoded, None))[0].log_softmax(-1).numpy()
