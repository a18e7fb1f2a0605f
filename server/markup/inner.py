"""Language inside a mark: the branches of a message, the attributes of a tag that readers see.

Only where it is: each stretch is a text of its own, translated beside the one that the mark stands in.
"""

import re

from server.markup.messages import find_branches
from server.markup.options import Options
from server.markup.rules import is_ignored
from server.markup.tokens import tokenize

_ATTRIBUTE = re.compile(
    r"""\s(?:title|alt|placeholder|aria-label|aria-description|aria-placeholder)\s*+=\s*+("[^"]*+"|'[^']*+')""", re.I
)
# Buttons show their value.
_VALUE = re.compile(r"""\svalue\s*+=\s*+("[^"]*+"|'[^']*+')""", re.I)
_BUTTON = re.compile(r"""<input\s[^>]{0,500}?type\s*=\s*["']?(?:submit|button|reset)\b""", re.I)


def find_inner(raw: str, options: Options) -> list[tuple[int, int]]:
    """The (start, end) of each stretch of language in the mark `raw`; hardly any has one."""
    if raw[:1] == "{":
        return find_branches(raw)
    if not options.attributes or options.kind != "html" or raw[:1] != "<" or "=" not in raw:
        return []
    tag = tokenize(raw, "html")[0]
    if tag.kind not in ("start", "empty") or is_ignored(tag, options):
        return []
    found = [*_ATTRIBUTE.finditer(tag.text)]
    if _BUTTON.match(tag.text):
        found += _VALUE.finditer(tag.text)
    return sorted((match.start(1) + 1, match.end(1) - 1) for match in found)
