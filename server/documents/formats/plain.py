"""Plain text: every line is a text, or every paragraph that was wrapped by hand; all else stays as it is.

A paragraph was wrapped if no line had room for the first word of the next: so wrapped prose is told from verse, lists
and labels. Its translation is wrapped at the same width.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

from server.documents.formats.charsets import decode_text, rewrite_parts
from server.documents.formats.wrapping import fill

# What the translator takes for the end of a line as well (server/text/segments.py).
_LINES = re.compile("[\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029]+|[^\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029]+")
_ENDS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
_ONE_END = ("\n", "\r\n", "\r")
# Narrower than this nobody wraps prose.
_MIN_WIDTH = 40
# Items of lists, headings, quotes, cells, marks, and labels such as `Name: `.
_STRUCTURE = re.compile(r"[>#*+•|=~`<\[{.\-–—]|\d{1,3}[.)]\s|\w{1,20}:\s|\w{1,20}$")
_SENTENCE_END = re.compile(r"[.!?:…][\"'”“»)]*\Z")


@dataclass(frozen=True)
class Paragraph:
    """Lines that are one text, with the space before each and the sign between them."""

    lines: tuple[str, ...]
    indent: str
    line_end: str

    @property
    def raw(self) -> str:
        """The lines as they are."""
        return self.line_end.join(self.lines)

    @property
    def text(self) -> str:
        """The text of all lines."""
        return " ".join(line.strip() for line in self.lines)

    def write(self, translated: str) -> str:
        """Another text in lines as long as these."""
        if len(self.lines) == 1:
            line = self.lines[0]
            start = line.index(self.text)
            return line[:start] + translated + line[start + len(self.text) :]
        words = translated.split()
        waiting = iter(words)
        width = max(len(line.strip()) for line in self.lines)
        lines = (" ".join(islice(waiting, count)) for count in fill([*map(len, words)], width) if words)
        return self.line_end.join(self.indent + line for line in lines)


def read_plain(data: bytes) -> list[str]:
    """The lines and wrapped paragraphs with something in them.

    Raises:
        InvalidDocumentError: it is not text in UTF-8 or marked UTF-16.
    """
    return [part.text for part in cut_lines(decode_text(data).text) if isinstance(part, Paragraph)]


def write_plain(data: bytes, texts: Sequence[str]) -> bytes:
    """`data` with other texts."""
    return rewrite_parts(data, cut_lines, texts)


def cut_lines(text: str) -> Iterator[str | Paragraph]:
    """What is kept, and what is language; together they are `text`."""
    run: list[str] = []
    for piece in _LINES.findall(text):
        if piece[0] in _ENDS:
            if piece in _ONE_END and run:
                run.append(piece)
                continue
            yield from _read_run(run)
            run = []
            yield piece
        elif piece.strip():
            run.append(piece)
        else:
            yield from _read_run(run)
            run = []
            yield piece
    yield from _read_run(run)


def _read_run(run: Sequence[str]) -> Iterator[str | Paragraph]:
    """Lines and their ends in turn, with nothing empty between them: one paragraph if it was wrapped, or each line."""
    lines = [piece for piece in run if piece not in _ONE_END]
    if len(lines) > 1 and _is_wrapped(lines):
        yield Paragraph(tuple(lines), _indent(lines[0]), run[1])
        yield from run[2 * len(lines) - 1 :]
        return
    for piece in run:
        yield piece if piece in _ONE_END else Paragraph((piece,), "", "")


def _is_wrapped(lines: Sequence[str]) -> bool:
    indent = _indent(lines[0])
    if any(_indent(line) != indent or _STRUCTURE.match(line.strip()) for line in lines):
        return False
    bare = [line.strip() for line in lines]
    width = max(map(len, bare))
    is_full = all(len(line) + 1 + len(following.split()[0]) > width for line, following in pairwise(bare))
    goes_on = any(not _SENTENCE_END.search(line) for line in bare[:-1])
    return width >= _MIN_WIDTH and is_full and goes_on and all(map(_has_words, bare[:-1]))


def _has_words(line: str) -> bool:
    return len(line.split()) > 2


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
