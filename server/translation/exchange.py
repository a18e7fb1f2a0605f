"""Terms put in the place of their translation, where the alignment surely says which words these are.

So the sentence is translated as it would be without a glossary. Pure functions.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from server.engine.types import Hypothesis
from server.markup.alignment import AlignedMass, Alignment, Floats
from server.text.tokenizer import Tokenizer
from server.text.words import expression_of, has_each_once, split_words
from server.translation.links import Edit, Span, Told, align_parts, edit, move_past
from server.translation.plan import Part

# The share of a word of the translation that must come from the term, and how much of that another word may have.
MIN_SHARE = 0.3
MOST_OF_ANOTHER = 0.7
# Of a translation of several words the others: they come from the term, and from no other word much. Articles
# and verbs such as `is` look at it too, and are short: they count less beside a longer word.
_MIN_SHARE_BESIDE = 0.4
_MOST_OF_ANOTHER_BESIDE = 0.35
_MIN_LETTERS = 4
_WEIGHT_OF_SHORT = 0.6
_MIN_SHARE_OF_SHORT, _MOST_OF_ANOTHER_OF_SHORT = 0.9, 0.05
_PART = re.compile(r"[^-\u2010\u2011]+|[-\u2010\u2011]+")


def exchange_terms(tokenizer: Tokenizer, part: Part, hypothesis: Hypothesis) -> Told | None:
    """The translation with each term of `part` in the place of its own; None where one of the places is not sure."""
    source, target = part.segment.text, part.reading.write(tokenizer.decode(hypothesis.ids))
    alignment = next(iter(align_parts(tokenizer, [part], [(hypothesis,)])), None)
    places = [] if alignment is None else _find_places(source, target, alignment, part.terms)
    if alignment is None or len(places) != len(part.terms) or any(a.end > b.start for a, b in pairwise(places)):
        return None
    text = edit(target, places)
    if not has_each_once(part.held, text):
        return None
    return Told(text, Alignment(move_past(alignment.target_spans, places), alignment.weights, alignment.source_spans))


def _find_places(source: str, target: str, alignment: Alignment, terms: Sequence[str]) -> list[Edit]:
    """Where in `target` the translations of `terms` are, ascending; without those that are not sure."""
    words, source_words = _split_compounds(target), split_words(source)
    masses = AlignedMass(words, [alignment], source, target)
    shares = np.array([masses.mass(*word) for word in source_words]).reshape(len(source_words), len(words))
    places: list[Edit] = []
    for match in expression_of(terms).finditer(source):
        inside = np.array([start < match.end() and end > match.start() for start, end in source_words])
        mine = masses.mass(*match.span())
        others = shares[~inside].max(axis=0, initial=0.0)
        first, last = _find_words(target, words, mine, others)
        if first < last:
            places.append(Edit(words[first][0], words[last - 1][1], match.group()))
    return sorted(places)


def _split_compounds(target: str) -> list[Span]:
    """The words of `target`, those with hyphens in parts: of `LCS-Projekt` the term may be `project` alone."""
    return [
        (start + match.start(), start + match.end())
        for start, end in split_words(target)
        for match in _PART.finditer(target[start:end])
    ]


def _find_words(target: str, words: Sequence[Span], mine: Floats, others: Floats) -> tuple[int, int]:
    """The first of the `words` that a term became, and the one behind the last; the same where that is not sure.

    Args:
        target: the translation.
        words: its words.
        mine: [words] what each has of the term.
        others: [words] the most that each has of another word.
    """
    is_long = np.array([_is_long(target[start:end]) for start, end in words])
    best = int(np.where(is_long, mine, _WEIGHT_OF_SHORT * mine).argmax()) if words else 0
    if not words or mine[best] < MIN_SHARE or others[best] > MOST_OF_ANOTHER * mine[best]:
        return 0, 0
    if not target[words[best][0]].isalnum():
        return 0, 0
    first, last = best, best + 1
    belongs = is_long & (mine >= _MIN_SHARE_BESIDE) & (others < _MOST_OF_ANOTHER_BESIDE * mine)
    is_word = np.array([target[start:end].isalpha() for start, end in words])
    belongs |= is_word & (mine >= _MIN_SHARE_OF_SHORT) & (others < _MOST_OF_ANOTHER_OF_SHORT * mine)
    while first > 0 and belongs[first - 1]:
        first -= 1
    while last < len(words) and belongs[last]:
        last += 1
    return first, last


def _is_long(word: str) -> bool:
    return len(word) >= _MIN_LETTERS and word.isalpha()
