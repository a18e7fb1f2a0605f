"""The entries of a glossary: read from TSV or CSV, every term checked, and written as TSV.

Entries are a dict from source term to target term, in the client's order.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from typing import Literal

from server.dialects.deepl.errors import InvalidEntriesError

EntriesFormat = Literal["tsv", "csv"]

MAX_TERM_BYTES = 1024
# C0 and C1 controls and the line ends of Unicode: the characters that the official client refuses as well. DEL and
# lone surrogates, which no file could hold, come on top.
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def parse_entries(text: str, kind: EntriesFormat, source: str, target: str) -> dict[str, str]:
    """The entries in `text`, at least one.

    Args:
        source: the glossary's languages; a line of CSV may name others, and is then left out.

    Raises:
        InvalidEntriesError: with the number of the entry, from 1, and what is wrong with it.
    """
    rows = _read_tsv(text) if kind == "tsv" else _read_csv(text, source, target)
    entries: dict[str, str] = {}
    for number, columns in rows:
        if len(columns) != 2:
            raise InvalidEntriesError(f"Entry {number} must have a source and a target term.")
        from_term, to_term = columns[0].strip(), columns[1].strip()
        _check_term(from_term, f"The source term of entry {number}")
        _check_term(to_term, f"The target term of entry {number}")
        if from_term in entries:
            raise InvalidEntriesError(f"Entry {number} has the source term of an entry before it.")
        entries[from_term] = to_term
    if not entries:
        raise InvalidEntriesError("There are no entries.")
    return entries


def format_entries(entries: Mapping[str, str]) -> str:
    """The entries as TSV, as `parse_entries` reads them."""
    return "\n".join(f"{source}\t{target}" for source, target in entries.items())


def find_fault(term: str) -> str | None:
    """What is wrong with a term or a name, if anything."""
    if not term:
        return "is empty"
    if _FORBIDDEN.search(term):
        return "has a control character"
    if len(term.encode()) > MAX_TERM_BYTES:
        return f"is longer than {MAX_TERM_BYTES} bytes"
    return None


def _check_term(term: str, where: str) -> None:
    fault = find_fault(term)
    if fault:
        raise InvalidEntriesError(f"{where} {fault}.")


def _read_tsv(text: str) -> Iterator[tuple[int, list[str]]]:
    # Not splitlines: it would take a control character inside a term for the end of the line.
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if line.strip():
            yield number, line.split("\t")


def _read_csv(text: str, source: str, target: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for number, columns in enumerate(reader, 1):
            if not any(map(str.strip, columns)):
                continue
            if len(columns) == 4:
                languages = [column.strip().lower().partition("-")[0] for column in columns[2:]]
                if languages != [source.partition("-")[0], target.partition("-")[0]]:
                    continue
                columns = columns[:2]
            yield number, columns
    except csv.Error as error:
        raise InvalidEntriesError(f"Line {reader.line_num} is not CSV.") from error
