"""Whole lines in capitals, in lower case, or with a capital at every word."""

import re
from random import Random

from training.data.noise.pair import Linker, Pair

_WORD_START = re.compile(r"(?<![\w'’])[^\W\d_]")


def set_capitals(pair: Pair, _linker: Linker, _rng: Random) -> Pair | None:
    """Both lines in capitals."""
    return pair.each(str.upper)


def set_lower(pair: Pair, _linker: Linker, _rng: Random) -> Pair | None:
    """Both lines in lower case."""
    return pair.each(str.lower)


def set_title(pair: Pair, _linker: Linker, _rng: Random) -> Pair | None:
    """A capital at every word of both lines."""
    return pair.each(lambda text: _WORD_START.sub(lambda match: match[0].upper(), text))
