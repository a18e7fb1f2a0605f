"""Same text, same bits: whatever the batch mates, the padding and the capacity of the caches, in fp32 and int8."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from export.arithmetic import Arithmetic, Float32
from export.calibrate import calibrate
from export.manifest import ExportSettings
from export.quantise import Int8, QuantiseSettings
from export.stepping import LockStep, force, pad_sources
from server.bundle import Manifest
from server.engine.runtime import Runtime
from tests.export.toy import CONFIGURATIONS, build_checkpoint, build_toy_manifest, random_sources, write_graphs
from training.checkpoint import Checkpoint

LENGTHS = [3, 9, 15, 16, 17, 31, 40]
TARGETS = [[40, 9, 11], [7] * 20, [8, 70], [66, 67, 68, 69, 70, 71], [9], [], [30, 31, 32, 33]]


@pytest.fixture(params=[(name, kind) for name in CONFIGURATIONS for kind in ("fp32", "int8")], ids="-".join)
def toy(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Runtime, Manifest]:
    name, kind = request.param
    checkpoint = build_checkpoint(CONFIGURATIONS[name])
    return write_graphs(tmp_path, checkpoint, Float32() if kind == "fp32" else quantised(checkpoint))


def quantised(checkpoint: Checkpoint) -> Arithmetic:
    manifest, settings = build_toy_manifest(checkpoint, ExportSettings()), QuantiseSettings()
    return Int8(calibrate(checkpoint.model, manifest, random_sources(LENGTHS), settings.percentile), settings)


def test_encoder_bits(toy: tuple[Runtime, Manifest]) -> None:
    runtime, manifest = toy
    sources = random_sources(LENGTHS)
    input_ids, mask = pad_sources(sources, manifest)
    # Padding holds ids as if it mattered: only the mask may say that it does not.
    input_ids[mask == 0] = 55
    together = runtime.encode(*widened(input_ids, mask, 64))
    for row, source in enumerate(sources):
        alone = runtime.encode(*pad_sources([source], manifest))
        for all_rows, own in zip(together, alone, strict=True):
            np.testing.assert_array_equal(all_rows[row, :, : len(source)], own[0, :, : len(source)])


def test_decoder_bits(toy: tuple[Runtime, Manifest]) -> None:
    """A row alone, in a cache of another capacity, against the row among six others."""
    runtime, manifest = toy
    sources = random_sources(LENGTHS)
    together = force(LockStep(runtime, manifest, sources), TARGETS)
    small = replace(manifest, dimensions=replace(manifest.dimensions, max_target_length=21))
    for source, target, expected in zip(sources, TARGETS, together, strict=True):
        alone = force(LockStep(runtime, small, [source]), [target])[0]
        np.testing.assert_array_equal(alone, expected)


def widened(input_ids: np.ndarray, mask: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    extra = ((0, 0), (0, size - input_ids.shape[1]))
    return np.pad(input_ids, extra, constant_values=55), np.pad(mask, extra)
