"""Lines of a byte stream, and the promise that one line in is one line out.

A line is what `\\n` ends; every other character that some program takes for a line's end is only white space here.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_LINE_ENDS = re.compile("[\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029]+")


@dataclass(frozen=True)
class Line:
    """One line: `end` is how it ended (`\\n`, `\\r\\n`, or nothing at the end of the stream)."""

    text: str
    end: str
    valid: bool

    def answered(self, text: str) -> bytes:
        """The line of the output that answers this one."""
        return (_LINE_ENDS.sub(" ", text) + self.end).encode()


def read_lines(stream: Iterable[bytes]) -> Iterator[Line]:
    """The lines of a binary stream; bytes that are not UTF-8 become U+FFFD, and the line is not `valid`."""
    for raw in stream:
        end = next(end for end in ("\r\n", "\n", "") if raw.endswith(end.encode()))
        body = raw[: len(raw) - len(end)]
        try:
            yield Line(body.decode(), end, True)
        except UnicodeDecodeError:
            yield Line(body.decode(errors="replace"), end, False)
