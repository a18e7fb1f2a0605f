"""Markdown: each paragraph, heading, item and row of a table is a text; front matter, code and comments are kept.

What is in a line, such as links, emphasis and the sign of an item, is told from language where all plain text is
(`server.markup`). Lines of a paragraph are joined for the translator, and its translation is wrapped at the same width.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from server.documents.formats.charsets import decode_text, rewrite_parts
from server.documents.formats.wrapping import fill

_LINES = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+\Z")
_FENCE = re.compile(r"[ \t>]*(`{3,}|~{3,})([^\r\n]*)")
_MATTER = ("---", "+++")
# White space and signs of quotes before what a line says.
_PREFIX = re.compile(r"(?:[ \t]*>)*[ \t]*")
_QUOTES = re.compile(r"(?:[ \t]*>)*")
# Lines that begin something: headings, items, rows, html, directives, definitions, lines of signs alone.
_BEGINS = re.compile(
    r"#{1,6}(?:\s|$)|[-*+](?:\s|$)|\d{1,9}[.)](?:\s|$)|\||<[a-zA-Z/!?]|:::|\[\^?[^\]]{1,80}\]:|:\s|\{[%{#]|[-=*_+~`.:\s]+$"
)
# Where a link leads that is named elsewhere.
_ADDRESS = re.compile(r"\[[^\]]{1,80}\]:\s+\S+$")
_ITEM = re.compile(r"[-*+]\s|\d{1,9}[.)]\s")
_HARD_BREAK = re.compile(r"(?:[ \t]{2,}|\\|<br\s?/?>)$", re.I)
# Behind these a line that is not empty begins anew.
_ENDS_ALONE = re.compile(r"#{1,6}\s|\||<[a-zA-Z/!?][^>]*>\s*$")


@dataclass(frozen=True)
class _Paragraph:
    """Lines that are one text, without their ends, and the sign that ends the first."""

    lines: tuple[str, ...]
    line_end: str

    @property
    def text(self) -> str:
        """The text of all lines, without what they begin with."""
        return " ".join(_bare(line) for line in self.lines)

    def write(self, translated: str) -> str:
        """Another text in lines as long as these."""
        first = self.lines[0]
        prefix = _prefix(first)
        space = self.lines[-1][len(self.lines[-1].rstrip()) :]
        if len(self.lines) == 1 or translated == self.text:
            return prefix + translated + space if translated != self.text else self.line_end.join(self.lines)
        words = translated.split()
        width = max(len(_bare(line)) for line in self.lines)
        waiting = iter(words)
        lines = [" ".join(islice(waiting, count)) for count in fill([*map(len, words)], width)]
        wrapped = lines[:1]
        for line in lines[1:]:
            if _BEGINS.match(line):  # it would be an item or a heading there
                wrapped[-1] += " " + line
            else:
                wrapped.append(line)
        return prefix + (self.line_end + _prefix(self.lines[1])).join(wrapped) + space


def read_markdown(data: bytes) -> list[str]:
    """The texts of a file of markdown.

    Raises:
        InvalidDocumentError: it is not text in UTF-8 or marked UTF-16.
    """
    return [part.text for part in _parts(decode_text(data).text) if isinstance(part, _Paragraph)]


def write_markdown(data: bytes, texts: Sequence[str]) -> bytes:
    """`data` with other texts."""
    return rewrite_parts(data, _parts, texts)


def _parts(text: str) -> Iterator[str | _Paragraph]:
    """What is kept, and what is language; together they are `text`."""
    run: list[str] = []
    for line, is_kept in _kept_lines(_LINES.findall(text)):
        if not is_kept and run and _goes_on(run[-1], line):
            run.append(line)
            continue
        yield from _read_run(run)
        run = []
        if is_kept or not any(map(str.isalpha, line)):
            yield line
        else:
            run = [line]
    yield from _read_run(run)


def _read_run(run: Sequence[str]) -> Iterator[str | _Paragraph]:
    if not run:
        return
    bare = [line.rstrip("\r\n") for line in run]
    yield _Paragraph(tuple(bare), run[0][len(bare[0]) :])
    yield run[-1][len(bare[-1]) :]


def _goes_on(line: str, following: str) -> bool:
    """Whether `following` is of the same paragraph as `line`, which is language."""
    bare, next_bare = _bare(line), _bare(following)
    return not (
        not next_bare
        or _BEGINS.match(next_bare)
        or _ENDS_ALONE.match(bare)
        or _HARD_BREAK.search(line.rstrip("\r\n"))
        or _quotes(line) != _quotes(following)
    )


def _kept_lines(lines: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """The lines, and of each whether it is no language: front matter, code, comments."""
    closing = _front_matter_end(lines)
    fence = ""
    is_comment = False
    in_item = is_empty = False
    for number, line in enumerate(lines):
        bare = _bare(line)
        match = _FENCE.match(line)
        is_kept = number <= closing or bool(fence) or is_comment
        if number <= closing:
            pass
        elif fence:
            fence = "" if match and match[1].startswith(fence) and not match[2].strip() else fence
        elif is_comment or bare.startswith("<!--"):
            is_comment, is_kept = "-->" not in line, True
        elif match and not (match[1][0] == "`" and "`" in match[2]):
            fence, is_kept = match[1], True
        elif bare:
            in_item = bool(_ITEM.match(bare)) or (in_item and line[0] in " \t")
            is_code = (is_empty or number == 0) and not in_item and line.startswith(("    ", "\t"))
            is_kept = is_code or _ADDRESS.match(bare) is not None
        yield line, is_kept
        is_empty = not bare or (is_kept and is_empty)


def _front_matter_end(lines: Sequence[str]) -> int:
    """The number of the line that ends the front matter; -1 if there is none."""
    sign = lines[0].strip() if lines else ""
    if sign not in _MATTER or lines[0][0].isspace():
        return -1
    return next((number for number, line in enumerate(lines) if number and line.rstrip() in (sign, "...")), -1)


def _prefix(line: str) -> str:
    match = _PREFIX.match(line)
    return match[0] if match else ""


def _quotes(line: str) -> int:
    match = _QUOTES.match(line)
    return match[0].count(">") if match else 0


def _bare(line: str) -> str:
    return line[len(_prefix(line)) :].strip()
