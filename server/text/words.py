"""Words: between them a tag may stand, inside them never."""

import re
import unicodedata
from collections.abc import Collection
from functools import lru_cache

from server.text.expressions import compile_expression

# One letter for each character, so that one expression can say what a word is: w letter, d digit, m mark that
# belongs to the character before it, z joiner, a apostrophe or hyphen, n point or comma in numbers, r half of a flag,
# c a letter of a script without spaces, s space, o the rest.
_WORD = compile_expression(
    r"[wd][wdmz]*+(?:(?:a|(?<=d)n(?=d))[wd][wdmz]*+)*+|c[mz]*+|rr?[mz]*+|[^s]m*+(?:z[^s]?m*+)*+",
)
_NO_SPACES = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x2E80, 0xA4CF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_FLAGS = range(0x1F1E6, 0x1F200)


def split_words(text: str) -> list[tuple[int, int]]:
    """The (start, end) of words and single punctuation marks; together they are all but the white space."""
    return [match.span() for match in _WORD.finditer("".join(map(_char_class, text)))]


def expression_of(words: Collection[str]) -> re.Pattern[str]:
    """What finds any of `words`, at least one, where it stands as a whole word; the longest where several begin."""
    return _expression_of(tuple(words))


def has_each_once(words: Collection[str], text: str) -> bool:
    """Whether each of `words` stands in `text` exactly once as a whole word."""
    return sorted(expression_of(words).findall(text)) == sorted(words)


@lru_cache(maxsize=512)
def _expression_of(words: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")


@lru_cache(maxsize=8192)
def _char_class(char: str) -> str:
    code, category = ord(char), unicodedata.category(char)
    if char.isspace():
        return "s"
    if char == "\u200d":
        return "z"
    if category[0] == "M" or category == "Cf" or code in _SKIN_TONES:
        return "m"
    if char in "'’-\u2010\u2011":
        return "a"
    if char in ".,:":
        return "n"
    if code in _FLAGS:
        return "r"
    if category == "Nd":
        return "d"
    if category[0] in "LN" or category == "Pc":
        return "c" if any(first <= code <= last for first, last in _NO_SPACES) else "w"
    return "o"


def is_of_word(char: str) -> bool:
    """Whether `char` is a letter, a digit, or a mark on one of them."""
    return char.isalnum() or unicodedata.category(char)[0] == "M"
