"""Random segmentations of text: subword regularisation (unigram) and BPE-dropout.

SentencePiece can draw them too, but salts its generator anew in every process (measured with 0.2.3), so that no seed
makes two runs alike; and it takes eight times as long a line as it does for the best segmentation. Pieces never cross
white space, so a line's segmentation is that of its words, and words come again: each keeps the first few that were
drawn for it, which then take turns at random. Segmentations of the same word drawn later repeat those.

Source: Kudo 2018, "Subword Regularization", eq. 8 over all candidates; Provilkov et al. 2020, "BPE-Dropout", alg. 1.
"""

import math
import random
import re
from collections.abc import Sequence

import sentencepiece

Segmentation = tuple[int, ...]

DRAWS_PER_WORD = 16  # a word of four pieces seldom has more likely segmentations
MAX_WORDS = 200_000  # remembered at a time, some 100 MB; the words of most lines are among them
_WORD = re.compile("\u2581?[^\u2581]+|\u2581")  # U+2581 stands for a space, before the word that follows it


class Sampler:
    """Draws segmentations; the same for the same seed and the same lines in the same order."""

    def __init__(self, processor: sentencepiece.SentencePieceProcessor, alpha: float, seed: int) -> None:
        self.processor = processor
        self.alpha = alpha
        self.random = random.Random(seed).random
        self.pieces = _ordinary_pieces(processor)
        self.bpe = all(score.is_integer() for _, score in self.pieces.values())  # ranks, not log-probabilities
        self.longest = max(map(len, self.pieces))
        self.drawn: dict[str, list[Segmentation]] = {}

    def sample(self, lines: list[str]) -> list[list[int]]:
        """Ids of each line, without tag and EOS, as `Tokenizer.encode` gives them but for where words are cut."""
        return [self._line(normalised) for normalised in self.processor.normalize(lines)]

    def draw(self, word: str) -> Segmentation:
        """A fresh segmentation of one word, U+2581 included."""
        if not all(letter in self.pieces for letter in word):
            return tuple(self.processor.encode(word.removeprefix("\u2581")))  # bytes: only one way
        return self._merged(word) if self.bpe else self._walked(word)

    def _line(self, normalised: str) -> list[int]:
        ids: list[int] = []
        for word in _WORD.findall(normalised):
            ids += self._drawn(word)
        return ids

    def _drawn(self, word: str) -> Segmentation:
        known = self.drawn.get(word)
        if known is None:
            if len(self.drawn) >= MAX_WORDS:
                self.drawn.clear()
            known = self.drawn[word] = []
        if len(known) < DRAWS_PER_WORD:
            known.append(self.draw(word))
            return known[-1]
        return known[int(self.random() * DRAWS_PER_WORD)]

    def _walked(self, word: str) -> Segmentation:
        """Forward filtering, backward sampling: P(segmentation) in proportion to its likelihood ** alpha."""
        total = [0.0] + [-math.inf] * len(word)  # log of the summed weights of all segmentations of word[:end]
        steps: list[list[tuple[int, int, float]]] = [[]]  # for each end: (start, id, log weight up to this end)
        for end in range(1, len(word) + 1):
            arriving = []
            for start in range(max(0, end - self.longest), end):
                found = self.pieces.get(word[start:end])
                if found is not None:
                    arriving.append((start, found[0], total[start] + self.alpha * found[1]))
            best = max(weight for _, _, weight in arriving)
            total[end] = best + math.log(sum(math.exp(weight - best) for _, _, weight in arriving))
            steps.append(arriving)
        ids, end = [], len(word)
        while end:
            end, piece = self._step_back(steps[end], total[end])
            ids.append(piece)
        return tuple(reversed(ids))

    def _step_back(self, steps: list[tuple[int, int, float]], total: float) -> tuple[int, int]:
        """Start and id of one of `steps`, drawn by their weights, whose logarithms sum up to `total`."""
        left = self.random()
        for start, piece, weight in steps[:-1]:
            left -= math.exp(weight - total)
            if left < 0:
                return start, piece
        return steps[-1][:2]

    def _merged(self, word: str) -> Segmentation:
        """Merges in the order they were learned; at each step every possible one is left out with probability alpha."""
        symbols: Sequence[str] = list(word)
        while True:
            best_score, best = -math.inf, -1
            for place in range(len(symbols) - 1):
                found = self.pieces.get(symbols[place] + symbols[place + 1])
                if found is not None and found[1] > best_score and self.random() >= self.alpha:
                    best_score, best = found[1], place
            if best < 0:
                return tuple(self.pieces[symbol][0] for symbol in symbols)
            symbols = [*symbols[:best], symbols[best] + symbols[best + 1], *symbols[best + 2 :]]


def _ordinary_pieces(processor: sentencepiece.SentencePieceProcessor) -> dict[str, tuple[int, float]]:
    """Id and score of every piece that text is cut into; not control symbols, bytes and unk."""
    special = (processor.is_control, processor.is_unknown, processor.is_byte, processor.is_unused)
    ids = [i for i in range(processor.get_piece_size()) if not any(is_special(i) for is_special in special)]
    return {processor.id_to_piece(i): (i, processor.get_score(i)) for i in ids}
