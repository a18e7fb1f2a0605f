"""Messages of ICU: `{n, plural, one {# chair} other {# chairs}}`. Keywords stay, what is in the branches is language.

Knows where a message ends and where its branches are; what is done with them is decided elsewhere.
"""

import re

# Longer ones are no messages, so that braces that are never closed cost no more than this.
MAX_CHARS = 2000
_BRACE = re.compile(r"'\{[^'\n]{0,200}'|[{}]")
_HEAD = re.compile(r"\{\s?[\w.]{1,60}\s?,\s?(plural|select|selectordinal)\s?,(?:\s*offset:\d+)?")
_SELECTOR = re.compile(r"\s*+(?:=\d{1,9}|[\w\-]{1,60})\s*+(?=\{)")


def find_end(text: str, start: int) -> int:
    """Where the message that begins at `start` ends; `start` itself if it is none."""
    end = _close(text, start)
    return end if end and find_branches(text[start:end]) else start


def find_branches(message: str) -> list[tuple[int, int]]:
    """The (start, end) of what is in each branch; none if `message` is not one."""
    head = _HEAD.match(message)
    if head is None:
        return []
    found: list[tuple[int, int]] = []
    at = head.end()
    while (selector := _SELECTOR.match(message, at)) is not None:
        end = _close(message, selector.end())
        if not end:
            return []
        found.append((selector.end() + 1, end - 1))
        at = end
    return found if message[at:].strip() == "}" else []


def is_plural(message: str) -> bool:
    """Whether `#` stands for a number in the branches of `message`."""
    head = _HEAD.match(message)
    return head is not None and head.group(1) != "select"


def _close(text: str, start: int) -> int:
    """Behind the brace that closes the one at `start`; 0 if there is none near."""
    depth = 0
    for match in _BRACE.finditer(text, start, start + MAX_CHARS):
        depth += {"{": 1, "}": -1}.get(match.group(), 0)
        if depth == 0 and match.start() > start:
            return match.end()
    return 0
