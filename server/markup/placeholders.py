"""Placeholders inside text: what a program or a reader will use as it is, so that no character may change.

Searched in the raw text, where entities are still written out. No expression reads a character more than a few
times, whatever the text: repetitions are possessive or bounded, and start where the run before them ended.
"""

import re
from collections.abc import Iterator

_PLACEHOLDER = re.compile(
    r"""
      (?P<url> \b(?:https?://|ftp://|www\.(?=\w)) (?:[^\s<>"&]|&(?!(?:quot|apos|lt|gt|nbsp|\#3[49]|\#160);))++ )
    | (?<![\w.+-]) [\w.+-]++ @ [\w-]++ (?:\.[\w-]++)++                 # a@b.de
    | \{\{ [^{}\n]{0,200}+ \}\} | \{% [^{}%\n]{0,200}+ %\}             # {{ var }}, {% tag %}
    | [$\#%]?\{ [\w.:!,+\-\#\[\]]{0,64}+ \}                            # {name}, {0:.2f}, ${var}, #{var}, %{var}
    | %% | %\( [\w.\-]{1,64}+ \) [a-zA-Z]                              # %%, %(name)s
    | (?<![\d%]) % [A-Za-z_]\w{1,63}+ %(?!\w)                          # %name%
    | (?<![\d%]) % (?:\d{1,4}+\$)?+ [-+\#0]*+ \d*+ (?:\.\d++)?+ (?:hh?|ll?|[Lzjtq])?
      (?:[sd] | [iufFeEgGxXocpbaA@](?![A-Za-z]))                       # %s, %1$s, %-5d; not 50%ige
    """,
    re.X,
)
_AFTER_URL = ".,;:!?…'*)]}"


def find_placeholders(raw: str) -> Iterator[tuple[int, int]]:
    """The (start, end) of every placeholder in `raw`, in order."""
    for match in _PLACEHOLDER.finditer(raw):
        if match.lastgroup == "url":
            yield match.start(), match.start() + len(_without_tail(match.group()))
        else:
            yield match.span()


def _without_tail(url: str) -> str:
    """`url` without the punctuation of the sentence around it."""
    tail = len(url.rstrip(_AFTER_URL))
    if url[tail : tail + 1] == ")" and url.count("(", 0, tail) > url.count(")", 0, tail):
        tail += 1
    return url[:tail]


def has_placeholders(text: str) -> bool:
    """Whether there is any; quick where there is none."""
    return next(find_placeholders(text), None) is not None
