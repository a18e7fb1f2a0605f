"""Which words belong together, from weights over pieces."""

import numpy as np
import pytest

from server.markup import Alignment
from server.markup.alignment import find_copies
from server.text.words import split_words
from server.translation.links import around_placeholders, link_words

SOURCE, TARGET = "Der kleine Hund", "the dog is small"
#          pieces   Der    _klei    ne       _Hund
SOURCES = [(0, 3), (3, 8), (8, 10), (10, 15)]
TARGETS = [(0, 3), (3, 7), (7, 10), (10, 16)]


def linked(weights: list[list[float]]) -> list[tuple[str, str]]:
    alignment = Alignment(TARGETS, np.array(weights), SOURCES)
    return [(SOURCE[a:b], TARGET[c:d]) for (a, b), (c, d) in link_words(SOURCE, TARGET, [alignment])]


def test_pieces_of_a_word_count_together() -> None:
    weights = [[1, 0, 0, 0], [0, 0, 0, 1], [0.3, 0.2, 0.2, 0.3], [0.0, 0.5, 0.5, 0.0]]
    assert linked(weights) == [
        ("Der", "the"),
        ("Hund", "dog"),
        ("Der", "is"),
        ("kleine", "is"),
        ("Hund", "is"),
        ("kleine", "small"),
    ]


def test_what_looks_everywhere_goes_with_nothing() -> None:
    weights = [[0.25, 0.1, 0.1, 0.2]] * 4
    assert linked(weights) == []


def test_each_sentence_has_its_own() -> None:
    alignments = [
        Alignment([(0, 1)], np.array([[1.0]]), [(0, 1)]),
        Alignment([(2, 3)], np.array([[1.0]]), [(4, 5)]),
    ]
    assert link_words("a b c", "x y", alignments) == [((0, 1), (0, 1)), ((4, 5), (2, 3))]


@pytest.mark.parametrize(
    "empty", [Alignment([], np.zeros((0, 1)), [(0, 1)]), Alignment([(0, 1)], np.zeros((1, 0)), [])]
)
def test_a_sentence_without_pieces_has_none(empty: Alignment) -> None:
    assert link_words("a", "b", [empty]) == []


def test_a_name_goes_with_itself_whatever_attention_says() -> None:
    source, target = "Danke @anna , Frau Maier", "Mrs Maier , thanks @anna"
    names = find_copies(source, split_words(source), target, split_words(target))
    told = {target[slice(*split_words(target)[word])]: source[slice(*span)] for word, span in names.items()}
    assert told == {"anna": "anna", "Maier": "Maier"}
    pieces = Alignment([(0, 3), (4, 9), (12, 18), (19, 24)], np.full((4, 3), 0.33), [(0, 5), (6, 11), (14, 24)])
    links = [(source[a:b], target[c:d]) for (a, b), (c, d) in link_words(source, target, [pieces])]
    assert ("anna", "anna") in links
    assert ("Maier", "Maier") in links
    assert ("anna", "thanks") not in links


@pytest.mark.parametrize(
    ("source", "target"),
    [("was", "was it"), ("also", "also"), ("Maier Maier", "Maier"), ("Maier", "Maier Maier"), ("A", "A"), ("-", "-")],
)
def test_what_only_looks_alike_does_not(source: str, target: str) -> None:
    assert not find_copies(source, split_words(source), target, split_words(target))


def test_placeholders_move_what_stands_behind_them() -> None:
    pieces = Alignment([(0, 5), (5, 8), (8, 9)], np.eye(3), [(0, 7), (8, 12), (12, 13)])
    seen, whole = ("Klicken  auf.", "Click on."), ("Klicken %1$s  auf.", "Click {x} on.")
    [moved] = around_placeholders([pieces], seen, whole, frozenset())
    assert [whole[1][slice(*span)] for span in moved.target_spans] == ["Click", "on", "."]
    # The piece with the space before it begins with its word, and the placeholder is in none.
    assert [whole[0][slice(*span)] for span in moved.source_spans] == ["Klicken", "auf", "."]
    assert link_words(*whole, [moved])[:2] == [((0, 7), (0, 5)), ((14, 17), (10, 12))]


def test_a_text_that_is_another_one_without_its_placeholders_has_none() -> None:
    pieces = Alignment([(0, 5)], np.eye(1), [(0, 7)])
    assert around_placeholders([pieces], ("Klicken", "Click"), ("Klicken %s", "Press %s"), frozenset()) == []
