"""Slips of the source alone: the translation says what was meant."""

import re
from random import Random

from training.data.noise.pair import edit

_WORD = re.compile(r"(?<![\w@#/.])[^\W\d_]{4,}(?![\w@/]|\.\w|:/)")
_ROWS = ("qwertzuiop", "asdfghjkl", "yxcvbnm")
_BESIDE = {c: row[max(0, i - 1) : i] + row[i + 1 : i + 2] for row in _ROWS for i, c in enumerate(row)}
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})
_LONGEST = 3  # slips in a line


def slip(text: str, rng: Random) -> str | None:
    """`text` with a slip or some, with its umlauts written out, or with printed apostrophes; None if it has no word."""
    if rng.random() < 0.2 and text.translate(_UMLAUTS) != text and not text.isupper():
        return text.translate(_UMLAUTS)
    if rng.random() < 0.2 and "'" in text:
        return text.replace("'", "’")
    # A capital may begin a name, and a name is no place for a guess.
    words = [match.span() for match in _WORD.finditer(text) if text[slice(*match.span())].islower()]
    if not words:
        return None
    chosen = rng.sample(words, min(len(words), rng.randint(1, _LONGEST)))
    return edit(text, [(start, end, _misspell(text[start:end], rng)) for start, end in chosen])


def _misspell(word: str, rng: Random) -> str:
    """Two letters swapped, one left out, doubled, or taken for its neighbour on the keyboard."""
    at, kind = rng.randrange(1, len(word) - 1), rng.randrange(4)
    before, letter, after = word[:at], word[at], word[at + 1 :]
    if kind == 0 and letter != after[0]:
        return before + after[0] + letter + after[1:]
    if kind == 1:
        return before + letter + letter + after
    if kind == 2 and letter in _BESIDE:
        return before + rng.choice(_BESIDE[letter]) + after
    return before + after
