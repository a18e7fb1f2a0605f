"""Plain text: every line is a text; white space, line ends and encoding stay as they are."""

import re
from collections.abc import Sequence

from server.documents.formats.charsets import decode_text

# What the translator takes for the end of a line as well (server/text/segments.py).
_LINES = re.compile("[^\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029]+")


def read_plain(data: bytes) -> list[str]:
    """The lines with something in them.

    Raises:
        InvalidDocumentError: it is not text in UTF-8 or marked UTF-16.
    """
    return [line for line in (match.group().strip() for match in _LINES.finditer(decode_text(data).text)) if line]


def write_plain(data: bytes, texts: Sequence[str]) -> bytes:
    """`data` with other lines."""
    waiting = iter(texts)
    decoded = decode_text(data)

    def translated(match: re.Match[str]) -> str:
        line = match.group()
        core = line.strip()
        if not core:
            return line
        start = line.index(core)
        return line[:start] + next(waiting) + line[start + len(core) :]

    return decoded.encode(_LINES.sub(translated, decoded.text))
