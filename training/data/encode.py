"""From kept lines to flat files of ids, see `store`."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from training.data.corpus import CHUNK_LINES, read_pairs
from training.data.sampling import Sampler
from training.data.screen import CODES, KEPT
from training.data.tokenizer import Tokenizer
from training.settings import CorpusSettings, DataSettings, corpus_paths

IdType = type[np.uint16] | type[np.uint32]


def id_type(tokenizer: Tokenizer) -> IdType:
    """The smallest type that holds every id."""
    return np.uint16 if tokenizer.vocab_size <= 1 << 16 else np.uint32


class IdWriter:
    """Writes rows of ids end to end into `ids.XX.bin`; where each begins, and the last ends, into `offsets.XX.bin`.

    Both lie in `folder`; XX is the `language`.
    """

    def __init__(self, folder: Path, language: str, dtype: IdType) -> None:
        self.dtype = dtype
        self.ids = (folder / f"ids.{language}.bin").open("wb")
        self.offsets = (folder / f"offsets.{language}.bin").open("wb")
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
    tokenizer: Tokenizer,
    samplers: Sequence[Sampler],
    folder: Path,
    num_threads: int,
) -> None:
    """Write the ids of the kept lines: of each line the best row, then one drawn by each sampler.

    Lines that have too many ids, or none, get that as their verdict.

    Args:
        corpus: what is encoded.
        data: limits of lengths.
        verdicts: [n] one for each line; changed in place.
        tokenizer: gives the best row.
        samplers: give the variants; none for no variants.
        folder: new; the files go into it.
        num_threads: of the tokenizer.
    """
    folder.mkdir()
    max_ids = data.max_length - 2  # tag and EOS come on top of the source, EOS on top of the target
    lines = np.flatnonzero(verdicts == KEPT)
    one, other = corpus.languages
    progress = tqdm(total=len(lines), desc=f"encode {corpus.name}", unit=" pairs", disable=None, leave=False)
    dtype, start = id_type(tokenizer), 0
    with IdWriter(folder, one, dtype) as first, IdWriter(folder, other, dtype) as second:
        for chunk in _chunks(corpus, data, verdicts == KEPT):
            rows = [tokenizer.encode(side, num_threads) for side in chunk]
            found = np.array([_verdict(a, b, max_ids) for a, b in zip(*rows, strict=True)], np.uint8)
            verdicts[lines[start : start + len(found)]] = found
            start += len(found)
            fits = (found == KEPT).tolist()
            for writer, side, best in zip((first, second), chunk, rows, strict=True):
                if any(fits):
                    kept = list(itertools.compress(best, fits))
                    writer.write(_with_variants(kept, list(itertools.compress(side, fits)), samplers, max_ids))
            progress.update(len(found))
    progress.close()


def _chunks(
    corpus: CorpusSettings, data: DataSettings, keep: npt.NDArray[np.bool_]
) -> Iterator[tuple[list[str], list[str]]]:
    pairs = itertools.compress(read_pairs(*corpus_paths(corpus, data)), keep)
    while chunk := list(itertools.islice(pairs, CHUNK_LINES)):
        first, second = zip(*chunk, strict=True)
        yield list(first), list(second)


def _verdict(one: Sequence[int], other: Sequence[int], max_ids: int) -> int:
    if not one or not other:
        return CODES["empty"]  # of characters that the tokenizer's normalisation removes
    return CODES["too_many_ids"] if max(len(one), len(other)) > max_ids else KEPT


def _with_variants(
    best: list[list[int]], lines: list[str], samplers: Sequence[Sampler], max_ids: int
) -> list[list[int]]:
    """For each line its best row and its variants; the best row again in place of a variant that is too long."""
    if not samplers:
        return best
    drawn = [sampler.sample(lines) for sampler in samplers]
    return [row if len(row) <= max_ids else rows[0] for rows in zip(best, *drawn, strict=True) for row in rows]
