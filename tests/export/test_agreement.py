"""A bundle's translations against those that its model's makers published: near, or there is no bundle."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from export.importer import main
from server.bundle import Agreement, read_bundle
from tests.export.sources.test_marian import FIXTURES, SHARED, read_lines


def write_blocks(path: Path, sources: Sequence[str], translations: Sequence[str]) -> str:
    """As OPUS-MT writes them."""
    blocks = (f"{source}\nA reference.\n{text}\n\n" for source, text in zip(sources, translations, strict=True))
    path.write_text("".join(blocks), encoding="utf-8")
    return str(path)


def agreement(bundle: Path) -> Agreement:
    origin = read_bundle(bundle).manifest.origin
    assert origin is not None
    assert origin.agreement is not None
    return origin.agreement


def test_greedy_translations_are_marians_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = FIXTURES / "yaml"
    file = write_blocks(tmp_path / "a.test.txt", read_lines(folder / "source.txt"), read_lines(folder / "greedy.txt"))
    command = [str(folder / "model.npz"), str(tmp_path / "bundle"), "--pair", "de-en", "--precision", "fp32"]
    assert main([*command, "--beam-size", "1", "--check-against", file]) == 0
    assert "20 lines of a.test.txt against the model's own translations, beam 1: 100.0%" in capsys.readouterr().out
    found = agreement(tmp_path / "bundle")
    assert found == Agreement("a.test.txt", 20, 1, 0.6, 1.0, pytest.approx(100))


def test_translations_of_something_else_leave_no_bundle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = FIXTURES / "yaml"
    file = write_blocks(tmp_path / "a.test.txt", read_lines(folder / "source.txt"), ["Qwxyz jjj."] * 20)
    command = [str(folder / "model.npz"), str(tmp_path / "bundle"), "--pair", "de-en", "--check-against", file]
    assert main(command) == 2
    error = capsys.readouterr().err
    assert "the translations are not those of" in error
    assert "at least 70 is needed; 0.0% of 20 lines are identical" in error
    assert "in line 1. Is it of this model and direction?" in error
    assert [path.name for path in tmp_path.iterdir()] == ["a.test.txt"]
    assert main([*command[:-1], str(tmp_path / "none.txt")]) == 2
    assert "none.txt cannot be read" in capsys.readouterr().err


def test_sources_say_the_target_where_a_model_has_several(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = FIXTURES.with_name("marian_mt") / "shuffled"
    expected = [json.loads(line) for line in (folder / "expected.jsonl").read_text("utf-8").splitlines()]
    texts = [line["text"] for line in expected]
    command = [str(folder), str(tmp_path / "bundle"), "--pair", "de-en", "--pair", "de-de", "--precision", "fp32"]
    file = write_blocks(tmp_path / "untagged.txt", texts, texts)
    assert main([*command, "--check-against", file]) == 2
    assert "has no line that can be compared: each must fit the model" in capsys.readouterr().err
    file = write_blocks(tmp_path / "tagged.txt", [f">>eng<< {text}" for text in texts] + [">>fra<< x"], [*texts, "x"])
    assert main([*command, "--check-against", file]) == 2
    assert f"0.0% of {len(texts)} lines are identical" in capsys.readouterr().err


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"{SHARED} is not there")
@pytest.mark.parametrize(("beams", "identical", "chrf"), [(1, 0.95, 98), (4, 0.8, 94)])
def test_larger_models_translations(tmp_path: Path, beams: int, identical: float, chrf: float) -> None:
    """Of Marian's beams some are others: it stops otherwise, and goes on to three times a source's ids."""
    file = write_blocks(tmp_path / "a.test.txt", read_lines(SHARED / "s.de"), read_lines(SHARED / f"b{beams}.txt"))
    command = [str(SHARED / "model.npz"), str(tmp_path / "bundle"), "--pair", "de-en", "--precision", "fp32"]
    vocabulary = [str(SHARED / "vocab.spm")] * 2
    search = ["--beam-size", str(beams), "--length-penalty", "1"]
    assert main([*command, "--vocab", *vocabulary, *search, "--check-against", file]) == 0
    found = agreement(tmp_path / "bundle")
    assert (found.num_lines, found.beam_size) == (40, beams)
    assert found.identical >= identical
    assert found.chrf >= chrf
