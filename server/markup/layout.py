"""Where each mark goes: between which words of the translation.

A layout is the marks in the order of the output, each with a boundary: 0 is before the first word, n after word n.
"""

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from server.markup.alignment import AlignedMass, Floats, RelativeMass
from server.markup.document import CLOSING, Chunk, Side
from server.markup.tree import Node, Tree

Layout = list[tuple[int, int]]

# What a word that stands for nothing in an element counts, against one that does: an element reaches over a gap of
# two such words, but not over a long gap to a word that only a weak link ties to it.
GAP_COST = 0.3
# Position decides where links say nothing or the same.
POSITION_WEIGHT = 0.01


def in_order(chunk: Chunk, relative: RelativeMass) -> Layout:
    """All marks in the order of the source, each about as far into the translation as it was into the source."""
    num_words = relative.num_words
    layout: Layout = []
    current = 0
    for index, mark in enumerate(chunk.marks):
        position = relative.position(mark.offset)
        wanted = int(position + 0.5)
        if mark.partner is not None:
            wraps = relative.position(chunk.marks[mark.partner].offset) != position
            if wraps and mark.kind == "start":
                wanted = min(wanted, num_words - 1)
            elif wraps:
                wanted = max(wanted, layout[mark.partner][0] + 1)
        current = min(max(current, wanted), num_words)
        layout.append((current, index))
    return layout


def all_first(chunk: Chunk) -> Layout:
    """All marks in the order of the source before the translation."""
    return [(0, index) for index in range(len(chunk.marks))]


def by_alignment(
    chunk: Chunk, tree: Tree, aligned: AlignedMass, relative: RelativeMass, target_words: Sequence[str]
) -> Layout:
    """Each element around the words that stand for its words, each point beside the words it stood beside.

    Args:
        chunk: of the source.
        tree: of its marks.
        aligned: what each word of the translation has of the source.
        relative: the same by position alone.
        target_words: the words of the translation.
    """
    layout: Layout = []
    _Placer(chunk, aligned, relative, target_words, layout).place(tree.root, 0, relative.num_words)
    return layout


class _Placer:
    def __init__(
        self,
        chunk: Chunk,
        aligned: AlignedMass,
        relative: RelativeMass,
        target_words: Sequence[str],
        layout: Layout,
    ) -> None:
        self.target_words = target_words
        self.chunk = chunk
        self.aligned = aligned
        self.relative = relative
        self.layout = layout
        self.source_words = relative.source_words

    def place(self, node: Node, low: int, high: int) -> None:
        """Lay out `node`, which has words `low` to `high` of the translation."""
        elements = [child for child in node.children if child.holds_text]
        others = [child for child in node.children if not child.holds_text]
        spans = self._divide(elements, low, high)
        spans = [self._without_punctuation(*span, each) for span, each in zip(spans, elements, strict=True)]
        placed = [(start, end, child) for (start, end), child in zip(spans, elements, strict=True)]
        free = _free_boundaries(spans, low, high)
        for child in others:
            at = low if not child.has_start else high if not child.has_end else self._nearest(child, node, low, free)
            placed.append((at, at, child))
        if node.has_start and not (node.has_end and node.first == node.last):
            self.layout.append((low, node.first))
        for start, end, child in sorted(placed, key=lambda each: (each[0], each[1], each[2].first)):
            if child.holds_text:
                self.place(child, start, end)
            else:
                self.layout += ((start, index) for index in range(child.first, child.last + 1))
        if node.has_end:
            self.layout.append((high, node.last))

    def _mass(self, low: int, high: int) -> Floats:
        return self.aligned.mass(low, high) + POSITION_WEIGHT * self.relative.mass(low, high)

    def _divide(self, elements: Sequence[Node], low: int, high: int) -> list[tuple[int, int]]:
        """A span of words for each element; they do not overlap, and none is empty if there are enough words."""
        if not elements or low == high:
            return [(high, high) if not each.has_end else (low, low) for each in elements]
        gains = [self._mass(each.low, each.high)[low:high] - GAP_COST for each in elements]
        middles = []
        for element, gain in zip(elements, gains, strict=True):
            start, end = _best_span(gain, element)
            # A lone tag belongs to an edge, whatever its words say.
            middle = (start + end) / 2
            middles.append(-1.0 if not element.has_start else high + 1.0 if not element.has_end else middle)
        order = sorted(range(len(elements)), key=lambda index: (middles[index], index))
        cuts = _cuts([gains[index] for index in order], [middles[index] for index in order], high - low)
        spans = [(low, low)] * len(elements)
        for place, index in enumerate(order):
            first, last = cuts[place], cuts[place + 1]
            start, end = _best_span(gains[index][first:last], elements[index])
            spans[index] = low + first + start, low + first + end
        return spans

    def _without_punctuation(self, start: int, end: int, element: Node) -> tuple[int, int]:
        """Words `start` to `end` without punctuation at an edge where the element of the source has none."""
        inside = self.chunk.text[element.low : element.high].strip()
        if element.has_start and inside[:1].isalnum():
            while start < end - 1 and self._is_punctuation(start):
                start += 1
        if element.has_end and inside[-1:].isalnum():
            while start < end - 1 and self._is_punctuation(end - 1):
                end -= 1
        return start, end

    def _is_punctuation(self, word: int) -> bool:
        return CLOSING.issuperset(self.target_words[word])

    def _nearest(self, point: Node, parent: Node, low: int, free: Floats) -> int:
        """The boundary for `point`: after the word it stood after, before the word it stood before."""
        marks = self.chunk.marks
        scores = free.copy()
        at = bisect_left(self.relative.starts, point.low)
        num_boundaries = len(free)
        if at > 0 and self.source_words[at - 1][0] >= parent.low:
            span = self.source_words[at - 1]
            weight = 0.9 * self._weight(span, marks[point.first].left)
            scores[1:] += weight * self._mass(*span)[low : low + num_boundaries - 1]
        if at < len(self.source_words) and self.source_words[at][0] < parent.high:
            span = self.source_words[at]
            weight = self._weight(span, marks[point.last].right)
            scores[:-1] += weight * self._mass(*span)[low : low + num_boundaries - 1]
        return low + int(np.argmax(scores))

    def _weight(self, span: tuple[int, int], side: Side) -> float:
        """How far to trust the word at `span`: punctuation aligns badly, what is written together belongs together."""
        if side == "word":
            return 2.0
        return 1.0 if self.chunk.text[span[0]].isalnum() else 0.5


def _free_boundaries(spans: Sequence[tuple[int, int]], low: int, high: int) -> Floats:
    """[boundaries] 0 for those that are not inside one of `spans`, minus infinity for the others."""
    free = np.zeros(high - low + 1)
    for start, end in spans:
        free[start - low + 1 : end - low] = -np.inf
    return free


def _best_span(gain: Floats, element: Node) -> tuple[int, int]:
    """The run of words with the greatest sum, at least one; from the edge for a tag without a partner."""
    if not len(gain):
        return (0, 0)
    sums = np.concatenate(([0.0], np.cumsum(gain)))
    if not element.has_start:
        return 0, 1 + int(np.argmax(sums[1:]))
    if not element.has_end:
        return int(np.argmin(sums[:-1])), len(gain)
    lowest = np.minimum.accumulate(sums[:-1])
    end = 1 + int(np.argmax(sums[1:] - lowest))
    return int(np.argmin(sums[:end])), end


def _cuts(gains: Sequence[Floats], middles: Sequence[float], num_words: int) -> list[int]:
    """Where each of the elements' parts ends, in their order in the translation; each gets a word if there is one."""
    cuts = [0]
    for index in range(len(gains) - 1):
        remaining = len(gains) - 1 - index
        first = min(cuts[-1] + 1, num_words)
        last = max(num_words - remaining, first)
        begin = min(max(int(np.ceil(middles[index])), first), last)
        end = min(max(int(middles[index + 1]), begin), last)
        # Words between the two middles go to the one that gains more from them.
        difference = np.cumsum(gains[index][begin:end] - gains[index + 1][begin:end])
        cuts.append(begin + int(np.argmax(np.concatenate(([0.0], difference)))))
    return [*cuts, num_words]
