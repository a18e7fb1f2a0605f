"""The robustness sheet: lines changed on both sides, and checks that tell good translations from bad."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from export import testset
from export.changes import KINDS, MAX_LINES, PEOPLE, PLACEHOLDERS, SHOWN, Changed, change_lines
from export.evaluate import main
from export.robustness import judge
from export.systems import Output
from tests.corpus import sentences, write_corpus
from tests.export.test_evaluate import flags
from tests.export.test_evaluate import folders as folders

PAIRS = [
    pair
    for i, (de, en) in enumerate(sentences(400, seed=9))
    for pair in ((f"Piontek {i + 2}: {de}", f"Piontek {i + 2}: {en}"), (de, en))
]


@pytest.fixture(scope="module")
def changed() -> dict[str, Changed]:
    """Every kind of changed lines, by its name."""
    sources, references = zip(*PAIRS, strict=True)
    halves = [
        testset.TestSet(name, "de", "en", Path("a"), Path("b"), sources[part], references[part])
        for name, part in (("one", slice(0, 400)), ("two", slice(400, 800)))
    ]
    return {each.kind: each for each in change_lines(halves)}


def test_every_kind_has_its_lines(changed: dict[str, Changed]) -> None:
    assert tuple(changed) == KINDS
    assert {len(each.lines.sources) for each in changed.values()} == {MAX_LINES}
    plain = changed["plain"].lines
    assert list(zip(plain.sources, plain.references, strict=True)) == PAIRS[:100] + PAIRS[400:500]
    assert all(set(each.lines.sources) - set(dict(PAIRS)) for kind, each in changed.items() if kind != "plain")


def test_placeholders_and_names_are_such_as_no_training_text_has(changed: dict[str, Changed]) -> None:
    for kind, pool in ((PLACEHOLDERS, SHOWN), ("names", PEOPLE)):
        each = changed[kind]
        assert all(each.kept)
        assert {word for kept in each.kept for word in kept} == set(pool)
        for source, reference, kept in zip(each.lines.sources, each.lines.references, each.kept, strict=True):
            assert all(source.count(word) == reference.count(word) == 1 for word in kept)


def test_slips_are_in_the_source_alone(changed: dict[str, Changed]) -> None:
    typos = changed["typos"].lines
    assert not set(typos.sources) & set(dict(PAIRS))
    assert set(typos.references) <= {en for _, en in PAIRS}


@pytest.mark.parametrize("kind", KINDS)
def test_the_reference_itself_is_perfect(kind: str, changed: dict[str, Changed]) -> None:
    each = changed[kind]
    row = judge(each, Output(each.lines.references))
    assert (row.chrf, row.endings, row.num_lines) == (pytest.approx(100), 1.0, MAX_LINES)
    assert row.held in (None, 1.0)
    assert (row.held is None) == (kind in ("plain", "words", "typos"))


@pytest.mark.parametrize(
    ("kind", "hypothesis"),
    [
        ("placeholders", "The ferry."),
        ("marks", "The ferry."),
        ("names", "The ferry."),
        ("numbers", "The ferry."),
        ("emoji", "The ferry."),
        ("quotes", '"The ferry.'),
        ("emphasis", "THE FERRY SINKS"),
        ("ending", "The ferry ;"),
        ("capitals", "The ferry."),
        ("lower", "The ferry."),
        ("title", "The ferry."),
        ("merged", "The ferry"),
    ],
)
def test_what_has_not_what_it_must_have_is_told(kind: str, hypothesis: str, changed: dict[str, Changed]) -> None:
    each = changed[kind]
    row = judge(each, Output((hypothesis,) * MAX_LINES))
    assert row.held == 0.0
    assert row.chrf < 50


def test_digits_count_however_they_are_grouped(changed: dict[str, Changed]) -> None:
    numbers = changed["numbers"]
    lines = replace(numbers.lines, sources=("a",) * 3, references=("12,345.6 km at 7:30",) * 3)
    three = replace(numbers, lines=lines, kept=(("12,345.6", "7:30"),) * 3)
    row = judge(three, Output(("12.345,6 km um 7.30", "12345.6 km at 7:30.", "12,345.7 km at 7:30")))
    assert row.held == pytest.approx(2 / 3)


def test_the_end_is_looked_for_behind_what_is_kept() -> None:
    lines = testset.TestSet("marks", "de", "en", Path("a"), Path("b"), ("a",) * 3, ("Delete X7?", "Off. ★", "“Go!”"))
    row = judge(Changed("marks", lines, (("X7",), ("★",), ())), Output(("X7 delete?", "★ Off.", '"Go!"')))
    assert (row.held, row.endings) == (1.0, 1.0)


def test_the_command_writes_a_sheet(
    folders: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, bundle, _ = folders
    write_corpus(tmp_path, "toy", PAIRS[:2])
    sheet = tmp_path / "sheet"
    assert main([str(bundle), *flags(tmp_path), "--robustness", "--report", str(sheet)]) == 0
    printed = capsys.readouterr().out
    assert "| capitals | de-en | 2 |" in printed
    assert printed in (sheet / "robustness.md").read_text()
    rows = json.loads((sheet / "robustness.json").read_text())["rows"]
    assert {row["kind"] for row in rows} <= set(KINDS)
    lines = (sheet / "capitals.de-en.tsv").read_text().splitlines()
    assert [line.split("\t")[0] for line in lines] == [de.upper() for de, _ in PAIRS[:2]]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--json", "x.json"], "--robustness changes the lines: it goes with neither --against nor --json"),
        (["--against", "elsewhere"], "--robustness changes the lines: it goes with neither --against nor --json"),
    ],
)
def test_what_does_not_go_together_is_refused(
    more: list[str], words: str, folders: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    _, bundle, root = folders
    assert main([str(bundle), *flags(root), "--robustness", *more]) == 2
    assert words in capsys.readouterr().err


def test_ready_translations_cannot_be_asked(
    folders: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "toy.de-en.txt").write_text("a\n")
    assert main([str(tmp_path), *flags(folders[2]), "--robustness"]) == 2
    assert "--robustness needs what translates, a bundle or a checkpoint" in capsys.readouterr().err
