"""The graphs against the manifest, and one decode step in place."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from server.bundle import Bundle, DecoderMixing
from server.engine.runtime import Runtime
from server.engine.slots import Slots
from server.engine.tensors import cross_inputs, state_inputs
from server.errors import BundleError, SettingsError
from tests.server.engine.toy import BOS, DIMENSIONS, GraphAuthor, random_sources, write_toy_bundle


def test_every_mismatch_is_in_one_message(tmp_path: Path) -> None:
    bundle = write_toy_bundle(tmp_path / "bundle")
    sizes = replace(DIMENSIONS, num_decoder_layers=3, target_vocab_size=138)
    with pytest.raises(BundleError) as refused:
        Runtime.load(Bundle(bundle.path, replace(bundle.manifest, dimensions=sizes)))
    message = str(refused.value)
    for part in (
        "encoder output 'present.2.encoder.key' is missing",
        "decoder input 'past_key_values.2.decoder.value' is missing",
        "decoder output 'present.2.encoder.value' is missing",
        "decoder output 'logits' has shape ['R', 137], expected ['R', 138]",
    ):
        assert part in message


@pytest.mark.filterwarnings("ignore:Specified provider 'CUDAExecutionProvider'")
def test_a_device_that_is_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a build for it, and with one that finds no card: onnxruntime would go on with the CPU and say nothing."""
    bundle = write_toy_bundle(tmp_path / "bundle")
    with pytest.raises(SettingsError, match=r"--device is cuda, .* not built for it; install ferry-nmt\[serve-gpu\]"):
        Runtime.load(bundle, "cuda")
    monkeypatch.setattr(ort, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"])
    with pytest.raises(SettingsError, match=r"--device is cuda, .* finds no card"):
        Runtime.load(bundle, "cuda")


def test_tensors_of_the_other_mixing_are_named(tmp_path: Path) -> None:
    bundle = write_toy_bundle(tmp_path / "bundle", "ssru")
    manifest = replace(bundle.manifest, decoder_mixing="attention")
    with pytest.raises(BundleError) as refused:
        Runtime.load(Bundle(bundle.path, manifest))
    assert "decoder input 'past_key_values.0.decoder.key' is missing" in str(refused.value)
    assert "decoder input 'past_key_values.0.decoder.state' is not in the contract" in str(refused.value)


def test_wrong_types_and_fixed_axes_are_named(tmp_path: Path) -> None:
    def one_sentence_only(graph: GraphAuthor, sizes: object, mixing: DecoderMixing) -> None:
        graph.input("input_ids", 6, [1, "S"])  # int32
        mask = graph.input("attention_mask", 7, ["B"])
        graph.node("Cast", [graph.node("Add", [mask, graph.constant([1])])], ["present.0.encoder.key"], to=1)
        graph.output("present.0.encoder.key", ["B"])

    bundle = write_toy_bundle(tmp_path / "bundle", encoder=one_sentence_only)
    with pytest.raises(BundleError) as refused:
        Runtime.load(bundle)
    message = str(refused.value)
    assert "encoder input 'input_ids' is a tensor(int32), expected tensor(int64)" in message
    assert "encoder input 'input_ids' has shape [1, 'S'], expected ['B', 'S']" in message
    assert "encoder input 'attention_mask' has shape ['B'], expected ['B', 'S']" in message
    assert "encoder output 'present.0.encoder.key' has shape ['B'], expected ['B', 4, 'S', 8]" in message


def test_a_file_that_is_no_graph_is_refused(tmp_path: Path) -> None:
    bundle = write_toy_bundle(tmp_path / "bundle")
    bundle.file("decoder").write_bytes(b"not a graph")
    with pytest.raises(BundleError, match=r"decoder\.onnx \(decoder\) cannot be opened by onnxruntime"):
        Runtime.load(bundle)


@pytest.mark.parametrize("mixing", ["attention", "ssru"])
def test_a_step_reads_no_more_than_the_row_has(tmp_path: Path, mixing: DecoderMixing) -> None:
    """What lies beyond a row's own lengths is NaN here, and must change no bit; nor must capacity and batch mates."""
    bundle = write_toy_bundle(tmp_path / "bundle", mixing)
    runtime = Runtime.load(bundle)
    sources = random_sources(5, 3, 40, seed=1)

    def decode(chosen: list[int], spoil: bool, extra_source: int) -> list[list[bytes]]:
        """Logits of each chosen sentence over three steps."""
        slots = Slots(bundle.manifest, max_rows=6)
        if extra_source:  # a long sentence of the past: the capacity grew
            cross = [np.zeros((1, 4, extra_source, 8), np.float32) for _ in cross_inputs(bundle.manifest)]
            slots.release(slots.add(cross, 0, extra_source, 1, BOS))
        if spoil:
            for spec in cross_inputs(bundle.manifest) + state_inputs(bundle.manifest):
                slots.inputs()[spec.name][:] = np.nan
        for index in chosen:
            padded = -(-len(sources[index]) // 16) * 16
            ids = np.zeros((1, padded), np.int64)
            ids[0, : len(sources[index])] = sources[index]
            mask = (np.arange(padded)[None] < len(sources[index])).astype(np.int64)
            slots.add(runtime.encode(ids, mask), 0, len(sources[index]), 1, BOS)
        step = runtime.bind_step(slots.inputs(), slots.outputs())
        found: list[list[bytes]] = [[] for _ in chosen]
        for _ in range(3):
            slots.prepare_step()
            step.run(slots.num_rows)
            for row in range(len(chosen)):
                found[row].append(slots.next_scores[row].tobytes())
                assert np.isfinite(slots.next_scores[row]).all()
            slots.advance(np.array([10 + index for index in chosen]))
        return found

    alone = [decode([index], spoil=False, extra_source=0)[0] for index in range(5)]
    assert decode([0, 1, 2, 3, 4], spoil=True, extra_source=0) == alone
    assert decode([4, 2, 0], spoil=True, extra_source=150) == [alone[4], alone[2], alone[0]]


@pytest.mark.parametrize("module", ["server.engine.runtime", "server.serve", "export.calibrate"])
def test_onnxruntime_does_not_report_home(module: str, tmp_path: Path) -> None:
    """As soon as it is imported it would write into the home folder who it reports as, and what there is to report."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", f"import {module}"], env=environment, check=True, timeout=60)
    assert list(tmp_path.rglob("*")) == []
