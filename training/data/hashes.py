"""64 bits for a line or a pair, so that what was seen before is known without being kept.

Among ten million lines two different ones share a hash with a probability of 3 in a million.
"""

import re
import unicodedata
from functools import cache
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]

_DROPPED_ASCII = bytes(code for code in range(0x80) if not chr(code).isalnum())
_DIGITS_TO_ZERO = bytes.maketrans(b"123456789", b"000000000")


def pair_digest(one: str, other: str, languages: tuple[str, str]) -> bytes:
    """8 bytes that equal pairs share, white space aside and whichever file is named first.

    `one` and `other` are in `languages`, in that order.
    """
    first, second = (one, other) if languages[0] < languages[1] else (other, one)
    text = "\0".join((*sorted(languages), " ".join(first.split()), " ".join(second.split())))
    return blake2b(text.encode(), digest_size=8).digest()


def line_digest(line: str, language: str) -> bytes:
    """8 bytes that lines of a language share which are equal once normalised."""
    return blake2b(normalise(line), digest_size=8, person=language.encode()[:16]).digest()


def normalise(line: str) -> bytes:
    """`line` in NFKC, case folded, every digit 0, without punctuation, symbols and white space; itself if that is all.

    Combining marks stay: in many scripts they are vowels.
    """
    text = line
    if not line.isascii():
        text = _digit_or_mark().sub(_zero_or_nothing, unicodedata.normalize("NFKC", line))
    return text.casefold().encode().translate(_DIGITS_TO_ZERO, _DROPPED_ASCII) or line.encode()


def to_array(digests: bytes | bytearray) -> Hashes:
    """Digests of 8 bytes, end to end, as an array."""
    return np.frombuffer(digests, "<u8")


def pair_hashes(sides: Hashes) -> Hashes:
    """Hashes [n] of pairs from the `line_digest`s of their sides [n, 2]; the order of the sides does not matter.

    A line's digest depends on its language, so the sum knows which side is in which language.
    """
    return sides[:, 0] + sides[:, 1]


@cache
def _digit_or_mark() -> re.Pattern[str]:
    """What `normalise` changes outside of ASCII: one class of characters, looked up once (10 ms)."""
    basic_plane = (chr(code) for code in range(0x80, 0x10000))
    changed = ("P", "S", "Z", "Cc", "Cf", "Nd")  # punctuation, symbols, spaces, invisible characters; digits
    return re.compile(f"[{''.join(c for c in basic_plane if unicodedata.category(c).startswith(changed))}]")


def _zero_or_nothing(found: re.Match[str]) -> str:
    return "0" if found[0].isdecimal() else ""
