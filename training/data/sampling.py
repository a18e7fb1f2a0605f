"""Random segmentations of text: subword regularisation (unigram) and BPE-dropout.

SentencePiece can draw them too, but salts its generator anew in every process (measured with 0.2.3), so that no seed
makes two runs alike. Pieces never cross white space, so a line's segmentation is that of its words, and words come
again: each keeps the first few that were drawn for it, and these then take turns at random.

Source: Kudo 2018, "Subword Regularization", eq. 8 over all candidates; Provilkov et al. 2020, "BPE-Dropout", alg. 1.
"""

import math
import random
import re
from collections.abc import Sequence

import sentencepiece

Segmentation = tuple[int, ...]
Step = tuple[int, float]  # of one piece: where it starts, the weight of all ways to its end through it

DRAWS_PER_WORD = 8  # a word of four pieces seldom has more likely segmentations
MAX_WORDS = 100_000  # remembered at a time, some 100 MB; when there are more, rare ones are forgotten
MAX_LETTERS = 40  # longer words are addresses and the like, and their weights might underflow
_WORD = re.compile("\u2581?[^\u2581]+|\u2581")  # U+2581 stands for a space, before the word that follows it


class Sampler:
    """Draws segmentations; the same for the same seed and the same lines in the same order.

    `alpha` is the inverse temperature of unigram pieces, or the share of BPE merges that are left out; the scores of
    `processor` tell which of the two it is. Every variant of a text has a `seed` of its own.
    """

    def __init__(self, processor: sentencepiece.SentencePieceProcessor, alpha: float, seed: int) -> None:
        self.processor = processor
        self.alpha = alpha
        self.random = random.Random(seed).random
        self.pieces = _ordinary_pieces(processor)
        self.bpe = all(score.is_integer() for _, score in self.pieces.values())  # ranks, not log-probabilities
        # Likelihood ** alpha of every piece, and 0 for what is only the beginning of one.
        self.weights = {piece[:end]: 0.0 for piece in self.pieces for end in range(1, len(piece))}
        self.weights |= {piece: math.exp(alpha * min(0.0, score)) for piece, (_, score) in self.pieces.items()}
        self.drawn: dict[str, list[Segmentation]] = {}

    def sample(self, lines: list[str]) -> list[list[int]]:
        """Ids of each line, without tag and EOS, as `Tokenizer.encode` gives them but for where words are cut."""
        return [self._line(normalised) for normalised in self.processor.normalize(lines)]

    def draw(self, word: str) -> Segmentation:
        """A fresh segmentation of one word, U+2581 included, whose letters are all in the vocabulary."""
        return self._merge(word) if self.bpe else self._walk(word)

    def _line(self, normalised: str) -> list[int]:
        ids: list[int] = []
        for word in _WORD.findall(normalised):
            known = self.drawn.get(word) or self._new(word)
            if len(known) < DRAWS_PER_WORD:
                known.append(self.draw(word))
                ids += known[-1]
            else:
                ids += known[int(self.random() * DRAWS_PER_WORD)]
        return ids

    def _new(self, word: str) -> list[Segmentation]:
        """A place to remember what is drawn for `word`; its best segmentation if nothing can be."""
        if len(self.drawn) >= MAX_WORDS:
            frequent = [entry for entry in self.drawn.items() if len(entry[1]) == DRAWS_PER_WORD]
            self.drawn = dict(frequent[: MAX_WORDS // 2])
        known: list[Segmentation] = []
        if len(word) > MAX_LETTERS or not all(letter in self.pieces for letter in word):
            known = [tuple(self.processor.encode(word.removeprefix("\u2581")))] * DRAWS_PER_WORD
        self.drawn[word] = known
        return known

    def _walk(self, word: str) -> Segmentation:
        """Forward filtering, backward sampling: P(segmentation) in proportion to its likelihood ** alpha."""
        steps: list[list[Step]] = [[] for _ in range(len(word) + 1)]  # by where the piece ends
        ways = 1.0  # the weights of all segmentations of word[:start], summed
        for start in range(len(word)):
            if start:
                ways = sum([weight for _, weight in steps[start]])
            for end in range(start + 1, len(word) + 1):
                weight = self.weights.get(word[start:end])
                if weight is None:
                    break
                if weight:
                    steps[end].append((start, ways * weight))
        ids, end = [], len(word)
        while end:
            start = self._step_back(steps[end])
            ids.append(self.pieces[word[start:end]][0])
            end = start
        return tuple(reversed(ids))

    def _step_back(self, steps: list[Step]) -> int:
        """The start of one of `steps`, drawn by their weights."""
        if len(steps) > 1:
            left = self.random() * sum([weight for _, weight in steps])
            for start, weight in steps[:-1]:
                left -= weight
                if left < 0:
                    return start
        return steps[-1][0]

    def _merge(self, word: str) -> Segmentation:
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
