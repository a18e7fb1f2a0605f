"""The command: flags to a bundle, and one clear message with exit code 2 for what cannot be done."""

import json
from pathlib import Path

import pytest

from export.cli import main, read_quality
from export.errors import ExportError
from server.bundle import Quality, read_bundle
from training.checkpoint import Checkpoint, Draft, RunState, write_checkpoint
from training.data.tokenizer import Tokenizer

QUALITY = {"test_set": "t", "source": "de", "target": "en", "bleu": 31, "chrf": 55.5, "signature": "s"}


@pytest.fixture
def folder(checkpoint: Checkpoint, tokenizer: Tokenizer, tmp_path: Path) -> Path:
    """A checkpoint on disk. Its settings name no corpora, so it has no directions of its own."""
    path = tmp_path / "checkpoint"
    weights = checkpoint.model.state_dict()
    settings, position = checkpoint.settings, checkpoint.position
    write_checkpoint(path, Draft(settings, position, RunState(), tokenizer, weights, {}, {}, checkpoint.samples))
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps(config | {"pairs": checkpoint.pairs}))
    return path


def test_flags_reach_the_bundle(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    quality = tmp_path / "quality.json"
    quality.write_text(json.dumps([QUALITY]))
    flags = ["--name", "n", "--beam-size", "3", "--length-penalty", "0.5", "--quality", str(quality)]
    assert main([str(folder), str(tmp_path / "bundle"), "--precision", "int8", "--percentile", "99.9", *flags]) == 0
    manifest = read_bundle(tmp_path / "bundle").manifest
    assert (manifest.name, manifest.precision, manifest.quality[0].bleu) == ("n", "int8", 31.0)
    assert (manifest.search.beam_size, manifest.search.length_penalty) == (3, 0.5)
    output = capsys.readouterr().out
    assert "calibrating on 48 sentences" in output
    assert "ready for ferry-serve" in output


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--beam-size", "0"], "--beam-size is 0; choose 1"),
        (["--length-penalty", "nan"], "--length-penalty is nan; choose 0"),
        (["--percentile", "50"], "--percentile is 50.0; choose 90 to 100"),
        (["--quality", "none.json"], "none.json cannot be read"),
        (["--card", "none.md"], "none.md"),
        (["--golden", "fr=none"], "'fr'; the model translates from de, en"),
    ],
)
def test_faults_are_one_message(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str], message: str
) -> None:
    assert main([str(folder), str(tmp_path / "bundle"), *flags]) == 2
    error = capsys.readouterr().err
    assert error.startswith("ferry-export: ")
    assert message in error
    assert not (tmp_path / "bundle").exists()


def test_no_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), str(tmp_path / "bundle")]) == 2
    assert "is not a checkpoint" in capsys.readouterr().err


def test_existing_bundle_is_refused_before_anything_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none"), str(tmp_path)]) == 2
    assert "never overwrites" in capsys.readouterr().err


def test_language_file_needs_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["a", "b", "--golden", "dev.de.gz"])
    assert "'dev.de.gz' is not LANG=FILE" in capsys.readouterr().err


def test_quality_is_read_strictly(tmp_path: Path) -> None:
    path = tmp_path / "quality.json"
    for data in ({}, [1], [QUALITY | {"more": 1}], [QUALITY | {"bleu": "31"}], [QUALITY | {"test_set": 1}]):
        path.write_text(json.dumps(data))
        with pytest.raises(ExportError, match=r"quality\.json"):
            read_quality(path)
    path.write_text(json.dumps([QUALITY]))
    assert read_quality(path) == (Quality("t", "de", "en", 31.0, 55.5, "s"),)
