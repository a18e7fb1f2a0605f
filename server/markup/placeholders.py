"""Placeholders inside text: what a program or a reader will use as it is, so that no character may change.

Searched in the raw text, where entities are still written out. No expression reads a character more than a few
times, whatever the text: repetitions are possessive or bounded, and start where the run before them ended.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from server.text.words import is_of_word

_PLACEHOLDER = re.compile(
    r"""
      (?P<url> \b(?:https?://|ftp://|www\.(?=\w)) (?:[^\s<>"&]|&(?!(?:quot|apos|lt|gt|nbsp|\#3[49]|\#160);))++ )
    | (?<![\w.+-]) [\w.+-]++ @ [\w-]++ (?:\.[\w-]++)++                 # a@b.de
    | \{\{ [^{}\n]{0,200}+ \}\} | \{% [^{}%\n]{0,200}+ %\}             # {{ var }}, {% tag %}
    | [$\#%]?\{ [\w.:!,+\-\#\[\]]{0,64}+ \}                            # {name}, {0:.2f}, ${var}, #{var}, %{var}
    | (?<![\w:]) : (?=[\w+\-]*[a-z]) [\w+\-]{2,40}+ : (?![\w:])           # :smile:
    | %% | %\( [\w.\-]{1,64}+ \) [a-zA-Z]                              # %%, %(name)s
    | (?<![\d%]) % [A-Za-z_]\w{1,63}+ %(?!\w)                          # %name%
    | (?<![\d%]) % (?:\d{1,4}+\$)?+ [-+\#0]*+ \d*+ (?:\.\d++)?+ (?:hh?|ll?|[Lzjtq])?
      (?:[sd] | [iufFeEgGxXocpbaA@](?![A-Za-z]))                       # %s, %1$s, %-5d; not 50%ige
    """,
    re.X,
)
_JOINERS = "\u200d\ufe0e\ufe0f"  # of emoji, to others and to their looks
_AFTER_URL = ".,;:!?…'*)]}"


def find_placeholders(raw: str, unreadable: frozenset[str] = frozenset()) -> Iterator[tuple[int, int]]:
    """The (start, end) of every placeholder in `raw`, in order.

    Args:
        raw: entities are still written out.
        unreadable: signs, each run of which is a placeholder too, and letters, as is every word of nothing but them.
    """
    runs = _runs_of(unreadable) if unreadable else None
    done = 0
    for match in _PLACEHOLDER.finditer(raw):
        start, end = match.span()
        if match.lastgroup == "url":
            end = start + len(_without_tail(match.group()))
        if runs:
            yield from (run.span() for run in runs.finditer(raw, done, start))
        yield start, end
        done = end
    if runs:
        yield from (run.span() for run in runs.finditer(raw, done))


@lru_cache(maxsize=256)
def _runs_of(unreadable: frozenset[str]) -> re.Pattern[str]:
    # An expression of its own: to compile it together with the other takes half a millisecond for every new set.
    signs = re.escape("".join(sorted(char for char in unreadable if not is_of_word(char))))
    letters = re.escape("".join(sorted(filter(is_of_word, unreadable))))
    ways = [rf"[{signs}][{signs}{_JOINERS}]*+"] * bool(signs) + [rf"(?<!\w)[{letters}]++(?!\w)"] * bool(letters)
    return re.compile("|".join(ways))


def _without_tail(url: str) -> str:
    """`url` without the punctuation of the sentence around it."""
    tail = len(url.rstrip(_AFTER_URL))
    if url[tail : tail + 1] == ")" and url.count("(", 0, tail) > url.count(")", 0, tail):
        tail += 1
    return url[:tail]


def has_placeholders(text: str) -> bool:
    """Whether there is any; quick where there is none."""
    return next(find_placeholders(text), None) is not None
