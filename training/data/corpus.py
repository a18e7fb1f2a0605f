"""Parallel text files, read as a stream: line i of one is the translation of line i of the other."""

import codecs
import gzip
import io
import itertools
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NoReturn, cast

CHUNK_LINES = 10_000  # lines decoded at a time: line by line costs three times as much
GZIP_MAGIC = b"\x1f\x8b"


class CorpusError(Exception):
    """Text that cannot be used as a parallel corpus; the message names file, line and remedy."""


def read_pairs(one: Path, other: Path) -> Iterator[tuple[str, str]]:
    """The aligned lines of two files, without their line ends.

    Raises:
        CorpusError: a file is empty, ends early, is not UTF-8, or is named .gz without being a sound gzip file.
    """
    for first, second in read_chunks(one, other):
        yield from zip(first, second, strict=True)


def read_chunks(one: Path, other: Path) -> Iterator[tuple[list[str], list[str]]]:
    """As `read_pairs`, up to CHUNK_LINES aligned lines at a time.

    Raises:
        CorpusError: as for `read_pairs`.
    """
    number, end = 0, list[str]()
    for first, second in itertools.zip_longest(_chunks(one), _chunks(other), fillvalue=end):
        number += min(len(first), len(second))
        if len(first) != len(second):
            short, long = (one, other) if len(first) < len(second) else (other, one)
            raise CorpusError(
                f"{short} ends after {number} lines, {long} goes on: the files are not aligned. "
                "Line i of one must be the translation of line i of the other."
            )
        yield first, second


def _chunks(path: Path) -> Iterator[list[str]]:
    number = 0
    with _open(path) as file:
        while lines := _take(file, path, number):
            try:
                yield _decode(lines)
            except UnicodeDecodeError:
                _refuse_encoding(lines, path, number)
            number += len(lines)
    if not number:
        raise CorpusError(f"{path} is empty: it should hold one sentence a line")


def _open(path: Path) -> BinaryIO:
    try:
        file = path.open("rb")
    except OSError as error:
        raise CorpusError(f"{path} cannot be opened: {error.strerror}") from None
    if path.suffix != ".gz":
        return file
    if file.peek(2)[:2] != GZIP_MAGIC:
        empty = not file.peek(1)
        file.close()
        found = "is empty" if empty else "is not a gzip file"
        raise CorpusError(f"{path} {found}, though its name ends in .gz; compress it with gzip, or rename it")
    file.close()
    # Lines of a GzipFile itself are made in Python; the buffer's are not.
    return cast(BinaryIO, io.BufferedReader(gzip.open(path, "rb"), 1 << 20))


def _take(file: BinaryIO, path: Path, number: int) -> list[bytes]:
    # Binary lines end at \n alone, so that U+2028 or a form feed inside a sentence cannot shift the alignment.
    try:
        return list(itertools.islice(file, CHUNK_LINES))
    except (EOFError, OSError, zlib.error) as error:
        raise CorpusError(
            f"{path}: damaged or truncated somewhere after line {number:,}: {error}. "
            f"Fetch it again; gzip -t {path.name} tells whether it is whole."
        ) from None


def _decode(lines: list[bytes]) -> list[str]:
    text = b"".join(lines).decode()
    whole = text.removeprefix("\ufeff").removesuffix("\n").split("\n")
    return [line.rstrip("\r") for line in whole] if "\r" in text else whole


def _refuse_encoding(lines: list[bytes], path: Path, number: int) -> NoReturn:
    """Name the first of `lines`, which follow line `number`, that is not UTF-8."""
    if number == 0 and lines[0].startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise CorpusError(f"{path} is UTF-16, not UTF-8; convert it with iconv -f UTF-16 -t UTF-8") from None
    for place, line in enumerate(lines, number + 1):
        try:
            line.decode()
        except UnicodeDecodeError as error:
            raise CorpusError(
                f"{path}, line {place}: not UTF-8 ({error.reason} at byte {error.start} of the line); "
                "convert the file, for instance with iconv -f LATIN1 -t UTF-8"
            ) from None
    raise AssertionError("the lines together are not UTF-8, but each of them is")
