"""Names that a translation spells with a slip, and words of the source that it leaves as they are.

Pure functions of two texts.
"""

import re
from collections.abc import Iterator, Sequence

# A name as far as letters tell: a capital, and some length; of German they are the nouns too.
_NAME = re.compile(r"(?<![\w'’.@/&-])[^\W\d_a-zß][^\W\d_]{4,}(?![\w@/]|['’]\w|-)")
# Of a name, what is never lost: the letters before a slip and behind it, and how many may be lost or too many in it.
_MIN_SAME, _MAX_SLIP = 2, 2

# Words that two languages spell with a letter more or less, so that neither is a slip.
_PAIRS = "Finnland/Finland Parlament/Parliament Ressource/Resource Plattform/Platform Maschine/Machine Staate/State "
_PAIRS += "Luxemburg/Luxembourg Teheran/Tehran Adresse/Address Apartment/Appartement Karneval/Carnival Alphabet/Alfabet"
_TOLD_APART = frozenset(frozenset(pair.split("/")) for pair in _PAIRS.split())

# A run of so many words, of which so many are small: names and titles of a few words are the same everywhere.
_MIN_RUN, _MIN_SMALL = 4, 3
_PLAIN_WORD = re.compile(r"[^\W\d_]+")
_QUOTED = re.compile(r"\"[^\"]*\"|„[^“”]*[“”]|“[^”]*”|»[^«]*«|«[^»]*»|‚[^‘’]*[‘’]|`[^`]*`|\([^()]*\)")


def find_slips(source: str, target: str) -> tuple[str, ...]:
    """The names of `source` that are in `target` with a letter or two lost or too many in their middle alone.

    Other letters for some may be how the other language writes it: `Lukas` is `Lucas`.
    """
    names = set(_NAME.findall(source))
    found = set(_NAME.findall(target)) if names else names
    new = found - names
    return tuple(sorted(name for name in names - found if any(_is_slip(name, other) for other in new))) if new else ()


def _is_slip(name: str, other: str) -> bool:
    """Whether one of two words is the other with a few letters more in its middle."""
    short, long = sorted((name, other), key=len)
    if not 1 <= len(long) - len(short) <= _MAX_SLIP or short[:_MIN_SAME] != long[:_MIN_SAME]:
        return False
    if frozenset((name, other)) in _TOLD_APART or name.isupper() or short[-_MIN_SAME:] != long[-_MIN_SAME:]:
        return False
    same = next((at for at, char in enumerate(short) if char != long[at]), len(short))
    behind = len(short) - same
    return behind == 0 or short[same:] == long[-behind:]


def leaves_words(source: str, target: str) -> bool:
    """Whether a run of words of `source`, not of names, quotations or code, is in `target` as it was."""
    shared = set(source.split(" ")) & set(target.split(" "))
    if sum(map(_is_small, shared)) < _MIN_SMALL:  # as nearly always
        return False
    runs = set(_runs(_QUOTED.sub(" \n ", source)))
    return bool(runs) and not runs.isdisjoint(_runs(_QUOTED.sub(" \n ", target)))


def _is_small(word: str) -> bool:
    return word.islower() and len(word) > 1


def _runs(text: str) -> Iterator[Sequence[str]]:
    """All runs of `_MIN_RUN` words that only spaces are between, with small words enough among them."""
    words = text.split(" ")
    plain = [_PLAIN_WORD.fullmatch(word.rstrip(".,;:!?")) is not None for word in words]
    # Of the words in a run only the last one may have a sign behind it.
    whole = [fits and word[-1:].isalpha() for fits, word in zip(plain, words, strict=True)]
    small = [fits and _is_small(word) for fits, word in zip(plain, words, strict=True)]
    for first in range(len(words) - _MIN_RUN + 1):
        last = first + _MIN_RUN - 1
        if all(whole[first:last]) and plain[last] and sum(small[first : last + 1]) >= _MIN_SMALL:
            yield (*words[first:last], words[last].rstrip(".,;:!?"))
