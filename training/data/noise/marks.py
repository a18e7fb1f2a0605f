"""What stands in a sentence for something that no translator should read: it has to come out once, in its place.

The server shows such stand-ins instead of placeholders, tags and addresses; which ones a model copies best is measured
when it is exported, so the model learns many kinds. They take the place of a word, as in "Delete X7?", or stand beside
one, or at an end of the sentence.
"""

import string
from collections.abc import Callable
from random import Random

from training.data.noise.pair import Edit, Link, Linker, Pair, Span

NUMBERS = (1, 1, 1, 2, 2, 3, 4)  # of marks in a sentence, drawn evenly
MIN_CHARS = 4  # of words whose place a mark may take: shorter ones belong to others, as "nach" does in "der Reihe nach"
EMOJI = ((0x1F300, 0x1F321), (0x1F400, 0x1F440), (0x1F600, 0x1F645), (0x1F680, 0x1F6A6), (0x1F910, 0x1F930))
SIGNS = "★☆♥♦♪☎✓✔✗✘☀☂→←↑↓•§¶†‡©®™№"
_SIDES = (": ", " ", " – ")


def put_marks(pair: Pair, linker: Linker, rng: Random) -> Pair | None:
    """One to four stand-ins, in place of words that stand for each other, beside them, or at the ends."""
    taken = " ".join(pair.texts)
    links = [link for link in linker.links(pair) if link.copied or link.shortest() >= MIN_CHARS]
    edits: tuple[list[Edit], list[Edit]] = [], []
    rng.shuffle(links)
    number = rng.choice(NUMBERS)
    for link in links[: number - (rng.random() < 0.2)]:
        mark = _new(taken, rng)
        taken += mark
        for side, each in zip(edits, _place(link, mark, rng), strict=True):
            side.append(each)
    if len(edits[0]) < number:
        mark, between = _new(taken, rng), rng.choice(_SIDES)
        first = rng.random() < 0.4
        for side, end in zip(edits, pair.ends(), strict=True):
            side.append((0, 0, mark + between) if first else (end, end, f" {mark}"))
    return pair.edit(*edits)


def put_emoji(pair: Pair, linker: Linker, rng: Random) -> Pair | None:
    """One to three emoji or signs at an end, or one beside words that stand for each other."""
    run = "".join(draw_sign(rng) for _ in range(rng.choice((1, 1, 1, 2, 3))))
    links = linker.links(pair) if rng.random() < 0.3 else []
    if links:
        return pair.edit(*([each] for each in rng.choice(links).edits(lambda span: (span[1], span[1], f" {run}"))))
    return pair.each((lambda text: f"{run} {text}") if rng.random() < 0.25 else (lambda text: f"{text} {run}"))


def emphasise(pair: Pair, linker: Linker, rng: Random) -> Pair | None:
    """One word in capitals, with the word that stands for it."""
    one, other = pair.texts
    links = [link for link in linker.links(pair) if _has_lower(one, link.one) and _has_lower(other, link.other)]
    if not links:
        return None
    link = rng.choice(links)
    return pair.edit([_raise(one, link.one)], [_raise(other, link.other)])


def draw_mark(rng: Random) -> str:
    """A stand-in of any kind."""
    return rng.choice(_KINDS)(rng)


def draw_sign(rng: Random) -> str:
    """An emoji, or a sign of another kind."""
    if rng.random() < 0.25:
        return rng.choice(SIGNS)
    return chr(rng.randrange(*rng.choice(EMOJI)))


def _new(taken: str, rng: Random) -> str:
    while (mark := draw_mark(rng)) in taken:
        pass
    return mark


def _place(link: Link, mark: str, rng: Random) -> tuple[Edit, Edit]:
    chance = rng.random()
    if chance < 0.6:
        return link.edits(lambda span: (*span, mark))
    if chance < 0.8:
        return link.edits(lambda span: (span[0], span[0], f"{mark} "))
    return link.edits(lambda span: (span[1], span[1], f" {mark}"))


def _letters(rng: Random, number: int) -> str:
    return "".join(rng.choices(string.ascii_uppercase, k=number))


def _digits(rng: Random, number: int) -> str:
    return str(rng.randrange(10 ** (number - 1), 10**number))


_KINDS: tuple[Callable[[Random], str], ...] = (
    lambda rng: _letters(rng, 1) + _digits(rng, rng.choice((1, 1, 2, 3))),
    lambda rng: _letters(rng, 2) + _digits(rng, rng.choice((1, 2, 3))),
    lambda rng: _digits(rng, 4),
    lambda rng: _digits(rng, rng.choice((3, 5, 6))),
    lambda rng: _letters(rng, rng.choice((3, 3, 4))),
    lambda rng: _letters(rng, rng.choice((2, 3))) + "-" + _digits(rng, rng.choice((1, 2))),
    lambda rng: f"<{rng.choice('abcpx')}{_digits(rng, 1)}>",
    lambda rng: f"[{_digits(rng, rng.choice((1, 2)))}]",
    lambda rng: f"({_letters(rng, 1)})",
    lambda rng: f"#{_digits(rng, rng.choice((1, 2, 3)))}",
    lambda rng: f"{{{_digits(rng, 1)}}}",
    draw_sign,
)


def _has_lower(text: str, span: Span) -> bool:
    word = text[slice(*span)]
    return len(word) > 2 and any(c.islower() for c in word)


def _raise(text: str, span: Span) -> Edit:
    return *span, text[slice(*span)].upper()
