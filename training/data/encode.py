"""From kept lines to flat files of ids, see `store`."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from training.data.corpus import CHUNK_LINES, read_pairs
from training.data.rows import Cutter
from training.data.screen import CODES, KEPT
from training.data.tokenizer import Tokenizer
from training.settings import CorpusSettings, DataSettings, corpus_paths

IdType = type[np.uint16] | type[np.uint32]


def id_type(tokenizer: Tokenizer) -> IdType:
    """The smallest type that holds every id."""
    largest = max(tokenizer.scheme.vocab_size, tokenizer.scheme.target_vocab_size)
    return np.uint16 if largest <= 1 << 16 else np.uint32


def source_name(language: str) -> str:
    """How the files of a language are called whose rows are read and not translated into."""
    return f"{language}.source"


class IdWriter:
    """Writes rows of ids end to end into `ids.NAME.bin`; where each begins, and the last ends, into `offsets.NAME.bin`.

    Both lie in `folder`; the `name` is a language's or `source_name`'s.
    """

    def __init__(self, folder: Path, name: str, dtype: IdType) -> None:
        self.dtype = dtype
        self.ids = (folder / f"ids.{name}.bin").open("wb")
        self.offsets = (folder / f"offsets.{name}.bin").open("wb")
        self.end = 0
        self.offsets.write(np.int64(0).tobytes())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.ids.close()
        self.offsets.close()

    def write(self, rows: Sequence[Sequence[int]]) -> None:
        """Append `rows`."""
        ends = self.end + np.cumsum(np.fromiter(map(len, rows), np.int64, len(rows)))
        self.end = int(ends[-1])
        self.ids.write(np.fromiter(itertools.chain.from_iterable(rows), self.dtype).tobytes())
        self.offsets.write(ends.tobytes())


def encode_corpus(
    corpus: CorpusSettings,
    data: DataSettings,
    verdicts: npt.NDArray[np.uint8],
    cutter: Cutter,
    folder: Path,
) -> None:
    """Write the ids of the kept lines, of each line as many rows as `cutter` makes of it.

    Lines that have too many ids, or none, get that as their verdict.

    Args:
        corpus: what is encoded.
        data: limits of lengths.
        verdicts: [n] one for each line; changed in place.
        cutter: makes them.
        folder: new; the files go into it.
    """
    folder.mkdir()
    lines = np.flatnonzero(verdicts == KEPT)
    progress = tqdm(total=len(lines), desc=f"encode {corpus.name}", unit=" pairs", disable=None, leave=False)
    dtype, start = id_type(cutter.tokenizer), 0
    with ExitStack() as files:
        writers = [files.enter_context(IdWriter(folder, name, dtype)) for name in corpus.languages]
        if cutter.reads_apart:
            writers += [files.enter_context(IdWriter(folder, source_name(name), dtype)) for name in corpus.languages]
        for chunk in _chunks(corpus, data, verdicts == KEPT):
            best = cutter.encode(chunk)
            found = np.array([_verdict(rows, cutter.max_ids) for rows in zip(*best, strict=True)], np.uint8)
            verdicts[lines[start : start + len(found)]] = found
            start += len(found)
            fits = (found == KEPT).tolist()
            if any(fits):
                kept = [list(itertools.compress(side, fits)) for side in chunk]
                rows = cutter.cut(kept, [list(itertools.compress(side, fits)) for side in best])
                for writer, side in zip(writers, rows, strict=True):
                    writer.write(side)
            progress.update(len(found))
    progress.close()


def _chunks(
    corpus: CorpusSettings, data: DataSettings, keep: npt.NDArray[np.bool_]
) -> Iterator[tuple[list[str], list[str]]]:
    pairs = itertools.compress(read_pairs(*corpus_paths(corpus, data)), keep)
    while chunk := list(itertools.islice(pairs, CHUNK_LINES)):
        first, second = zip(*chunk, strict=True)
        yield list(first), list(second)


def _verdict(rows: Sequence[Sequence[int]], max_ids: int) -> int:
    if not all(rows):
        return CODES["empty"]  # of characters that the tokenizer's normalisation removes
    return CODES["too_many_ids"] if max(map(len, rows)) > max_ids else KEPT
