"""A pair of lines, its words, and edits that keep both sides alike."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

Span = tuple[int, int]
Edit = tuple[int, int, str]  # what stands from here to there becomes this

WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_FINAL = re.compile(r"[\s.!?…:;,\"'“”»«)\]]*\Z")


@dataclass(frozen=True)
class Pair:
    """Two lines that translate each other, in two languages."""

    texts: tuple[str, str]
    languages: tuple[str, str]

    def edit(self, first: Sequence[Edit], second: Sequence[Edit]) -> "Pair":
        """The pair after edits that do not overlap, of either side."""
        one, other = self.texts
        return self.having(edit(one, first), edit(other, second))

    def having(self, one: str, other: str) -> "Pair":
        """The pair with other lines."""
        return Pair((one, other), self.languages)

    def each(self, change: Callable[[str], str]) -> "Pair | None":
        """The pair with both sides changed alike; None if one of them stays as it was."""
        one, other = map(change, self.texts)
        return None if one == self.texts[0] or other == self.texts[1] else self.having(one, other)

    def ends(self) -> tuple[int, int]:
        """Where the words of either side end, before its final punctuation."""
        one, other = (next(_FINAL.finditer(text)).start() for text in self.texts)
        return one, other


@dataclass(frozen=True)
class Link:
    """A word of either side that stands for the other; `copied` if both are spelled alike."""

    one: Span
    other: Span
    copied: bool

    def shortest(self) -> int:
        """Characters of the shorter of the two."""
        return min(end - start for start, end in (self.one, self.other))

    def edits(self, change: Callable[[Span], Edit]) -> tuple[Edit, Edit]:
        """The same edit of both words."""
        return change(self.one), change(self.other)


class Linker(Protocol):
    """Finds the words of a pair that stand for each other."""

    def links(self, pair: Pair) -> list[Link]:
        """Links of words that occur once in either side, in the order of the first."""


Change = Callable[[Pair, Linker, Random], Pair | None]


def edit(text: str, edits: Sequence[Edit]) -> str:
    """`text` after `edits` that do not overlap."""
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def find_words(text: str) -> dict[str, Span]:
    """The words that occur once in `text`, whatever their case, as they are spelled, and where they stand."""
    found = list(WORD.finditer(text))
    counts = Counter(match[0].lower() for match in found)
    return {match[0]: match.span() for match in found if counts[match[0].lower()] == 1}


def find_copies(pair: Pair) -> list[Link]:
    """Names and numbers: words with a capital or a digit, spelled alike, once in either side."""
    one, other = map(find_words, pair.texts)
    return link_copies(one, other)


def link_copies(one: Mapping[str, Span], other: Mapping[str, Span]) -> list[Link]:
    """The same, of the words of either side that occur once."""
    return [Link(span, other[word], True) for word, span in one.items() if word in other and is_telling(word)]


def is_telling(word: str) -> bool:
    """Whether a word that is spelled alike in two languages must be the same: others may be false friends."""
    return any(c.isupper() or c.isdigit() for c in word) and (len(word) > 1 or word.isdigit())
