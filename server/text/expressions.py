"""Regular expressions that mean the same on every Python that we run on.

Python before 3.11.5 matches a possessive quantifier behind a group wrongly: where the group fails in its middle, the
match ends there (CPython issue 106052). Debian 12 has such a Python. A lookahead is atomic everywhere, so there
`(?:…)*+` is written `(?=(?P<q0>(?:…)*))(?P=q0)`. Behind a single character or class they are right on all.
"""

import re
import sys

_IS_RIGHT = sys.version_info >= (3, 11, 5)
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\\\]])*\]", re.S)
_QUANTIFIER = re.compile(r"(?:[*+?]|\{\d*,?\d*\})(?=\+)")


def compile_expression(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """`re.compile`, for expressions with possessive groups; those without names may be numbered otherwise.

    Args:
        pattern: without comments, and without groups called `q` and a number.
        flags: of `re`.
    """
    return re.compile(pattern if _IS_RIGHT else without_possessive_groups(pattern), flags)


def without_possessive_groups(pattern: str) -> str:
    """An expression that matches what `pattern` does, with lookaheads in place of possessive groups.

    Args:
        pattern: as for `compile_expression`.
    """
    written, opened, at, num_groups = "", list[int](), 0, 0
    while at < len(pattern):
        char = pattern[at]
        end = at + 1
        if char == "\\":
            end = at + 2
        elif char == "[" and (found := _CLASS.match(pattern, at)):
            end = found.end()
        elif char == "(":
            opened.append(len(written))
        written += pattern[at:end]
        at = end
        if char == ")":
            start = opened.pop()
            if quantifier := _QUANTIFIER.match(pattern, at):
                name = f"q{num_groups}"
                num_groups += 1
                written = f"{written[:start]}(?=(?P<{name}>{written[start:]}{quantifier.group()}))(?P={name})"
                at = quantifier.end() + 1
    return written
