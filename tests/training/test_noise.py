"""Noise: every change does to both sides what it says, and a line is changed as often as its share."""

import re
from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from tests.corpus import sentences
from training.data.noise import names
from training.data.noise.lexicon import Lexicon, learn_lexicon
from training.data.noise.marks import draw_mark, draw_sign
from training.data.noise.noiser import CHANGES, Noiser
from training.data.noise.numbers import draw_number
from training.data.noise.pair import Change, Pair, edit
from training.data.noise.typos import slip
from training.settings import NoiseSettings

LANGUAGES = ("de", "en")
PAIRS = sentences(300, seed=3)
NAMED = [(f"Gestern sah Piontek {de}", f"Yesterday Piontek saw {en}") for de, en in PAIRS]
NUMBERED = [(f"{de} Es waren 250 um 7:30.", f"{en} There were 250 at 7:30.") for de, en in PAIRS]


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return learn_lexicon(PAIRS)


def changed(change: Change, pairs: list[tuple[str, str]], lexicon: Lexicon) -> list[tuple[str, str]]:
    """The pairs after `change`, as far as it applies."""
    rng = Random(1)
    found = [change(Pair(pair, LANGUAGES), lexicon, rng) for pair in pairs]
    return [pair.texts for pair in found if pair]


def test_edits_do_not_disturb_each_other() -> None:
    assert edit("one two three", [(8, 13, "3"), (0, 0, "> "), (4, 7, "")]) == "> one  3"


def test_the_lexicon_links_words_that_translate_each_other(lexicon: Lexicon) -> None:
    one, other = "Die Frau kauft heute das Boot von Ötzi 7a.", "The woman buys the boat from Ötzi 7a today."
    pair = Pair((one, other), LANGUAGES)
    links = lexicon.links(pair)
    linked = {one[slice(*link.one)]: other[slice(*link.other)] for link in links}
    assert linked["kauft"] == "buys"
    assert linked["heute"] == "today"
    assert linked["Ötzi"] == "Ötzi"
    assert linked["7a"] == "7a"
    assert "the" not in linked.values(), "which stands twice"
    assert [link.one for link in links] == sorted(link.one for link in links)
    assert [one[slice(*link.one)] for link in links if link.copied] == ["Ötzi", "7a"]


def test_nothing_is_learned_from_nothing() -> None:
    assert learn_lexicon([]).scores == {}
    assert learn_lexicon([("", ""), ("a", "b")]).scores == {}, "seen too seldom"


def test_words_that_two_choose_go_to_the_likelier() -> None:
    lexicon = Lexicon({"das": {"that": 0.2}, "jenes": {"that": 0.5}})
    (link,) = lexicon.links(Pair(("das oder jenes", "or that"), LANGUAGES))
    assert link.one == (9, 14)


def test_marks_are_in_both_sides_as_often_and_nothing_else_is_lost(lexicon: Lexicon) -> None:
    found = changed(CHANGES["marks"], PAIRS, lexicon)
    assert len(found) == len(PAIRS)
    numbers: Counter[int] = Counter()
    for (de, en), (was_de, was_en) in zip(found, PAIRS, strict=True):
        new = set(re.split(r"[\s.:]+", de)) - set(re.split(r"[\s.:]+", was_de)) - {"–"}
        assert new, de
        numbers[len(new)] += 1
        assert all(en.count(mark) == de.count(mark) == 1 for mark in new)
        assert de[-1] == en[-1] == ".", "a mark at the end stands before the full stop"
        assert len(de.split()) - len(was_de.split()) == len(en.split()) - len(was_en.split())
    assert {1, 2, 3, 4} <= set(numbers)


def test_a_line_without_links_has_its_mark_at_an_end() -> None:
    found = changed(CHANGES["marks"], [("Na ja ...", "Oh well ...")] * 50, Lexicon({}))
    assert all(re.match(r"\S+(:| –|) Na ja \.\.\.|Na ja \S+ \.\.\.", de) for de, _ in found)


def test_marks_and_signs_are_of_many_kinds_and_hold_no_space() -> None:
    rng = Random(5)
    marks = {draw_mark(rng) for _ in range(500)}
    assert len(marks) > 300
    assert not any(mark.split() != [mark] for mark in marks)
    assert {sign.isalnum() for sign in (draw_sign(rng) for _ in range(100))} == {False}


def test_names_are_replaced_alike_and_by_many_alphabets(lexicon: Lexicon) -> None:
    found = changed(CHANGES["names"], NAMED, lexicon)
    assert len(found) == len(NAMED)
    new = [re.findall(r"^Gestern sah (.*?) (?=Der|Die|Das|Mein|Deine|Ein|Unser|Niemand)", de)[0] for de, _ in found]
    assert all(en.startswith(f"Yesterday {name} saw ") for name, (_, en) in zip(new, found, strict=True))
    assert len(set(new)) > 200
    assert 20 < sum(not name.isascii() and ord(name[0]) > 0x250 for name in new) < 150
    assert changed(CHANGES["names"], PAIRS, lexicon) == [], "there are none"


def test_spellings_in_latin_letters_come_first() -> None:
    latin = [ord(min(word)) < 0x250 for beginnings, _ in names.SPELLINGS for word in beginnings]
    assert latin == sorted(latin, reverse=True)
    assert all(ord(c) < 0x2000 for words in names.SPELLINGS[: names.LATIN] for half in words for w in half for c in w)


def test_numbers_are_written_as_each_language_writes_them(lexicon: Lexicon) -> None:
    found = changed(CHANGES["numbers"], NUMBERED, lexicon)
    assert len(found) == len(NUMBERED)
    for de, en in found:
        mine, theirs = (re.findall(r"\d[\d.,:]*\d|\d", text) for text in (de, en))
        assert [number.translate(str.maketrans(".,", ",.")) for number in mine] == theirs
        assert re.fullmatch(r"\d?\d:\d\d", mine[-1])
    assert sum("," in de for de, _ in found) > 50


def test_a_measure_is_added_where_there_is_no_number(lexicon: Lexicon) -> None:
    found = changed(CHANGES["numbers"], PAIRS, lexicon)
    digits = [tuple(re.sub(r"\D", "", text) for text in pair) for pair in found]
    assert all(de and de == en for de, en in digits)
    assert draw_number("", ("de", "ja"), Random(1))[1].isdecimal()


@pytest.mark.parametrize("name", ["emoji", "quotes", "emphasis"])
def test_what_is_put_to_words_is_put_to_both(name: str, lexicon: Lexicon) -> None:
    found = changed(CHANGES[name], PAIRS, lexicon)
    assert len(found) > 200
    assert all(de not in dict(PAIRS) for de, _ in found)
    for de, en in found:
        if name == "emoji":
            assert {c for c in de if ord(c) > 0x2000 or c in "•§¶†‡©®"} == {
                c for c in en if ord(c) > 0x2000 or c in "•§¶†‡©®"
            }
        elif name == "quotes":
            assert [de.count(c) for c in '„"'] == [en.count(c) for c in '“"']
        else:
            assert sum(w.isupper() and len(w) > 2 for w in de.split()) == sum(
                w.isupper() and len(w) > 2 for w in en.split()
            )


def test_quotes_that_are_there_get_another_style(lexicon: Lexicon) -> None:
    quotes = CHANGES["quotes"]
    found = changed(quotes, [('Er sagte "ja".', "He said «yes».")] * 20, lexicon)
    assert set(found) == {('Er sagte "ja".', 'He said "yes".'), ("Er sagte „ja“.", "He said “yes”.")}
    assert changed(quotes, [('Er sagte "ja.', "He said yes.")], lexicon) == [], "one side has none"


@pytest.mark.parametrize(
    ("pair", "allowed"),
    [
        (("Los.", "Go."), {"", "...", "!", "…", "!!", ".."}),
        (("Los!", "Go!"), {"", "!!", "!!!", "."}),
        (("Los?", "Go?"), {"", "??", "?!", "???"}),
        (("Los", "Go"), {".", "!", ":", "...", ","}),
        (("Los!", "Go."), set()),
        (("Los...", "Go..."), set()),
        (("Los!", "Go"), set()),
    ],
)
def test_endings_change_alike(pair: tuple[str, str], allowed: set[str], lexicon: Lexicon) -> None:
    found = changed(CHANGES["ending"], [pair] * 60, lexicon)
    assert {de.removeprefix("Los") for de, _ in found} == allowed
    assert all(de.removeprefix("Los") == en.removeprefix("Go") for de, en in found)


def test_cases(lexicon: Lexicon) -> None:
    pair = [("Sie geht's an.", "She won't go on.")]
    assert changed(CHANGES["capitals"], pair, lexicon) == [("SIE GEHT'S AN.", "SHE WON'T GO ON.")]
    assert changed(CHANGES["lower"], pair, lexicon) == [("sie geht's an.", "she won't go on.")]
    assert changed(CHANGES["title"], pair, lexicon) == [("Sie Geht's An.", "She Won't Go On.")]
    assert changed(CHANGES["capitals"], [("OK", "Fine")], lexicon) == [], "one side would not change"


def test_slips_are_few_and_spare_names() -> None:
    rng = Random(2)
    for _ in range(200):
        slipped = slip("Piontek bringt unsere Zeitung http://nirgends.example", rng)
        assert slipped
        assert re.fullmatch("Piontek .* http://nirgends.example", slipped)
        assert slipped != "Piontek bringt unsere Zeitung http://nirgends.example"
        assert abs(len(slipped) - len("Piontek bringt unsere Zeitung http://nirgends.example")) <= 3
    assert slip("Ja. 5", rng) is None
    kinds = {slip("Müßig, it's", rng) for _ in range(200)}
    assert {"Muessig, it's", "Müßig, it’s"} <= kinds


def test_a_share_is_a_share_and_the_seed_decides(lexicon: Lexicon) -> None:
    lines = sentences(2000, seed=8)
    settings = NoiseSettings(capitals=0.2, typos=0.1)
    first, again, other = (Noiser(settings, LANGUAGES, lexicon, seed).change(lines) for seed in ("1", "1", "2"))
    assert first == again != other
    shouted = [line for line in first if line and line.targets[0].isupper()]
    slipped = [line for line in first if line and line.sources != line.targets]
    assert 330 < len(shouted) < 470
    assert 130 < len(slipped) < 230, "what is in capitals has no slips"
    assert all(line.targets in lines for line in slipped)


def test_only_one_case_at_a_time_and_clean_lines_are_none(lexicon: Lexicon) -> None:
    settings = NoiseSettings(capitals=1, title=1, lower=1)
    assert all(
        line and line.targets[0].isupper() for line in Noiser(settings, LANGUAGES, lexicon, "1").change(PAIRS[:20])
    )
    assert Noiser(NoiseSettings(), LANGUAGES, lexicon, "1").change(PAIRS[:20]) == [None] * 20


def test_sentences_are_joined_with_those_that_follow(lexicon: Lexicon) -> None:
    lines = [*PAIRS[:10], ("Ein Titel", "A title")]
    merged = Noiser(NoiseSettings(merged=1), LANGUAGES, lexicon, "1").change(lines)
    for place, line in enumerate(merged[:9]):
        assert line
        number = line.targets[0].count(".")
        assert 2 <= number <= 4
        assert line.targets == tuple(" ".join(side) for side in zip(*lines[place : place + number], strict=True))
    assert merged[9:] == [None, None], "nothing that ends follows"


def test_labels_are_words_that_translate_each_other(lexicon: Lexicon) -> None:
    labels = Noiser(NoiseSettings(words=1), LANGUAGES, lexicon, "1").change([*PAIRS, ("Na ja.", "Oh well.")])
    assert labels[-1] is None
    words = {tuple(text.lower() for text in label.targets) for label in labels if label}
    assert ("boot", "boat") in words
    assert all(len(de.split()) == len(en.split()) == 1 for de, en in words)


def test_shares_name_every_change() -> None:
    shares = NoiseSettings().shares()
    assert set(CHANGES) | {"merged", "words", "typos"} == set(shares)
    assert not NoiseSettings(copies=9).any()
    assert all(replace(NoiseSettings(), **{name: 0.1}).any() for name in shares)
