"""Parallel text files, read as a stream: line i of one is the translation of line i of the other."""

import gzip
import itertools
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast


class CorpusError(Exception):
    """Text that cannot be read as a parallel corpus; the message names file and line."""


def read_pairs(one: Path, other: Path) -> Iterator[tuple[str, str]]:
    """The aligned lines of two files, without their line ends.

    Raises:
        CorpusError: a file ends early, is not UTF-8, or is a damaged .gz.
    """
    with _open(one) as first, _open(other) as second:
        lines = itertools.zip_longest(_lines(first, one), _lines(second, other))
        for number, (a, b) in enumerate(lines, 1):
            if a is None or b is None:
                short, long = (one, other) if a is None else (other, one)
                raise CorpusError(
                    f"{short} ends after {number - 1} lines, {long} goes on: the files are not aligned. "
                    "Line i of one must be the translation of line i of the other."
                )
            yield a, b


def _open(path: Path) -> BinaryIO:
    try:
        return cast(BinaryIO, gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb"))
    except OSError as error:
        raise CorpusError(f"{path} cannot be opened: {error.strerror}") from None


def _lines(file: BinaryIO, path: Path) -> Iterator[str]:
    # Binary lines end at \n alone, so that U+2028 or a form feed inside a sentence cannot shift the alignment.
    number = 0
    try:
        for number, line in enumerate(file, 1):  # noqa: B007 - the handlers below name it
            yield line.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path}, line {number}: not UTF-8 ({error.reason} at byte {error.start})") from None
    except (EOFError, OSError, zlib.error) as error:
        raise CorpusError(f"{path}: damaged or truncated after line {number}: {error}") from None
