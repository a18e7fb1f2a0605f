"""Which words belong together, from weights over pieces."""

import numpy as np
import pytest

from server.alignment import link_words
from server.markup import Alignment

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
