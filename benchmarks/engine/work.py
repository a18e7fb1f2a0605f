"""What is translated: sentences as ids, in groups that are asked for at once. Knows no system.

Lengths are in ids, tag and EOS included.
"""

import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

Ids = tuple[int, ...]
AtOnce = int | None  # sentences asked for at once; None: all of them, as one stream


class BenchmarkError(Exception):
    """Something the command line asks for that cannot be measured; the message says what to change."""


@dataclass(frozen=True)
class Sentences:
    """The sentences that every system translates, in the order of their file.

    Attributes:
        lines: number of each one's line, from 0.
        sources: what the encoder reads.
    """

    lines: tuple[int, ...]
    sources: tuple[Ids, ...]
    num_left_out: int


@dataclass(frozen=True)
class Group:
    """Sentences that are asked for at once.

    Attributes:
        limit: ids to generate at most for any of them, EOS included.
    """

    sources: tuple[Ids, ...]
    limit: int


@dataclass(frozen=True)
class Cell:
    """One line of the table: a setting under which all systems are compared."""

    threads: int
    beam_size: int
    at_once: AtOnce

    @property
    def label(self) -> str:
        """The number of sentences at once, as it is shown."""
        return "stream" if self.at_once is None else str(self.at_once)


@dataclass(frozen=True)
class Fresh:
    """A system in processes of its own, one after another.

    Attributes:
        cold_start_s: from the start of the process to the first translation, median.
        peak_bytes, resident_bytes: resident memory at most, and at the end, of the last process.
    """

    cold_start_s: float
    cold_starts: tuple[float, ...]
    peak_bytes: int
    resident_bytes: int


def read_lines(path: Path) -> list[str]:
    """The lines of a text file, plain or .gz.

    Raises:
        BenchmarkError: it cannot be read, or is not UTF-8.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            return [line.rstrip("\n") for line in file]
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise BenchmarkError(f"{path} cannot be read: {error}") from None


def choose_sentences(
    lines: Sequence[str], encode: Callable[[str], Ids], max_length: int, num_lines: int | None
) -> Sentences:
    """The first `num_lines` lines (None: all) that have text and whose ids are at most `max_length`.

    Raises:
        BenchmarkError: there is none.
    """
    numbers: list[int] = []
    sources: list[Ids] = []
    num_left_out = 0
    for number, line in enumerate(lines):
        if len(numbers) == num_lines:
            break
        ids = encode(line) if line.strip() else ()
        if 0 < len(ids) <= max_length:
            numbers.append(number)
            sources.append(ids)
        else:
            num_left_out += 1
    if not sources:
        raise BenchmarkError(f"none of {len(lines)} lines has text of at most {max_length} ids")
    return Sentences(tuple(numbers), tuple(sources), num_left_out)


def cut(sources: Sequence[Ids], at_once: AtOnce, limit: Callable[[int], int]) -> list[Group]:
    """`sources`, in order, in groups of `at_once`; the last may be smaller.

    Args:
        limit: of a source's length, the longest target allowed. CTranslate2 takes one for a whole call, so the limit of
            a group's longest source holds for all of the group, in every system.
    """
    size = len(sources) if at_once is None else at_once
    parts = [tuple(sources[start : start + size]) for start in range(0, len(sources), size)]
    return [Group(part, limit(max(map(len, part)))) for part in parts]
