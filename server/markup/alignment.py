"""Which words of a translation stand for which of the source: given as weights, asked for as masses.

A mass is a number from 0 to 1 for each word of the translation: how much of it stands for a part of the source.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server.text.words import split_words

Span = tuple[int, int]
# A word of the translation, by its number, and where the same word stands in the source.
Copy = tuple[int, Span]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Alignment:
    """The alignment of one chunk, or of one sentence in it. Spans are characters of the whole chunk.

    Attributes:
        target_spans: words or pieces of the translation, ascending, not overlapping.
        weights: [target spans, source spans], not negative; a row sums to about 1, or to less where a target word
            stands for nothing (attention to EOS, for example).
        source_spans: words or pieces of `Chunk.text`, ascending, not overlapping.
    """

    target_spans: Sequence[Span]
    weights: Floats
    source_spans: Sequence[Span]

    def __post_init__(self) -> None:
        expected = (len(self.target_spans), len(self.source_spans))
        assert self.weights.shape == expected, f"weights are {self.weights.shape}, the spans say {expected}"


class AlignedMass:
    """Masses from alignments, one for each sentence; words without any count as aligned to nothing.

    A name or number that is in both texts once goes with itself, whatever its weights say: attention looks away from
    what is only copied, and tags are around such words more than around others.

    `words` are those of the translation `target`; `alignments` are of sentences of `source`, in order.
    """

    def __init__(self, words: Sequence[Span], alignments: Sequence[Alignment], source: str, target: str) -> None:
        self.num_words = len(words)
        found = find_copies(source, split_words(source), target, words) if alignments else {}
        copies = sorted(found.items())
        blocks = [_Block(words, each, source, target, copies) for each in alignments]
        self.blocks = [block for block in blocks if block.last > block.first]

    def mass(self, low: int, high: int) -> Floats:
        """[words] what each word has of characters `low` to `high` of the source."""
        total = np.zeros(self.num_words)
        for block in self.blocks:
            if block.low < high and block.high > low:
                total[block.first : block.last] += block.mass(low, high)
        return np.minimum(total, 1.0)


class _Block:
    """One alignment, with rows for words first to last and running sums over the source."""

    def __init__(
        self, words: Sequence[Span], alignment: Alignment, source: str, target: str, copies: Sequence[Copy]
    ) -> None:
        self.first = self.last = 0
        self.low = self.high = 0
        if not alignment.target_spans or not alignment.source_spans:
            return
        sources = [_trim(span, source) for span in alignment.source_spans]
        targets = [_trim(span, target) for span in alignment.target_spans]
        self.low, self.high = sources[0][0], sources[-1][1]
        self.starts = np.array([start for start, _ in sources], dtype=np.float64)
        self.lengths = np.array([max(end - start, 1) for start, end in sources], dtype=np.float64)
        weights = np.nan_to_num(np.asarray(alignment.weights, dtype=np.float64)).clip(0.0)
        weights = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1.0)
        shares, self.first, self.last = _shares(words, targets)
        self.weights = shares @ weights
        self._set_copies(copies)

    def _set_copies(self, copies: Sequence[Copy]) -> None:
        """Let each copied word of the sentence stand for its source, and no other word for any of that.

        Args:
            copies: of all sentences, ascending.
        """
        low, high = (bisect_left(copies, word, key=lambda copy: copy[0]) for word in (self.first, self.last))
        inside = {
            word: (self.starts < end) & (self.starts + self.lengths > start)
            for word, (start, end) in copies[low:high]
            if self.low <= start and end <= self.high
        }
        for pieces in inside.values():
            self.weights[:, pieces] = 0.0
        for word, pieces in inside.items():
            self.weights[word - self.first] = pieces / max(pieces.sum(), 1)

    def mass(self, low: int, high: int) -> Floats:
        """[rows] the share of each row's weight that lies in `low` to `high`."""
        inside = (np.minimum(self.starts + self.lengths, high) - np.maximum(self.starts, low)).clip(0.0)
        columns: Floats = self.weights @ (inside / self.lengths)
        return columns


def find_copies(
    source: str, source_words: Sequence[Span], target: str, target_words: Sequence[Span]
) -> dict[int, Span]:
    """Words of the translation that are a name or a number of the source: number of the word -> span in the source.

    That is: the same letters, with a capital, a digit, or `@` or `#` before them, once in each text. Other words that
    are spelled alike may be false friends, such as "was" and "also".

    `source_words` and `target_words` are where the words of `source` and `target` stand.
    """
    sources = _find_telling(source, source_words)
    targets = _find_telling(target, target_words)
    return {
        targets[name][0]: source_words[found[0]]
        for name, found in sources.items()
        if len(found) == 1 and len(targets.get(name, ())) == 1
    }


def _find_telling(text: str, words: Sequence[Span]) -> dict[str, list[int]]:
    """The names and numbers among `words`, and which words they are."""
    found: dict[str, list[int]] = {}
    for i, (start, end) in enumerate(words):
        word, before = text[start:end], text[max(start - 1, 0) : start]
        is_handle = before in ("@", "#") and start > 0
        if word[0].isalnum() and (is_handle or (len(word) > 1 and any(c.isupper() or c.isdigit() for c in word))):
            found.setdefault(before * is_handle + word, []).append(i)
    return found


def _shares(words: Sequence[Span], spans: Sequence[Span]) -> tuple[Floats, int, int]:
    """[words, spans] how much of each word each span covers, rows summing to 1; for words first to last alone."""
    first = bisect_right(words, spans[0][0], key=lambda word: word[1])
    last = bisect_left(words, spans[-1][1], lo=first, key=lambda word: word[0])
    shares = np.zeros((last - first, len(spans)))
    column = 0
    for row, (start, end) in enumerate(words[first:last]):
        while column < len(spans) and spans[column][1] <= start:
            column += 1
        for index in range(column, len(spans)):
            if spans[index][0] >= end:
                break
            shares[row, index] = max(min(end, spans[index][1]) - max(start, spans[index][0]), 0)
    return shares / np.maximum(shares.sum(axis=1, keepdims=True), 1.0), first, last


def _trim(span: Span, text: str) -> Span:
    """`span` without white space at its ends: pieces often carry the space before them."""
    piece = text[span[0] : span[1]]
    start = span[0] + len(piece) - len(piece.lstrip())
    return start, max(start, span[0] + len(piece.rstrip()))


class RelativeMass:
    """Masses by position alone: a third of the way through the source is a third of the way through the target."""

    def __init__(self, source_words: Sequence[Span], num_words: int) -> None:
        self.source_words = source_words
        self.num_words = num_words
        self.starts = [start for start, _ in source_words]
        self.below = np.arange(num_words, dtype=np.float64)

    def position(self, offset: int) -> float:
        """Where `offset` of the source falls in the translation, in words from its start."""
        if not self.source_words:
            return 0.0
        before = bisect_right(self.starts, offset) - 1
        if before < 0:
            return 0.0
        start, end = self.source_words[before]
        words = before + min((offset - start) / (end - start), 1.0)
        return words * self.num_words / len(self.source_words)

    def mass(self, low: int, high: int) -> Floats:
        """[words] what each word has of characters `low` to `high` of the source."""
        first, last = self.position(low), self.position(high)
        mass: Floats = (np.minimum(self.below + 1, last) - np.maximum(self.below, first)).clip(0.0)
        return mass
