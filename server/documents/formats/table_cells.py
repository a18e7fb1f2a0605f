"""Csv and tsv: the cells with language in them, of all columns or of chosen ones; quotes and line ends stay.

Which sign separates cells is told by the first lines. A first row of names that programs know columns by is kept.
A cell is written between quotes if it was, or now has to be.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from server.documents.formats.charsets import decode_text
from server.documents.formats.localisation import is_language, is_name
from server.documents.formats.messages import cut_message, fill_message
from server.errors import InvalidDocumentError
from server.text.expressions import compile_expression

_SEPARATORS = ",;\t|"
MAX_COLUMNS_CHARS = 200
_SAMPLE_CHARS = 20_000
_QUOTED = compile_expression(r'"((?:[^"]|"")*+)"')
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


def parse_columns(columns: str) -> tuple[str, ...]:
    """The numbers and names in a list with commas.

    Raises:
        InvalidDocumentError: it is too long, or names nothing.
    """
    found = tuple(each.strip() for each in columns.split(","))
    if len(columns) > MAX_COLUMNS_CHARS or not all(found):
        raise InvalidDocumentError(
            "Invalid columns: send numbers, from 1, or names in the first row, with commas between, in at most "
            f"{MAX_COLUMNS_CHARS} characters."
        )
    return found


def read_csv(data: bytes, columns: Sequence[str] = ()) -> list[str]:
    """The cells with language in them, row by row.

    Args:
        data: the file.
        columns: those that are looked at, by number, from 1, or by name; all if there are none.

    Raises:
        InvalidDocumentError: it is no text in UTF-8 or marked UTF-16, or no table with such columns.
    """
    return [text for cell in _language(decode_text(data).text, columns) for text in cut_message(cell.text)]


def write_csv(data: bytes, texts: Sequence[str], columns: Sequence[str] = ()) -> bytes:
    """`data` with other cells.

    Args:
        data: the file.
        texts: as many as `read_csv` gives.
        columns: as for `read_csv`.

    Raises:
        InvalidDocumentError: it is no text in UTF-8 or marked UTF-16, or no table with such columns.
    """
    decoded = decode_text(data)
    text = decoded.text
    separator = _find_separator(text)
    pieces: list[str] = []
    done = 0
    waiting = iter(texts)
    for cell in _language(text, columns):
        new = fill_message(cell.text, waiting)
        if new != cell.text:
            must = any(sign in new for sign in (separator, '"', "\n", "\r"))
            written = '"' + new.replace('"', '""') + '"' if cell.is_quoted or must else new
            pieces += [text[done : cell.start], written]
            done = cell.end
    return decoded.encode("".join((*pieces, text[done:])))


def _language(text: str, columns: Sequence[str]) -> list[_Cell]:
    cells = list(_cells(text, _find_separator(text)))
    top = [cell.text.strip() for cell in cells if cell.row == 0]
    has_rows = any(cell.row and cell.text for cell in cells)
    is_named = any(not each.isdecimal() for each in columns)
    has_names = has_rows and len(top) > 1 and all(not each or is_name(each) for each in top)
    found = [cell for cell in cells if cell.row >= (1 if is_named or has_names else 0)]
    if not columns:
        return [cell for cell in found if is_language(cell.text)]
    wanted = {_find_column(each, top) for each in columns}
    return [cell for cell in found if cell.column in wanted and any(map(str.isalpha, cell.text))]


def _find_column(wanted: str, top: Sequence[str]) -> int:
    """The number of a column, from 0."""
    if wanted in top:
        return top.index(wanted)
    if wanted.isdecimal() and 0 < int(wanted[:9]) <= len(top):
        return int(wanted[:9]) - 1
    raise InvalidDocumentError(f"Invalid columns: the first row has no {wanted!r}, and {len(top)} columns.")


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
