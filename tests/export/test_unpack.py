"""Unpacking: what packing did to a model, undone."""

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

import export.unpack
from export.arithmetic import Arithmetic, Float32
from export.calibrate import calibrate
from export.manifest import ExportSettings
from export.parameters import Parameters, read_parameters
from export.quantise import Int8, QuantiseSettings
from export.sources.own import from_checkpoint
from export.unpack import main, unpack
from server.bundle import Bundle, Precision, describe_file, read_bundle, read_golden
from server.engine.engine import Engine
from server.engine.types import EngineSettings, SearchOptions
from tests.export.test_pack import pack_quietly
from tests.export.toy import (
    CONFIGURATIONS,
    PLAIN,
    SSRU,
    build_checkpoint,
    build_toy_manifest,
    random_sources,
    write_graphs,
)
from training.checkpoint import Checkpoint, Sample, read_checkpoint
from training.data.tokenizer import Tokenizer
from training.model import ModelSettings


def write_bundle(folder: Path, checkpoint: Checkpoint, precision: Precision) -> Bundle:
    """A bundle of no more than graphs."""
    quantise = QuantiseSettings()
    manifest = build_toy_manifest(checkpoint, ExportSettings())
    arithmetic: Arithmetic = Float32()
    if precision == "int8":
        arithmetic = Int8(calibrate(checkpoint.model, manifest, random_sources([9, 20]), 100), quantise)
    return Bundle(folder, write_graphs(folder, checkpoint, arithmetic)[1])


def read_constants(bundle: Bundle) -> list[np.ndarray]:
    return [
        numpy_helper.to_array(tensor)
        for role in ("encoder", "decoder")
        for tensor in onnx.load(bundle.file(role)).graph.initializer
    ]


def translate(bundle: Bundle, sources: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Greedy ids, from the server's engine."""
    engine = Engine(bundle, EngineSettings(num_threads=1))
    engine.start()
    try:
        futures = [engine.submit(ids, SearchOptions(beam_size=1)) for ids in sources]
        return [tuple(future.result(60).hypotheses[0].ids) for future in futures]
    finally:
        engine.close(0)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_fp32_graphs_give_back_settings_and_weights(name: str, tmp_path: Path) -> None:
    """Every bit of them, but for the query's, which were multiplied by the root of 1 / 8 and are divided by it."""
    checkpoint = build_checkpoint(CONFIGURATIONS[name])
    found = read_parameters(write_bundle(tmp_path, checkpoint, "fp32"), CONFIGURATIONS[name].dropout)
    expected = checkpoint.model.state_dict()
    assert found.settings == CONFIGURATIONS[name]
    assert list(found.weights) == list(expected)
    for key, tensor in expected.items():
        if "query" in key:
            np.testing.assert_array_max_ulp(found.weights[key].numpy(), tensor.numpy(), 1)
        else:
            assert torch.equal(found.weights[key], tensor), key


@pytest.mark.parametrize(("name", "operator"), [("ssru", "SkipSimplified"), ("marian", "Skip")])
def test_graphs_of_older_bundles_give_back_the_same(name: str, operator: str, tmp_path: Path) -> None:
    """Their norms had the sum before them in the same operator, as the default model's have."""
    checkpoint = build_checkpoint(CONFIGURATIONS[name])
    bundle = write_bundle(tmp_path, checkpoint, "fp32")
    expected = read_parameters(bundle, dropout=0.1)
    for role in ("encoder", "decoder"):
        model = onnx.load(bundle.file(role))
        summands = {node.output[0]: list(node.input) for node in model.graph.node if node.op_type == "Add"}
        norms = [node for node in model.graph.node if node.op_type in ("RMSNormalization", "LayerNormalization")]
        for node in norms:
            inputs = [*summands[node.input[0]], *node.input[1:]]
            node.op_type, node.domain, node.input[:] = f"{operator}LayerNormalization", "com.microsoft", inputs
        assert norms
        bundle.file(role).write_bytes(model.SerializeToString())
    found = read_parameters(bundle, dropout=0.1)
    assert found.settings == expected.settings
    assert all(torch.equal(found.weights[key], tensor) for key, tensor in expected.weights.items())


@pytest.mark.parametrize("name", ["ssru", "marian"])
def test_int8_graphs_give_back_rounded_weights_that_round_to_themselves(name: str, tmp_path: Path) -> None:
    checkpoint = build_checkpoint(CONFIGURATIONS[name])
    bundle = write_bundle(tmp_path / "once", checkpoint, "int8")
    found = read_parameters(bundle, dropout=0.1)
    assert found.settings == CONFIGURATIONS[name]
    for key, tensor in checkpoint.model.state_dict().items():
        if tensor.dim() == 2:
            step = tensor.abs().amax(1, keepdim=True) / 64
            assert ((found.weights[key] - tensor).abs() <= step * 0.501).all(), key
            assert not torch.equal(found.weights[key], tensor), key
        elif any(kind in key for kind in ("query", "cross_attention.key", "cross_attention.value")):
            # Multiplied by the root of 1 / 8, or by the scale of the cache, and divided by it.
            np.testing.assert_array_max_ulp(found.weights[key].numpy(), tensor.numpy(), 2)
        else:
            assert torch.equal(found.weights[key], tensor), key
    checkpoint.model.load_state_dict(found.weights)
    again = write_bundle(tmp_path / "twice", checkpoint, "int8")
    numbers = [
        [each for each in read_constants(graphs) if each.dtype == np.int8 and each.ndim == 2]
        for graphs in (bundle, again)
    ]
    assert len(numbers[0]) > 10
    for once, twice in zip(*numbers, strict=True):
        np.testing.assert_array_equal(once, twice)


def test_constants_that_are_stored_once_are_found_everywhere(tmp_path: Path) -> None:
    """A layer that started as another's copy has the same content, so the graph holds one of the two."""
    checkpoint = build_checkpoint(replace(PLAIN, biases=True))
    model = checkpoint.model
    model.encoder[1].load_state_dict(model.encoder[0].state_dict())
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 1:
                parameter.fill_(float("norm" in name))
    found = read_parameters(write_bundle(tmp_path, checkpoint, "fp32"), dropout=0.1)
    assert all(torch.allclose(found.weights[name], tensor) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize(("settings", "precision"), [(SSRU, "fp32"), (CONFIGURATIONS["marian"], "int8")])
def test_checkpoint_to_bundle_to_checkpoint_to_bundle(
    tokenizer: Tokenizer, samples: tuple[Sample, ...], tmp_path: Path, settings: ModelSettings, precision: Precision
) -> None:
    checkpoint = build_checkpoint(settings, tokenizer.vocab_size, tokenizer.path, samples[::3])
    pack_quietly(checkpoint, tmp_path / "once", ExportSettings(precision=precision))
    bundle = read_bundle(tmp_path / "once")
    said: list[str] = []
    parity = unpack(bundle, tmp_path / "checkpoints" / "unpacked", 0.25, said.append)
    assert str(parity) in said
    found = read_checkpoint(tmp_path / "checkpoints" / "unpacked")
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["unpacked"]
    assert found.settings.model == replace(settings, dropout=0.25)
    assert (found.pairs, found.tag_ids) == (checkpoint.pairs, checkpoint.tag_ids)
    assert (found.max_source_length, found.max_target_length) == (50, 75)
    assert found.suppressed_ids == checkpoint.suppressed_ids
    assert found.step == 0
    golden = read_golden(bundle)
    assert [sample.source_text for sample in found.samples] == [line.text for line in golden]
    pack_quietly(found, tmp_path / "twice", ExportSettings(precision=precision))
    sources, expected = [line.source_ids for line in golden], [line.target_ids for line in golden]
    answers = translate(read_bundle(tmp_path / "twice"), sources)
    # In int8 the ranges of the activations are measured anew, and random weights decide nothing clearly.
    same = sum(answer == ids for answer, ids in zip(answers, expected, strict=True))
    assert same >= (16 if precision == "fp32" else 12)


@pytest.fixture(scope="module")
def packed(tokenizer: Tokenizer, samples: tuple[Sample, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("packed") / "bundle"
    pack_quietly(build_checkpoint(PLAIN, tokenizer.vocab_size, tokenizer.path, samples[::3]), path, ExportSettings())
    return path


@pytest.fixture
def bundle(packed: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return shutil.copytree(packed, tmp_path / "bundle")


def test_command(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(bundle), str(tmp_path / "out"), "--dropout", "0.3"]) == 0
    output = capsys.readouterr().out
    assert "16 sentences" in output
    assert "100.0% of greedy outputs identical" in output
    for line in (f"init_from = {json.dumps(str(tmp_path / 'out'))}", "max_length = 50", 'norm = "rmsnorm"'):
        assert line in output.splitlines()
    assert "dropout = 0.3\n" in output
    assert output.endswith("\nferry-export: --beam-size 1 --length-penalty 1 as this bundle\n")


def test_no_bundle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), str(tmp_path / "out")]) == 2
    assert "there is no manifest.json" in capsys.readouterr().err


def test_damaged_bundle(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    graph = bytearray((bundle / "encoder.onnx").read_bytes())
    graph[len(graph) // 2] ^= 1
    (bundle / "encoder.onnx").write_bytes(graph)
    assert main([str(bundle), str(tmp_path / "out")]) == 2
    assert "does not have the SHA-256 of the manifest" in capsys.readouterr().err


def test_existing_path_is_left_alone(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(bundle), str(bundle)]) == 2
    assert "ferry-unpack never overwrites" in capsys.readouterr().err


def test_impossible_dropout(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(bundle), str(tmp_path / "out"), "--dropout", "1"]) == 2
    assert "model.dropout = 1.0 is outside [0, 1)" in capsys.readouterr().err


def alter(path: Path, **changes: object) -> None:
    """Hash the files of the bundle `path` anew and make `changes` to its manifest."""
    manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    files = {role: asdict(describe_file(path, entry["path"])) for role, entry in manifest["files"].items()}
    (path / "manifest.json").write_text(json.dumps(manifest | {"files": files} | changes), encoding="utf-8")


def drop_nodes(path: Path, operator: str, scope: str) -> None:
    """Write the graph `path` without the nodes of `operator` in `scope`."""
    model = onnx.load(path)
    kept = [node for node in model.graph.node if (node.op_type, node.name.rpartition(".")[0]) != (operator, scope)]
    assert len(kept) < len(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(kept)
    path.write_bytes(model.SerializeToString())


@pytest.mark.parametrize(
    ("role", "operator", "scope", "message"),
    [
        ("encoder", "MatMul", "encoder.2.self_attention", "encoder.2.self_attention.query_key_value.weight"),
        ("encoder", "MatMul", "", "cross_key_value.weight"),
        ("decoder", "RMSNormalization", "decoder.1.cross_attention", "decoder.1.cross_attention.norm"),
        ("decoder", "Gemm", "", "embedding"),
    ],
)
def test_what_a_graph_lacks_is_named(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], role: str, operator: str, scope: str, message: str
) -> None:
    drop_nodes(bundle / f"{role}.onnx", operator, scope)
    alter(bundle)
    assert main([str(bundle), str(tmp_path / "out")]) == 2
    assert f"{role}.onnx has no initialiser {message}" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_sizes_that_do_not_go_together(
    packed: Path, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dimensions = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))["dimensions"]
    for changes, message in (
        ({"dimensions": dimensions | {"vocab_size": 390}}, "there are 390 source ids and 380 target ids"),
        (
            {"dimensions": dimensions | {"vocab_size": 370, "target_vocab_size": 370}},
            "the bundle's tokenizer has 380 pieces, and the model only 370 ids",
        ),
        ({"dimensions": dimensions | {"d_ff": 48}}, "feed_forward.inner.weight is [40, 24] in the graphs and [48, 24]"),
        (
            {"dimensions": dimensions | {"num_decoder_layers": 1}, "alignment_layer": 0},
            "cross_attention.key.weight is [48, 24]",
        ),
    ):
        shutil.copyfile(packed / "manifest.json", bundle / "manifest.json")
        alter(bundle, **changes)
        assert main([str(bundle), str(tmp_path / "out")]) == 2
        assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "changes",
    [
        {"pairs": [{"source": "de", "target": "en", "prefix_ids": [7]}]},
        {"pairs": [{"source": "de", "target": "fr", "prefix_ids": [7, 8]}]},
        {"pairs": [{"source": "de", "target": "en", "prefix_ids": []}]},
        {"special_ids": {"pad": 9, "unk": 7, "bos": 2, "eos": 3}},
    ],
)
def test_ids_that_are_not_those_of_training_are_kept(
    packed: Path, bundle: Path, tmp_path: Path, changes: dict[str, object]
) -> None:
    alter(bundle, **changes)
    assert main([str(bundle), str(tmp_path / "out")]) == 0
    found, manifest = from_checkpoint(read_checkpoint(tmp_path / "out")), read_bundle(bundle).manifest
    assert (found.pairs, found.special_ids) == (manifest.pairs, manifest.special_ids)
    assert found.suppressed_ids == manifest.suppressed_ids
    assert (tmp_path / "out" / "scheme.json").exists()


def test_bundle_without_golden_lines(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (bundle / "golden.jsonl").write_text("", encoding="utf-8")
    alter(bundle)
    assert main([str(bundle), str(tmp_path / "out")]) == 2
    assert "has no golden lines to prove the checkpoint with" in capsys.readouterr().err


def test_weights_that_do_not_compute_what_the_bundle_does_are_refused(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As they would be with the factor left in the queries."""

    def read_wrongly(bundle: Bundle, dropout: float) -> Parameters:
        found = read_parameters(bundle, dropout)
        factor = found.settings.head_dim**-0.5
        return replace(found, weights={k: v * factor if "query" in k else v for k, v in found.weights.items()})

    monkeypatch.setattr(export.unpack, "read_parameters", read_wrongly)
    assert main([str(bundle), str(tmp_path / "out")]) == 2
    assert "do not compute what the bundle does: relative_error is" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
