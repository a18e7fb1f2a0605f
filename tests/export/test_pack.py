"""Packing: a whole, verified bundle or nothing at all."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
import torch

import export.pack
from export.calibration import ActivationRange, Calibration
from export.errors import ExportError
from export.manifest import ExportSettings
from export.pack import Material, pack
from export.sources.own import from_checkpoint
from server.bundle import Manifest, Norms, Precision, Quality, StandIns, read_bundle, read_golden
from server.engine import runtime
from server.engine.engine import Engine
from server.engine.types import EngineSettings
from tests.export.toy import SSRU, build_checkpoint
from training.checkpoint import Checkpoint
from training.model import Transformer


def pack_quietly(
    checkpoint: Checkpoint, folder: Path, settings: ExportSettings, material: Material | None = None
) -> None:
    pack(from_checkpoint(checkpoint), folder, settings, material or Material(), lambda message: None)


@pytest.mark.parametrize("mixing", ["attention", "ssru"])
@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_bundle_is_whole_and_passes_the_servers_self_test(
    checkpoint: Checkpoint, tmp_path: Path, precision: Precision, mixing: str
) -> None:
    if mixing == "ssru":
        other = build_checkpoint(SSRU, checkpoint.model.vocab_size, checkpoint.tokenizer, checkpoint.samples)
        checkpoint = other
    pack_quietly(checkpoint, tmp_path / "models" / "toy", ExportSettings(precision=precision, beam_size=4))
    bundle = read_bundle(tmp_path / "models" / "toy")
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["toy"]
    assert (bundle.manifest.name, bundle.manifest.precision) == ("toy", precision)
    assert bundle.manifest.search.beam_size == 4
    assert bundle.manifest.decoder_mixing == mixing
    assert len(read_golden(bundle)) == 16
    engine = Engine(bundle, EngineSettings(num_threads=1))
    engine.start()
    try:
        engine.self_test(read_golden(bundle))
    finally:
        engine.close(0)


def test_norms_stay_apart_in_new_bundles_alone(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """onnxruntime joins a sum and a norm to one slower kernel; bundles from before are computed as they were proved."""
    settings = replace(checkpoint.settings.model, norm="layernorm")
    other = build_checkpoint(settings, checkpoint.model.vocab_size, checkpoint.tokenizer, checkpoint.samples)
    pack_quietly(other, tmp_path / "toy", ExportSettings())
    bundle = read_bundle(tmp_path / "toy")
    assert bundle.manifest.norms == "apart"

    def computed(norms: Norms) -> set[str]:
        options = runtime._session_options()
        options.optimized_model_filepath = str(tmp_path / f"{norms}.onnx")
        monkeypatch.setattr(runtime, "_session_options", lambda: options)
        runtime.Runtime.load(replace(bundle, manifest=replace(bundle.manifest, norms=norms)))
        monkeypatch.undo()
        return {node.op_type for node in onnx.load(tmp_path / f"{norms}.onnx").graph.node}

    assert "SkipLayerNormalization" in computed("fused")
    assert "SkipLayerNormalization" not in computed("apart")


def test_manifest_says_what_the_checkpoint_knows(checkpoint: Checkpoint, tmp_path: Path) -> None:
    quality = (Quality("dev", "de", "en", 1.0, 2.0, "signature"),)
    card = tmp_path / "card.md"
    card.write_text("# A toy")
    settings = ExportSettings(name="other", length_penalty=0.6, quality=quality)
    pack_quietly(checkpoint, tmp_path / "toy", settings, Material(card=card))
    bundle = read_bundle(tmp_path / "toy")
    manifest = bundle.manifest
    assert (manifest.name, manifest.quality, manifest.search.length_penalty) == ("other", quality, 0.6)
    assert {(p.source, p.target): p.prefix_ids for p in manifest.pairs} == {("de", "en"): (5,), ("en", "de"): (4,)}
    assert manifest.suppressed_ids == (0, 1, 2, 4, 5)
    sizes = manifest.dimensions
    assert (sizes.max_source_length, sizes.max_target_length, sizes.source_multiple) == (50, 75, 16)
    assert bundle.file("card").read_text() == "# A toy"


def test_what_the_model_copies_is_measured_on_the_sample_lines_and_told_in_the_manifest(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []

    def measure(
        manifest: Manifest, tokenizer: object, engine: object, texts: dict[tuple[str, str], list[str]]
    ) -> object:
        asked.extend(texts)
        assert all(texts.values())
        return tuple(StandIns(pair.source, pair.target, {"XQ": 1.0, "42": 0.9}) for pair in manifest.pairs)

    monkeypatch.setattr(export.pack, "measure_stand_ins", measure)
    pack_quietly(checkpoint, tmp_path / "toy", ExportSettings())
    assert sorted(asked) == [("de", "en"), ("en", "de")]
    found = read_bundle(tmp_path / "toy").manifest.stand_ins
    assert {(each.source, each.target): list(each.rates) for each in found} == {pair: ["XQ", "42"] for pair in asked}


def test_a_model_that_copies_nothing_has_no_stand_ins_and_is_not_measured_again(
    checkpoint: Checkpoint, tmp_path: Path
) -> None:
    pack_quietly(checkpoint, tmp_path / "toy", ExportSettings())
    found = read_bundle(tmp_path / "toy").manifest.stand_ins
    assert [(each.source, each.target, each.rates) for each in found] == [("de", "en", {}), ("en", "de", {})]


def test_version_names_the_content(checkpoint: Checkpoint, tmp_path: Path) -> None:
    versions = []
    for name in ("a", "b", "c"):
        if name == "c":
            with torch.no_grad():
                checkpoint.model.embedding.weight[7, 7] += 0.1
        pack_quietly(checkpoint, tmp_path / name, ExportSettings())
        versions.append(read_bundle(tmp_path / name).manifest.version)
    assert versions[0] == versions[1] != versions[2]


def test_existing_path_is_left_alone(checkpoint: Checkpoint, tmp_path: Path) -> None:
    for name in ("folder", "file", "link"):
        path = tmp_path / name
        if name == "folder":
            path.mkdir()
        elif name == "file":
            path.write_text("mine")
        else:
            path.symlink_to("nowhere")
        with pytest.raises(ExportError, match="exists, and ferry-export never overwrites"):
            pack_quietly(checkpoint, path, ExportSettings())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder", "link"]
    assert (tmp_path / "file").read_text() == "mine"


def test_wrong_graphs_are_refused_and_nothing_is_left(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One row of one matrix, a hundredth off, is enough."""

    def build_wrongly(model: Transformer, length: int, arithmetic: object, aligns: int) -> object:
        altered = build_checkpoint(model.settings, model.vocab_size).model
        with torch.no_grad():
            altered.decoder[1].feed_forward.outer.weight[3] += 0.01
        return build_decoder(altered, length, arithmetic, aligns)

    build_decoder = export.pack.build_decoder
    monkeypatch.setattr(export.pack, "build_decoder", build_wrongly)
    with pytest.raises(ExportError, match=r"do not compute what the checkpoint does: .*max_error"):
        pack_quietly(checkpoint, tmp_path / "toy", ExportSettings())
    assert list(tmp_path.iterdir()) == []


def test_broken_quantisation_is_refused(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def calibrate_wrongly(
        model: Transformer, manifest: Manifest, sources: Sequence[Sequence[int]], percentile: float
    ) -> Calibration:
        found = calibrate(model, manifest, sources, percentile)
        ranges = {site: ActivationRange(each.low / 8, each.high / 8) for site, each in found.ranges.items()}
        return replace(found, ranges=ranges)

    calibrate = export.pack.calibrate
    monkeypatch.setattr(export.pack, "calibrate", calibrate_wrongly)
    with pytest.raises(ExportError, match=r"relative_error is .*, at most"):
        pack_quietly(checkpoint, tmp_path / "toy", ExportSettings(precision="int8"))
    assert list(tmp_path.iterdir()) == []


def test_checkpoint_without_samples_needs_text(checkpoint: Checkpoint, tmp_path: Path) -> None:
    bare = replace(checkpoint, samples=())
    with pytest.raises(ExportError, match="--golden LANG=FILE"):
        pack_quietly(bare, tmp_path / "toy", ExportSettings())
    files = {}
    for language in ("de", "en"):
        files[language] = tmp_path / language
        texts = [sample.source_text for sample in checkpoint.samples if sample.source == language]
        files[language].write_text("\n".join(texts), encoding="utf-8")
    pack_quietly(bare, tmp_path / "toy", ExportSettings(precision="int8"), Material(files, files))
    assert read_bundle(tmp_path / "toy").manifest.precision == "int8"
