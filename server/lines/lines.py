r"""Lines of a byte stream, and the promise that one line in is one line out.

A line is what `\n` ends; every other character that some program takes for a line's end is only white space here.
What translates the lines is a bundle of ours, or a server somewhere; those who write files need not know.
"""

import re
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from server.lines.partial import RunOrigin

_LINE_ENDS = re.compile("[\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029]+")


@dataclass(frozen=True)
class Line:
    r"""One line: `end` is how it ended (`\n`, `\r\n`, or nothing at the end of the stream)."""

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


@dataclass(frozen=True)
class TranslatedLine:
    """The translation of one line, and how many units of work it was."""

    text: str
    num_units: int


class LineTranslator(Protocol):
    """Lines in, lines out, in order; to be closed."""

    @property
    def unit(self) -> str:
        """What work is counted in, such as `sentences`."""
        ...

    def origin(self, input_bytes: int, input_sha256: str) -> RunOrigin:
        """What the translations of this input are made of."""
        ...

    def translate(self, texts: Iterable[str]) -> Generator[TranslatedLine]:
        """The translation of each text, in order, as soon as it and those before it are done."""
        ...

    def close(self) -> None:
        """Stop what still runs; nobody wants it."""
        ...
