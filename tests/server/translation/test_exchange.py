"""Terms take the place of their translation where the alignment is sure, and nothing else is touched."""

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest

from server.engine.types import Hypothesis, SearchOptions, SentenceResult
from server.models.models import Model, Models
from server.settings import ServeSettings
from server.text.casing import read_sentence
from server.text.segments import Segment
from server.text.tokenizer import Tokenizer
from server.text.words import split_words
from server.translation.exchange import _find_words, exchange_terms
from server.translation.glossary import Terms, take_out_terms
from server.translation.links import align_parts, link_words
from server.translation.plan import Part
from server.translation.request import TranslateOptions
from server.translation.sentences import GuardCounts
from server.translation.translator import Translator
from tests.server.conftest import MakeModel
from tests.server.fakes import EN, FakeEngine

EOS = 3
Links = dict[str, str]  # word of the translation: words of the source that it stands for


def hypothesis(tokenizer: Tokenizer, source: str, target: str, links: Links) -> Hypothesis:
    """One whose ids look at the words that `links` say, evenly; all others at EOS."""
    ids, spans = tokenizer.encode(target), tokenizer.source_spans(source)
    weights = np.zeros((len(ids), len(spans) + 2), np.float32)
    ends = [len(tokenizer.decode(ids[: count + 1])) for count in range(len(ids))]
    for row, (start, end) in enumerate(zip([0, *ends], ends, strict=False)):
        words = [each.group() for each in re.finditer(r"\w+", target) if each.start() < end and each.end() > start]
        wanted = {each for word in words for each in links.get(word, "").split()}
        places = [(a, b) for a, b in split_words(source) if source[a:b] in wanted]
        inside = [any(a < high and b > low for low, high in places) for a, b in spans]
        weights[row, 1:-1] = inside
        weights[row, -1] = not any(inside)
    weights /= weights.sum(axis=1, keepdims=True)
    return Hypothesis(tuple(ids), -1.0, -1.0, True, weights)


def part_of(tokenizer: Tokenizer, source: str, *terms: str) -> Part:
    reading = read_sentence(tokenizer, source)
    return Part(
        Segment(source, ""), (EN, *tokenizer.encode(reading.text), EOS), reading, 1, terms, (*reading.stand_ins, *terms)
    )


@pytest.mark.parametrize(
    ("source", "target", "links", "terms", "expected"),
    [
        ("Das Haus ist alt.", "The house is old.", {"house": "Haus"}, ["Haus"], "The Haus is old."),
        # The article of a word looks at it too.
        ("Das Haus ist alt.", "The house is old.", {"The": "Das Haus", "house": "Haus"}, ["Haus"], "The Haus is old."),
        ("Das Haus, das Haus", "The house, a home", {"house": "Haus", "home": "Haus"}, ["Haus", "Haus"], None),
        ("Haus und Hund", "Dog and house", {"Dog": "Hund", "house": "Haus"}, ["Haus", "Hund"], "Hund and Haus"),
        # Of one word for two the other would be lost.
        ("Das Haus am See", "The lakehouse", {"lakehouse": "Haus See"}, ["Haus"], None),
        ("Das Buch", "The yesterday-book", {"book": "Buch"}, ["Buch"], "The yesterday-Buch"),
        (
            "Das Haus am See",
            "The lake house",
            {"lake": "See Haus", "house": "Haus am See"},
            ["Haus am See"],
            "The Haus am See",
        ),
        (
            "Das Schloss",
            "The beautiful house",
            {"beautiful": "Schloss", "house": "Schloss"},
            ["Schloss"],
            "The Schloss",
        ),
        ("Das Haus ist alt.", "It is old.", {}, ["Haus"], None),
        # Which of two would be the term?
        ("Das ist alt.", "That is old, alt.", {"old": "alt"}, ["alt"], None),
        ("Das Haus ist alt.", "", {}, ["Haus"], None),
    ],
)
def test_places(
    tokenizer: Tokenizer, source: str, target: str, links: Links, terms: list[str], expected: str | None
) -> None:
    found = exchange_terms(tokenizer, part_of(tokenizer, source, *terms), hypothesis(tokenizer, source, target, links))
    assert (found and found.text) == expected


@pytest.mark.parametrize(
    ("target", "mine", "others", "found"),
    [
        # Articles and verbs may look at a noun more than its translation does, and are none of it.
        ("The privacy is old", [0.50, 0.45, 0.39, 0.0], [0.22, 0.02, 0.39, 0.9], "privacy"),
        ("The stub is new", [0.29, 0.61, 0.68, 0.07], [0.25, 0.0, 0.14, 0.86], "stub"),
        # The words of one noun need not look at it alone.
        ("Data protection is good", [0.69, 0.45, 0.05, 0.01], [0.15, 0.15, 0.64, 0.98], "Data protection"),
        ("The bus stop is new", [0.30, 0.98, 0.87, 0.38, 0.02], [0.25, 0.01, 0.0, 0.5, 0.91], "bus stop"),
        ("The red car is new", [0.30, 0.48, 0.87, 0.3, 0.02], [0.25, 0.5, 0.0, 0.5, 0.91], "car"),
        ("The beautiful car is new", [0.30, 0.48, 0.87, 0.3, 0.02], [0.25, 0.5, 0.0, 0.5, 0.91], "car"),
    ],
)
def test_the_words_of_a_term(target: str, mine: list[float], others: list[float], found: str) -> None:
    words = split_words(target)
    first, last = _find_words(target, words, np.array(mine), np.array(others))
    assert target[words[first][0] : words[last - 1][1]] == found


def test_without_alignment_nothing_is_sure(tokenizer: Tokenizer) -> None:
    bare = replace(hypothesis(tokenizer, "Das Haus", "The house", {"house": "Haus"}), alignment=None)
    assert exchange_terms(tokenizer, part_of(tokenizer, "Das Haus", "Haus"), bare) is None


def test_the_alignment_moves_along(tokenizer: Tokenizer) -> None:
    source, target = "Das Haus ist schön.", "The house is beautiful."
    links = {"house": "Haus", "beautiful": "schön"}
    found = exchange_terms(tokenizer, part_of(tokenizer, source, "Haus"), hypothesis(tokenizer, source, target, links))
    assert found is not None
    assert found.alignment is not None
    spans = found.alignment.target_spans
    assert spans == sorted(spans)
    first = next(span for span in spans if span[1] > span[0] and span[0] >= 3)
    assert found.text[slice(*first)].strip() == "Haus"
    beautiful = [number for number, (start, end) in enumerate(spans) if start >= 11 and end < len(found.text)]
    assert beautiful
    rows = found.alignment.weights[beautiful]
    sources = [source[slice(*span)].strip() for span in found.alignment.source_spans]
    assert all("schön".find(sources[int(row.argmax())]) >= 0 for row in rows)


def test_words_are_where_they_are_written(tokenizer: Tokenizer) -> None:
    """The space that the model left out moves all behind it."""
    source, target = "Das Haus, es ist alt.", "The house,it is old."
    part, found = part_of(tokenizer, source), hypothesis(tokenizer, source, target, {"house": "Haus", "old": "alt"})
    written = part.reading.write(tokenizer.decode(found.ids))
    links = link_words(source, written, align_parts(tokenizer, [part], [(found,)]))
    assert written == "The house, it is old."
    assert [(source[slice(*a)], written[slice(*b)]) for a, b in links] == [("Haus", "house"), ("alt", "old")]


class Dictionary(FakeEngine):
    """Translates word by word into English, and tells what it looked at: `blurred`, at all words."""

    WORDS: ClassVar = {
        "Das": "The",
        "Haus": "house",
        "Hund": "dog",
        "ist": "is",
        "alt": "old",
        "ein": "a",
        "läuft": "runs",
    }

    def __init__(self, tokenizer: Tokenizer, blurred: bool = False, copies: bool = True) -> None:
        super().__init__(hold=True)
        self.tokenizer, self.blurred, self.copies = tokenizer, blurred, copies

    def submit(self, source_ids: Sequence[int], options: SearchOptions, **more: Any) -> Future[SentenceResult]:
        super().submit(source_ids, options, **more)
        source = self.tokenizer.decode(source_ids[1:-1])
        words = [source[slice(*span)] for span in split_words(source)]
        if not self.copies:
            words = [word for word in words if word not in STAND_INS]
        target = " ".join(self.WORDS.get(word, word) for word in words)
        links = {self.WORDS.get(word, word): " ".join(words) if self.blurred else word for word in words}
        answer: Future[SentenceResult] = Future()
        found = hypothesis(self.tokenizer, source, target, links)
        answer.set_result(SentenceResult((found,), 0.0, 0.0, 9))
        return answer


STAND_INS = ("XQ", "AB")


@pytest.fixture
def make(make_model: MakeModel, tokenizer: Tokenizer) -> Any:
    return lambda **how: replace(
        make_model(Dictionary(tokenizer, **how)), stand_ins={("de", "en"): STAND_INS, ("en", "de"): STAND_INS}
    )


def translate(model: Model, text: str, terms: dict[str, str]) -> tuple[str, Counter[str], list[str]]:
    """The answer, how sentences ended, and what the model was asked."""
    ended: Counter[str] = Counter()
    translator = Translator(Models((model,)), ServeSettings().limits)
    translator.guard_counts = GuardCounts(held=lambda how: ended.update([how]))
    prepared = take_out_terms(text, None, Terms(terms))
    options = TranslateOptions("de", "en", markup=prepared.options, beam_size=1)
    (found,) = asyncio.run(translator.translate([prepared.text], options))
    asked = [model.tokenizer.decode(ids[1:-1]) for ids in model.engine.sources]  # type: ignore[attr-defined]
    return prepared.restore(found.text, "en"), ended, asked


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Das Haus ist alt", "The mansion is old"),
        ("Haus ist alt", "Mansion is old"),
        ("Das ist ein Haus", "The is a mansion"),
        ("Haus. Das Haus läuft", "Mansion. The mansion runs"),
    ],
)
def test_the_model_sees_the_term(make: Any, text: str, expected: str) -> None:
    answer, ended, asked = translate(make(), text, {"Haus": "mansion"})
    assert answer.replace(" .", ".") == expected
    assert set(ended) == {"exchanged"}
    assert " ".join(asked) == text


def test_an_article_fits_the_term(make: Any) -> None:
    assert translate(make(), "Das ist ein Haus", {"Haus": "estate"})[0] == "The is an estate"


def test_where_the_place_is_not_sure_a_stand_in_is_asked_for(make: Any) -> None:
    answer, ended, asked = translate(make(blurred=True), "Das Haus ist alt", {"Haus": "mansion"})
    assert (answer, ended) == ("The mansion is old", {"swapped": 1})
    assert asked == ["Das Haus ist alt", "Das XQ ist alt"]


def test_where_that_is_lost_too_the_term_is_cut_out(make: Any) -> None:
    answer, ended, asked = translate(make(blurred=True, copies=False), "Das Haus ist alt", {"Haus": "mansion"})
    assert ended == {"cut_out": 1}
    assert answer.lower().split().count("mansion") == 1
    assert asked[-1] == "Das ist alt"


def test_a_model_that_copies_nothing_sees_a_hole(make: Any) -> None:
    answer, _, asked = translate(replace(make(), stand_ins={}), "Das Haus ist alt", {"Haus": "mansion"})
    assert answer.lower().split().count("mansion") == 1
    assert asked == ["Das ist alt"]


def test_beside_a_placeholder(make: Any) -> None:
    answer, ended, _ = translate(make(), "Das Haus XY12 ist alt", {"Haus": "mansion", "alt": "aged"})
    assert (answer, ended) == ("The mansion XY12 is aged", {"exchanged": 1})
    prepared = take_out_terms("Das Haus <x/> ist alt", None, Terms({"Haus": "mansion"}))
    assert prepared.text.count("&lt;x/&gt;") == 1
