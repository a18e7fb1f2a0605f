"""Held-out lines in the training text are counted for what they are, and dropped as the settings say."""

import json
from pathlib import Path

import pytest

from tests.corpus import sentences, write_corpus
from training.data.screen import CODES, screen
from training.data.store import build_store
from training.settings import load_settings

TEST_SET = '[[test]]\nname = "judged"\nlanguages = ["en", "de"]\nfiles = ["test.en.gz", "test.de.gz"]\n'
# Differ in every word, so that nothing is in common but what a test puts there.
HELD_OUT = [("Ahorn", "maple"), ("Buche", "beech"), ("Erle", "alder"), ("Fichte", "spruce"), ("Kiefer", "pine")]


@pytest.fixture
def leaky(config: Path) -> Path:
    """Training text with, of `test`: a pair, a pair torn apart, a German line and an English line."""
    config.write_text(config.read_text() + TEST_SET)
    write_corpus(config.parent, "test", HELD_OUT)
    torn = [("buche!", "a tree"), ("Ein Baum", "Beech")]
    write_corpus(
        config.parent, "train", [("AHORN", "Maple."), *torn, ("Erle", "wood"), ("Holz", "spruce"), *sentences(9)]
    )
    return config


def test_lines_are_counted_once_by_what_of_them_is_in_training(leaky: Path) -> None:
    _, (_, report) = screen(load_settings(leaky))
    assert report.name == "test judged en-de"
    assert report.lines == 5
    (found,) = report.corpora.values()
    # The first language of the test set is English.
    assert (found.pair, found.both, found.first, found.second) == (1, 1, 1, 1)
    assert found == report.overall
    lines = "of 5 lines 1 are in training with their translation, 3 more on one side or both"
    assert str(report) == f"test judged en-de: {lines}"


@pytest.mark.parametrize(("policy", "dropped"), [("keep", []), ("drop_pairs", [0]), ("drop_sides", [0, 1, 2, 3, 4])])
def test_the_policy_decides_what_is_dropped(leaky: Path, policy: str, dropped: list[int]) -> None:
    (verdicts,), _ = screen(load_settings(leaky, [f"data.leaked={policy}"]))
    assert [i for i, code in enumerate(verdicts.tolist()) if code == CODES["leaked"]] == dropped
    assert verdicts.astype(bool).sum() == len(dropped)


def test_corpora_are_told_apart_and_summed_without_counting_twice(leaky: Path) -> None:
    more = '[[corpora]]\nname = "more"\nlanguages = ["en", "de"]\nfiles = ["more.en.gz", "more.de.gz"]\n'
    leaky.write_text(leaky.read_text().replace("[[validation]]", more + "[[validation]]"))
    write_corpus(leaky.parent, "more", [("Ahorn", "maple"), ("Kiefer", "tree"), ("Baum", "alder")])
    _, (_, report) = screen(load_settings(leaky))
    assert {name: (o.pair, o.both, o.first, o.second) for name, o in report.corpora.items()} == {
        "grammar": (1, 1, 1, 1),
        "more": (1, 0, 1, 1),
    }
    overall = report.overall  # alder and Erle are both there now, apart
    assert (overall.pair, overall.both, overall.first, overall.second) == (1, 2, 1, 1)


def test_whole_files_are_checked_and_written_down(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run validates on the first lines, 12 here; the others count all the same."""
    pairs = sentences(420)
    write_corpus(config.parent, "dev", [*pairs[400:], pairs[7]])
    build_store(load_settings(config), 1)
    printed = capsys.readouterr().out
    assert "validation grammar de-en: of 21 lines 1 are in training with their translation" in printed
    assert "grammar: 399 of 400 pairs kept; dropped: leaked 1\n" in printed
    folder = config.parent / "run" / "data"
    described = json.loads((folder / "store.json").read_text())
    assert described["held_out"][0]["pair"] == 1
    assert described["reports"][0]["leaks"]["validation grammar de-en"]["pair"] == 1
    assert described["reports"][0]["examples"]["leaked"] == [list(pairs[7])]
    assert "| grammar | 1 | 0 | " in (folder / "leakage.md").read_text()
