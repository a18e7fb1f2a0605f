"""Csv and tsv: the cells with language in them, of all columns; quotes and line ends stay.

Which sign separates cells is told by the first lines. A first row of names that programs know columns by is kept.
A cell is written between quotes if it was, or now has to be.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from server.documents.formats.charsets import decode_text
from server.documents.formats.localisation import is_language, is_name
from server.errors import InvalidDocumentError

_SEPARATORS = ",;\t|"
_SAMPLE_CHARS = 20_000
_QUOTED = re.compile(r'"((?:[^"]|"")*+)"')
_BARE = {sign: re.compile(rf"[^{re.escape(sign)}\r\n]*+") for sign in _SEPARATORS}
_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True)
class _Cell:
    """A cell: its text, where it stands, and in which row and column, from 0."""

    text: str
    start: int
    end: int
    row: int
    column: int
    is_quoted: bool


def read_csv(data: bytes) -> list[str]:
    """The cells with language in them, row by row.

    Raises:
        InvalidDocumentError: it is not text in UTF-8 or marked UTF-16, or a quote is never closed.
    """
    return [cell.text for cell in _language(decode_text(data).text)]


def write_csv(data: bytes, texts: Sequence[str]) -> bytes:
    """`data` with other cells.

    Raises:
        InvalidDocumentError: it is not text in UTF-8 or marked UTF-16, or a quote is never closed.
    """
    decoded = decode_text(data)
    text = decoded.text
    separator = _find_separator(text)
    pieces: list[str] = []
    done = 0
    for cell, new in zip(_language(text), texts, strict=True):
        if new != cell.text:
            must = any(sign in new for sign in (separator, '"', "\n", "\r"))
            written = '"' + new.replace('"', '""') + '"' if cell.is_quoted or must else new
            pieces += [text[done : cell.start], written]
            done = cell.end
    return decoded.encode("".join((*pieces, text[done:])))


def _language(text: str) -> list[_Cell]:
    cells = list(_cells(text, _find_separator(text)))
    top = [cell.text.strip() for cell in cells if cell.row == 0]
    has_rows = any(cell.row and cell.text for cell in cells)
    first = 1 if has_rows and len(top) > 1 and all(not each or is_name(each) for each in top) else 0
    return [cell for cell in cells if cell.row >= first and is_language(cell.text)]


def _find_separator(text: str) -> str:
    """The sign that is in most lines of the beginning as often as in the first."""
    counts: dict[str, int] = {}
    for sign in _SEPARATORS:
        lines = _QUOTED.sub("", text[:_SAMPLE_CHARS]).splitlines()[:20]
        wanted = lines[0].count(sign) if lines else 0
        counts[sign] = wanted * sum(line.count(sign) == wanted for line in lines)
    return max(_SEPARATORS, key=lambda sign: counts[sign])


def _cells(text: str, separator: str) -> Iterator[_Cell]:
    at = row = column = 0
    while at <= len(text):
        quoted = _QUOTED.match(text, at)
        if quoted is not None:
            yield _Cell(quoted[1].replace('""', '"'), *quoted.span(), row, column, True)
            at = quoted.end()
        elif text[at : at + 1] == '"':
            raise InvalidDocumentError(f"The file is no table: in row {row + 1} a quote is never closed.")
        else:
            bare = _BARE[separator].match(text, at)
            assert bare is not None
            yield _Cell(bare[0], *bare.span(), row, column, False)
            at = bare.end()
        if text[at : at + 1] == separator:
            at, column = at + 1, column + 1
        elif line_end := _LINE_END.match(text, at):
            at, row, column = line_end.end(), row + 1, 0
        elif at < len(text):
            raise InvalidDocumentError(f"The file is no table: in row {row + 1} something follows a closing quote.")
        else:
            return
