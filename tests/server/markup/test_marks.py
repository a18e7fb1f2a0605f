"""Marks are found kind by kind, each only where a line may have it: the same as by one expression for all of them."""

import random
import re
from collections.abc import Iterator

import pytest

from server.markup.kinds import KINDS, MarkKind
from server.markup.marks import find_marks, may_have_marks, split_marks
from server.markup.options import Kind
from server.text.expressions import compile_expression
from tests.server.markup.test_marks_kept import NUM_TEXTS, generate

EXAMPLES = [each for kind in KINDS for each in kind.examples]
SIGNS = [*" .,;:!?a1B=$%&/(){}[]<>*_~`^#@\\|\"'", "«", "²", "°"]
_compiled: dict[tuple[str, ...], re.Pattern[str]] = {}


def search_all(line: str, kind: Kind) -> Iterator[tuple[int, str]]:
    """Where marks begin in `line`, and of which kinds they are, by one expression, up to the first that is cut."""
    kinds = [
        each
        for each in KINDS
        if (kind == "text" or not each.only_plain) and not any(char in line for char in each.never_with)
    ]
    names = tuple(each.name for each in kinds)
    if names not in _compiled:
        ways = (rf"(?:{each.pattern})(?P<kind{number}>)" for number, each in enumerate(kinds))
        _compiled[names] = compile_expression("|".join(ways), re.X)
    match = _compiled[names].search(line)
    if match is not None and may_have_marks(line):
        yield match.start(), kinds[int((match.lastgroup or "")[4:])].name


def some_line(seed: int) -> str:
    chance = random.Random(seed)
    if seed % 2:
        return "".join(chance.choice(EXAMPLES + SIGNS) for _ in range(chance.randint(1, 12)))
    return chance.choice(generate(seed).split("\n"))


@pytest.mark.parametrize("kind", ["text", "html"])
def test_the_first_mark_is_the_one_that_one_expression_finds(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    from server.markup.marks import _Search

    for seed in range(NUM_TEXTS):
        line = some_line(seed)
        found = _Search(line, kind == "text").find(0) if may_have_marks(line) else None
        told = [] if found is None else [(found[1].start(), found[0].name)]
        assert told == list(search_all(line, kind)), line


def test_a_mark_behind_others_is_found_though_an_earlier_one_began_before_them() -> None:
    line = "Siehe `a_b` und a_b, dann `c` und c_d."
    assert [line[slice(*span)] for span in find_marks(line)] == ["`a_b`", "a_b", "`c`", "c_d"]


def test_what_a_message_might_have_been_is_searched_for_other_marks() -> None:
    line = "{n, plural, one {# Stuhl} ist nicht zu Ende, {name} aber"
    found = [line[slice(*span)] for span in find_marks(line)]
    assert "{name}" in found
    assert found[0] != line


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_what_a_kind_needs_is_in_its_examples(kind: MarkKind) -> None:
    for each in kind.examples:
        if isinstance(kind.needs, re.Pattern):
            assert kind.needs.search(each), each
        else:
            assert not kind.needs or any(need in each for need in kind.needs.split()), each
        assert may_have_marks(each)


def test_a_line_with_digits_alone_has_only_text() -> None:
    line = "Am 5. Mai kamen 12 von 30 Leuten."
    assert [token.kind for token in split_marks(line, "text")] == ["text"]


@pytest.mark.parametrize(
    ("text", "unreadable", "held"),
    [
        ("spoken [ʁaɪ̯n] there", "ʁɪ\u032f", ["ʁaɪ̯n"]),
        ("Das Wort ʁaɪ̯n.", "\u032f", ["ʁaɪ̯n"]),
        ("Herr Dvor\u030ca\u0301k kommt", "\u030c", ["Dvor\u030ca\u0301k"]),
        ("Cafe\u0301 und Łódź", "Łź", ["Łódź"]),
        ("Cafe\u0301", "Ł", []),
    ],
)
def test_a_word_is_held_with_its_combining_marks(text: str, unreadable: str, held: list[str]) -> None:
    assert [text[start:end] for start, end in find_marks(text, unreadable=frozenset(unreadable))] == held


def test_many_combining_marks_take_no_longer_than_their_number() -> None:
    """Each letter behind one would begin a search to the end of the word."""
    assert list(find_marks("a\u0301" * 200_000, unreadable=frozenset("Ł"))) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("siehe ~~www.example.org~~ dort", ["~~", "www.example.org", "~~"]),
        ("siehe ~~localhost:8080/x~~ dort", ["~~", "localhost:8080/x", "~~"]),
        ("die [C:\\Neue Ordner\\b.txt](https://a.de/b) dort", ["[", "C:\\Neue Ordner\\b.txt", "](https://a.de/b)"]),
        ("mit [--tiefe=3](https://a.de/b) starten", ["[", "--tiefe=3", "](https://a.de/b)"]),
        ("y = 2x *2031-05-06* geht", ["y = 2x", "*", "2031-05-06", "*"]),
        ("y = 2x * 3 geht", ["y = 2x * 3"]),
        ("**|VORNAME|** und ***|ORT|***", ["*", "*|VORNAME|*", "*", "**", "*|ORT|*", "**"]),
        ("***.log** und **.log** und **.log*", ["**", "*.log", "**", "**", ".log", "**", "*", "*.log", "*"]),
        ("[i][02:07.50][/i] Boot", ["[i]", "[02:07.50]", "[/i]"]),
        ("Kapitel⁴, Segel™ und 3 m²", ["⁴", "™", "3 m²"]),
        ("BIC KUTTDEFF, KUTTDEFFXXX, KUTTDEF1XYZ; DRINGEND", ["KUTTDEFF", "KUTTDEFFXXX", "KUTTDEF1XYZ"]),
        ("die {n}-Boote", ["{n}"]),
        ("am __.__.2031 fuhr __ fort: ______", ["__.__.2031", "__", "______"]),
        ('"das Boot":https://a.de/b', ["https://a.de/b"]),
        ("sie haben ${n == 1 ? 'ein Boot' : 'Boote'} da", ["${n == 1 ? 'ein Boot' : 'Boote'}"]),
        ("${A:-a_b} zu *${n}*", ["${A:-a_b}", "*", "${n}", "*"]),
        ("[{boot[1]}](https://a.de/b) da", ["[", "{boot[1]}", "](https://a.de/b)"]),
        ("30″ × 20″", ["30″", "20″"]),
        ("Boot ........... 5", ["..........."]),
        ("[b]--tiefe=3[/b] da", ["[b]", "--tiefe=3", "[/b]"]),
        ("ruf 0900/765 432 2031-05-06T10:00:00Z an", ["0900/765 432", "2031-05-06T10:00:00Z"]),
    ],
)
def test_a_mark_ends_where_another_begins(text: str, found: list[str]) -> None:
    assert [text[start:end] for start, end in find_marks(text)] == found
