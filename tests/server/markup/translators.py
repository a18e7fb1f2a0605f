"""Translators that know no language: they move, drop and repeat words, and know exactly which word went where."""

import random
from collections.abc import Callable, Sequence

import numpy as np

from server.markup import Alignment, Translated
from server.text.words import split_words

Order = Callable[[int], Sequence[int]]
Aligned = list[tuple[str, Alignment]]


def moving(order: Order, change: Callable[[str], str] = str) -> Callable[[list[str]], Aligned]:
    """Word `order(n)[j]` of n becomes word j, changed by `change`."""

    def translate(texts: list[str]) -> Aligned:
        return [_moved(text, order, change) for text in texts]

    return translate


def _moved(text: str, order: Order, change: Callable[[str], str]) -> tuple[str, Alignment]:
    sources = split_words(text)
    chosen = order(len(sources))
    words = [change(text[slice(*sources[index])]) for index in chosen]
    targets, at = [], 0
    for word in words:
        targets.append((at, at + len(word)))
        at += len(word) + 1
    weights = np.zeros((len(chosen), len(sources)))
    weights[np.arange(len(chosen)), list(chosen)] = 1.0
    return " ".join(words), Alignment(targets, weights, sources)


def without_alignment(translate: Callable[[list[str]], Aligned]) -> Callable[[list[str]], list[Translated]]:
    """`translate`, saying nothing about which word went where."""
    return lambda texts: [(text, None) for text, _ in translate(texts)]


def with_noise(translate: Callable[[list[str]], Aligned], seed: int) -> Callable[[list[str]], list[Translated]]:
    """`translate` with random weights for an alignment."""
    generator = np.random.default_rng(seed)

    def noisy(texts: list[str]) -> list[Translated]:
        answers: list[Translated] = []
        for text, alignment in translate(texts):
            weights = generator.random(alignment.weights.shape) ** 4
            answers.append((text, Alignment(alignment.target_spans, weights, alignment.source_spans)))
        return answers

    return noisy


def copied(num_words: int) -> Sequence[int]:
    return range(num_words)


def reversed_order(num_words: int) -> Sequence[int]:
    return range(num_words)[::-1]


def every_other(num_words: int) -> Sequence[int]:
    return range(0, num_words, 2)


def doubled(num_words: int) -> Sequence[int]:
    return [index for index in range(num_words) for _ in range(2)]


def nothing(num_words: int) -> Sequence[int]:
    return ()


def shuffled(seed: int) -> Order:
    """A permutation that depends on the number of words."""

    def order(num_words: int) -> Sequence[int]:
        return random.Random(seed + num_words).sample(range(num_words), num_words)

    return order


ORDERS: dict[str, Order] = {
    "copied": copied,
    "reversed": reversed_order,
    "dropped": every_other,
    "doubled": doubled,
    "empty": nothing,
    "shuffled": shuffled(1),
}
