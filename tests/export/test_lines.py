"""Text to calibrate and verify with: every direction has some, and bad files are named."""

import gzip
from pathlib import Path

import pytest

from export.errors import ExportError
from export.lines import choose_evenly, gather_lines, spread
from export.manifest import ExportSettings
from server.text.tokenizer import Tokenizer
from tests.export.toy import build_toy_manifest
from training.checkpoint import Checkpoint


def gather(checkpoint: Checkpoint, files: dict[str, Path], with_samples: bool = True) -> list[tuple[str, str]]:
    manifest = build_toy_manifest(checkpoint, ExportSettings())
    samples = checkpoint.samples if with_samples else ()
    lines = gather_lines(files, samples, manifest, Tokenizer.load(checkpoint.tokenizer))
    return [(line.source, line.text) for line in lines]


def test_samples_cover_both_directions(checkpoint: Checkpoint) -> None:
    lines = gather(checkpoint, {})
    assert len(lines) == len(checkpoint.samples)
    assert {source for source, _ in lines} == {"de", "en"}


def test_ids_have_tag_and_eos(checkpoint: Checkpoint) -> None:
    tokenizer, manifest = Tokenizer.load(checkpoint.tokenizer), build_toy_manifest(checkpoint, ExportSettings())
    line = gather_lines({}, checkpoint.samples, manifest, tokenizer)[0]
    assert line.source_ids == (checkpoint.tag_ids[line.target], *tokenizer.encode(line.text), 3)


@pytest.mark.parametrize("suffix", ["txt", "gz"])
def test_a_file_replaces_the_samples_of_its_language(checkpoint: Checkpoint, tmp_path: Path, suffix: str) -> None:
    path, data = tmp_path / f"dev.{suffix}", b"Niemand sieht den Hut.\r\n\n   \nDie Frau.\n"
    path.write_bytes(gzip.compress(data) if suffix == "gz" else data)
    lines = gather(checkpoint, {"de": path})
    assert [text for source, text in lines if source == "de"] == ["Niemand sieht den Hut.", "Die Frau."]
    assert sum(source == "en" for source, _ in lines) == sum(sample.source == "en" for sample in checkpoint.samples)


def test_lines_too_long_for_the_model_are_left_out(checkpoint: Checkpoint, tmp_path: Path) -> None:
    path = tmp_path / "dev"
    path.write_text("Die Frau.\n" + "Die Frau sieht den Hut. " * 40 + "\n")
    assert [text for source, text in gather(checkpoint, {"de": path}) if source == "de"] == ["Die Frau."]


def test_faults_are_named(checkpoint: Checkpoint, tmp_path: Path) -> None:
    damaged = tmp_path / "dev.gz"
    damaged.write_bytes(gzip.compress(b"text " * 99)[:-9])
    with pytest.raises(ExportError, match=r"dev\.gz cannot be read"):
        gather(checkpoint, {"de": damaged})
    with pytest.raises(ExportError, match=r"none\.txt cannot be read"):
        gather(checkpoint, {"de": tmp_path / "none.txt"})
    with pytest.raises(ExportError, match="'fr'; the model translates from de, en"):
        gather(checkpoint, {"fr": damaged})
    with pytest.raises(ExportError, match="no text to calibrate or verify de-en, en-de"):
        gather(checkpoint, {}, with_samples=False)


def test_spread_keeps_ends_and_order() -> None:
    assert spread(range(10), 4) == [0, 3, 6, 9]
    assert spread(range(3), 4) == [0, 1, 2]
    assert len(set(spread(range(17), 16))) == 16


def test_choice_is_shared_between_directions(checkpoint: Checkpoint) -> None:
    manifest = build_toy_manifest(checkpoint, ExportSettings())
    lines = gather_lines({}, checkpoint.samples, manifest, Tokenizer.load(checkpoint.tokenizer))
    chosen = choose_evenly(lines, 10)
    assert [line.source for line in chosen] == ["de"] * 5 + ["en"] * 5
