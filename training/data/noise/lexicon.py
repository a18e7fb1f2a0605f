"""Which words translate which, learned from the corpora themselves: where a mark belongs on the other side.

Source: Brown et al. 1993, IBM model 1, in both directions; only words that choose each other are linked (Liang et al.
2006). Frequent words suffice: marks may stand at any of them.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from training.data.noise.pair import WORD, Link, Pair, find_words, link_copies

MAX_PAIRS = 100_000  # read at most: half a gigabyte while it learns
MAX_WORDS = 30  # longer lines say little for what they cost
MIN_COUNT = 3  # of a word
ITERATIONS = 4
MIN_SCORE = 0.1  # product of both directions' probabilities

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Lexicon:
    """Scores, 0 to 1, of the lower-cased words of one language as translations of those of the other."""

    def __init__(self, scores: dict[str, dict[str, float]]) -> None:
        self.scores = scores

    def links(self, pair: Pair) -> list[Link]:
        """Links of words that occur once in either side, in the order of the first."""
        one, other = map(find_words, pair.texts)
        links = link_copies(one, other)
        copied = {link.one for link in links}, {link.other for link in links}
        targets = {word.lower(): span for word, span in other.items() if span not in copied[1]}
        best: dict[str, tuple[float, tuple[int, int]]] = {}
        for word, span in one.items():
            known = self.scores.get(word.lower())
            if not known or span in copied[0]:
                continue
            score, target = max(((known[t], t) for t in targets if t in known), default=(0.0, ""))
            if score > best.get(target, (0.0, span))[0]:
                best[target] = score, span
        links += [Link(span, targets[target], False) for target, (_, span) in best.items()]
        return sorted(links, key=lambda link: link.one)


def learn_lexicon(pairs: Iterable[tuple[str, str]]) -> Lexicon:
    """The lexicon of the first MAX_PAIRS of `pairs`."""
    lines = [tuple(_words(side) for side in pair) for pair in itertools.islice(pairs, MAX_PAIRS)]
    lines = [line for line in lines if all(0 < len(side) <= MAX_WORDS for side in line)]
    vocabularies = [_number([line[side] for line in lines]) for side in (0, 1)]
    keys, first_words, second_words = _cooccurrences(lines, vocabularies)
    if not len(keys):
        return Lexicon({})
    unique, index = np.unique(keys, return_inverse=True)
    one, other = np.divmod(unique, max(1, len(vocabularies[1])))
    score = _estimate(index, second_words, one) * _estimate(index, first_words, other)
    names = [list(vocabulary) for vocabulary in vocabularies]
    scores: dict[str, dict[str, float]] = defaultdict(dict)
    for place in np.flatnonzero(score >= MIN_SCORE):
        scores[names[0][one[place]]][names[1][other[place]]] = float(score[place])
    return Lexicon(dict(scores))


def _words(text: str) -> list[str]:
    return [word.lower() for word in WORD.findall(text)]


def _number(sides: Iterable[Sequence[str]]) -> dict[str, int]:
    counts = Counter(itertools.chain.from_iterable(sides))
    return {word: number for number, word in enumerate(word for word, n in counts.items() if n >= MIN_COUNT)}


def _cooccurrences(
    lines: Sequence[Sequence[Sequence[str]]], vocabularies: Sequence[dict[str, int]]
) -> tuple[Ints, Ints, Ints]:
    """All pairs of words that stand in a line [n]: which, and which occurrence of the first and of the second."""
    width = len(vocabularies[1])
    parts: list[tuple[Ints, Ints, Ints]] = []
    starts = [0, 0]
    for line in lines:
        ids = [
            np.array([v[word] for word in side if word in v], np.int64)
            for v, side in zip(vocabularies, line, strict=True)
        ]
        num_first, num_second = map(len, ids)
        places = [np.arange(start, start + len(side)) for start, side in zip(starts, ids, strict=True)]
        parts.append(
            (
                (ids[0][:, None] * width + ids[1]).ravel(),
                np.repeat(places[0], num_second),
                np.tile(places[1], num_first),
            )
        )
        starts = [start + len(side) for start, side in zip(starts, ids, strict=True)]
    if not parts:
        return (np.zeros(0, np.int64),) * 3
    keys, first, second = (np.concatenate(column) for column in zip(*parts, strict=True))
    return keys, first, second


def _estimate(index: Ints, occurrences: Ints, given: Ints) -> Floats:
    """Expectation maximisation: the probability [unique pairs] of a pair's one word, given the other.

    Args:
        index: [n] which unique pair each is.
        occurrences: [n] the place in the text that each explains.
        given: [unique pairs] the word that is given.
    """
    probability = np.ones(len(given))
    for _ in range(ITERATIONS):
        weights = probability[index]
        weights /= np.bincount(occurrences, weights)[occurrences]
        counts = np.bincount(index, weights, len(given))
        probability = counts / np.bincount(given, counts)[given]
    return probability
