"""Alignment: what the engine says a hypothesis was made from is the attention of the trained model."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from export.arithmetic import Arithmetic, Float32
from export.calibrate import calibrate
from export.manifest import ExportSettings
from export.quantise import Int8, QuantiseSettings
from server.bundle import Bundle
from server.engine.engine import Engine
from server.engine.types import EngineSettings, Hypothesis, SearchOptions
from tests.export.toy import CONFIGURATIONS, build_checkpoint, build_toy_manifest, random_sources, write_graphs
from training.checkpoint import Checkpoint
from training.model import Attention

LENGTHS = [3, 9, 17, 31]


def oracle(checkpoint: Checkpoint, source: list[int], ids: tuple[int, ...], heads: int | None = None) -> np.ndarray:
    """[len(ids), L]: attention of the last decoder layer when `ids` are fed, mean over `heads`; torch, no cache."""
    model = checkpoint.model
    attention = model.decoder[-1].cross_attention
    assert isinstance(attention, Attention)
    seen: list[torch.Tensor] = []
    handle = attention.query.register_forward_hook(lambda module, inputs, output: seen.append(output))
    with torch.inference_mode():
        encoded = model.encode(torch.tensor([source]), None)
        model.decode(torch.tensor([[2, *ids]]), encoded, None)
        handle.remove()
        query = attention.split_heads(seen[0] * attention.head_dim**-0.5)
        weights = (query @ attention.split_heads(attention.key(encoded)).transpose(-1, -2)).softmax(-1)
    return weights[0, :heads].mean(0)[: len(ids)].numpy()


@pytest.mark.parametrize("name", CONFIGURATIONS)
@pytest.mark.parametrize("beam_size", [1, 3])
def test_alignment_is_the_attention_of_the_model(tmp_path: Path, name: str, beam_size: int) -> None:
    checkpoint = build_checkpoint(CONFIGURATIONS[name])
    sources = random_sources(LENGTHS)
    for source, found in zip(sources, translate(tmp_path, checkpoint, sources, beam_size, True), strict=True):
        assert len(found) == beam_size
        for hypothesis in found:
            assert hypothesis.alignment is not None
            assert hypothesis.alignment.shape == (len(hypothesis.ids), len(source))
            np.testing.assert_allclose(hypothesis.alignment, oracle(checkpoint, source, hypothesis.ids), atol=1e-5)


def test_only_the_heads_that_were_trained_to_align_tell(tmp_path: Path) -> None:
    checkpoint, sources = build_checkpoint(), random_sources(LENGTHS)
    for source, [found] in zip(sources, translate(tmp_path, checkpoint, sources, 1, True, heads=1), strict=True):
        assert found.alignment is not None
        np.testing.assert_allclose(found.alignment, oracle(checkpoint, source, found.ids, 1), atol=1e-5)


def test_int8_keys_are_read_in_their_own_unit(tmp_path: Path) -> None:
    """Keys without their scales would give another softmax altogether: with them it differs by 0.01, without by 0.5."""
    checkpoint, sources = build_checkpoint(), random_sources(LENGTHS)
    manifest = build_toy_manifest(checkpoint, ExportSettings(precision="int8"))
    arithmetic = Int8(calibrate(checkpoint.model, manifest, sources, 100), QuantiseSettings())
    for source, [found] in zip(sources, translate(tmp_path, checkpoint, sources, 1, True, arithmetic), strict=True):
        assert found.alignment is not None
        np.testing.assert_allclose(found.alignment, oracle(checkpoint, source, found.ids), atol=0.1)


def test_nobody_pays_who_does_not_ask(tmp_path: Path) -> None:
    checkpoint = build_checkpoint()
    for [found] in translate(tmp_path, checkpoint, random_sources(LENGTHS), 1, False):
        assert found.alignment is None


def translate(
    folder: Path,
    checkpoint: Checkpoint,
    sources: list[list[int]],
    beam_size: int,
    align: bool,
    arithmetic: Arithmetic | None = None,
    heads: int = 0,
) -> list[tuple[Hypothesis, ...]]:
    """All hypotheses of each source, from an engine over the graphs of `checkpoint`."""
    _, manifest = write_graphs(folder, checkpoint, arithmetic or Float32())
    engine = Engine(Bundle(folder, replace(manifest, alignment_heads=heads)), EngineSettings(num_threads=1))
    engine.start()
    try:
        options = SearchOptions(beam_size, beam_size, max_target_length=12, align=align)
        futures = [engine.submit(source, options) for source in sources]
        return [future.result().hypotheses for future in futures]
    finally:
        engine.close(0)
