"""What is dropped, and that every drop is counted and shown."""

import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from tests.corpus import sentences, write_corpus
from training.data.clean import REASONS, build_cleaner
from training.data.hashes import line_digest, normalise, pair_digest, pair_hashes, to_array
from training.data.reports import CleanReport, cleaning_page
from training.data.screen import CODES, screen
from training.data.store import build_store
from training.settings import DataSettings, load_settings


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        ("Guten Tag", "Hello", None),
        ("  ", "Hello", "empty"),
        ("a" * 801, "b" * 801, "too_long"),
        ("Ja", "Yes, but only if everybody else agrees", "length_ratio"),
        ("Yes, but only if everybody else agrees", "Ja", "length_ratio"),
        ("Берлин и Москва", "Berlin and Moscow", "wrong_script"),
        ("12:30", "12.30", "wrong_script"),
        ("« ÷ »", "Half", "wrong_script"),
        ("Der Fluss Москва", "The river Moscow", "wrong_script"),  # 8 letters of 14
        ("Er sagt Да", "He says yes", None),  # 6 of 8
        ("Berlin", "berlin ", "identical"),
        ("Łódź é über", "Lodz e uber", None),
    ],
)
def test_cleaning_reasons(one: str, other: str, reason: str | None) -> None:
    assert build_cleaner(DataSettings(), ("de", "en"))(one, other) == reason


def test_script_belongs_to_the_language() -> None:
    clean = build_cleaner(DataSettings(), ("ru", "en"))
    assert clean("Берлин и Москва", "Berlin and Moscow") is None
    assert clean("Berlin and Moscow.", "Berlin and Moscow") == "wrong_script"


def test_equal_pairs_share_a_hash_whichever_side_is_first() -> None:
    assert pair_digest("Tag", "day", ("de", "en")) == pair_digest("day", " Tag ", ("en", "de"))
    assert pair_digest("Tag", "day", ("de", "en")) != pair_digest("day", "Tag", ("de", "en"))
    assert pair_digest("Tag", "day", ("de", "en")) != pair_digest("tag", "day", ("de", "en"))

    def near(one: str, other: str, languages: tuple[str, str]) -> int:
        sides = to_array(line_digest(one, languages[0]) + line_digest(other, languages[1])).reshape(1, 2)
        return int(pair_hashes(sides)[0])

    assert near("Tag!", "day", ("de", "en")) == near("Day", "tag", ("en", "de"))
    assert near("Tag", "day", ("de", "en")) != near("day", "Tag", ("de", "en"))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Um 12:30 Uhr, am 7.", "um0000uhram0"),
        ("„Straße“ – Ｇroß …", "strassegross"),
        ("a\u00a0b\u00adc\u200bd €", "abcd"),
        ("٣ नि", "0नि"),
        ("!? …", "!? …"),
    ],
)
def test_normalised_keeps_letters_and_marks_alone(line: str, expected: str) -> None:
    assert normalise(line).decode() == expected


def test_normalised_agrees_with_its_definition() -> None:
    """Character by character, as the class and the byte table save us from doing."""
    every = [chr(code) for code in range(0x20, 0x3000) if unicodedata.category(chr(code)) not in ("Cn", "Cs")]
    for character in every:
        folded = unicodedata.normalize("NFKC", f"a{character}b").casefold()
        kinds = [(c, unicodedata.category(c)) for c in folded]
        kept = "".join(
            "0" if kind == "Nd" else c for c, kind in kinds if kind[0] not in "PSZ" and kind not in ("Cc", "Cf")
        )
        assert normalise(f"a{character}b").decode() == kept, hex(ord(character))


def two_corpora(config: Path, first: list[tuple[str, str]], second: list[tuple[str, str]]) -> None:
    """Let `config` have two corpora, the second with English first."""
    text = config.read_text()
    more = '[[corpora]]\nname = "more"\nlanguages = ["en", "de"]\nfiles = ["more.en.gz", "more.de.gz"]\n'
    config.write_text(text.replace("[[validation]]", more + "[[validation]]"))
    write_corpus(config.parent, "train", first)
    write_corpus(config.parent, "more", second)


def test_duplicates_and_near_duplicates_are_dropped_over_all_corpora(config: Path) -> None:
    one, two, three, four = sentences(4)
    loud = (one[0].upper().rstrip("."), one[1] + "!")
    two_corpora(config, [one, two, one, loud], [(" " + two[0], two[1]), three, loud, four])
    near, exact = CODES["near_duplicate"], CODES["duplicate"]
    verdicts, _ = screen(load_settings(config))
    assert [mine.tolist() for mine in verdicts] == [[0, 0, exact, near], [exact, 0, exact, 0]]
    verdicts, _ = screen(load_settings(config, ["data.drop_near_duplicates=false"]))
    assert [mine.tolist() for mine in verdicts] == [[0, 0, exact, 0], [exact, 0, exact, 0]]
    verdicts, _ = screen(load_settings(config, ["data.drop_duplicates=false"]))
    assert not np.concatenate(verdicts).any()


def test_every_reason_is_counted_and_shown(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pairs = sentences(300)
    dropped = [("", f"nothing {i}") for i in range(12)]
    write_corpus(config.parent, "train", [*pairs, *pairs[:7], *dropped, ("Haus| " * 60, "house " * 60)])
    build_store(load_settings(config), 1)
    assert "300 of 320 pairs kept; dropped: empty 12, duplicate 7, too_many_ids 1\n" in capsys.readouterr().out
    folder = config.parent / "run" / "data"
    (report,) = json.loads((folder / "store.json").read_text())["reports"]
    assert (report["total"], report["kept"]) == (320, 300)
    assert report["dropped"] == {"empty": 12, "duplicate": 7, "too_many_ids": 1}
    assert [english for _, english in report["examples"]["empty"]] == [f"nothing {i}" for i in (0, 2, 5, 8, 11)]
    assert report["examples"]["duplicate"] == [list(pairs[i]) for i in (0, 1, 3, 4, 6)]
    page = (folder / "cleaning.md").read_text()
    assert "| duplicate | 7 | 2.19 % |\n" in page
    assert f"| {pairs[6][0]} | {pairs[6][1]} |\n" in page
    assert "Haus\\| Haus" in page


def test_reasons_come_in_one_order() -> None:
    assert list(CODES) == list(REASONS)
    report = CleanReport("news", ("de", "en"), 10, {"duplicate": 2, "empty": 1})
    assert str(report) == "news: 7 of 10 pairs kept; dropped: empty 1, duplicate 2"
    assert "| kept | 7 | 70.00 % |" in cleaning_page([report])
