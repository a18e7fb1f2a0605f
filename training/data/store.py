"""The id store: cleaned, tokenised corpora as flat files that are memory-mapped, never loaded.

A corpus of n pairs is four files: for each language `ids.XX.bin`, all ids end to end, and `offsets.XX.npy`, [n + 1]
int64, where each line begins. Ten million pairs are a gigabyte on disk and a handful of Python objects.
Text is read three times (clean, sample for the tokenizer, encode) instead of being kept: it may not fit.
"""

import array
import hashlib
import itertools
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from training.data.clean import REASONS, build_cleaner, pair_hash
from training.data.corpus import CorpusError, read_pairs
from training.data.tokenizer import Tokenizer, train_tokenizer
from training.settings import CorpusSettings, DataSettings, TrainSettings, corpus_paths

IdType = type[np.uint16] | type[np.uint32]

ENCODE_LINES = 10_000  # lines tokenised at a time: enough for all threads, little memory


@dataclass(frozen=True)
class StoredCorpus:
    """One corpus in the store. `ids[language]` is flat, `offsets[language]` [n + 1] says where lines begin."""

    settings: CorpusSettings
    ids: dict[str, npt.NDArray[np.integer]]
    offsets: dict[str, npt.NDArray[np.int64]]

    def __len__(self) -> int:
        return len(self.offsets[self.settings.languages[0]]) - 1

    def line(self, language: str, index: int) -> npt.NDArray[np.integer]:
        """The ids of one line, without tag and EOS."""
        start, end = self.offsets[language][index : index + 2]
        return self.ids[language][start:end]

    def lengths(self, language: str) -> npt.NDArray[np.int64]:
        """The number of ids of every line, [n]."""
        return np.diff(self.offsets[language])


@dataclass(frozen=True)
class CleanReport:
    """How many pairs a corpus had, and how many were dropped for each reason."""

    name: str
    total: int
    dropped: Counter[str]

    def __str__(self) -> str:
        kept = self.total - self.dropped.total()
        reasons = ", ".join(f"{name} {self.dropped[name]:,}" for name in REASONS if self.dropped[name])
        return f"{self.name}: {kept:,} of {self.total:,} pairs kept" + (f"; dropped: {reasons}" if reasons else "")


def prepare(settings: TrainSettings, num_threads: int) -> tuple[Tokenizer, list[StoredCorpus]]:
    """Clean, train the tokenizer, encode; or open what an earlier run with the same settings has prepared.

    Raises:
        CorpusError, TokenizerError: text that cannot be used.
    """
    folder = Path(settings.run.dir) / "data"
    wanted = _fingerprint(settings)
    if not (folder / "store.json").exists() or json.loads((folder / "store.json").read_text())["fingerprint"] != wanted:
        _build(settings, folder, wanted, num_threads)
    tokenizer = Tokenizer(folder / "tokenizer.model", settings.languages())
    dtype = _id_type(tokenizer)
    return tokenizer, [_open(corpus, folder, dtype) for corpus in settings.corpora]


def _build(settings: TrainSettings, folder: Path, fingerprint: str, num_threads: int) -> None:
    aside = folder.with_name(".data.tmp")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    kept, reports = _clean_all(settings)
    tokenizer_path = aside / "tokenizer.model"
    if settings.tokenizer.path:
        shutil.copyfile(settings.tokenizer.path, tokenizer_path)
    else:
        sample = _sample(settings, kept)
        train_tokenizer(sample, settings.tokenizer, settings.languages(), tokenizer_path, num_threads)
    tokenizer = Tokenizer(tokenizer_path, settings.languages())
    for corpus, keep, report in zip(settings.corpora, kept, reports, strict=True):
        _encode_corpus(corpus, settings.data, keep, tokenizer, aside, report, num_threads)
        print(report, flush=True)
    (aside / "store.json").write_text(json.dumps({"fingerprint": fingerprint, "reports": [str(r) for r in reports]}))
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(aside, folder)


def _clean_all(settings: TrainSettings) -> tuple[list[npt.NDArray[np.bool_]], list[CleanReport]]:
    """One mask of lines to keep and one report per corpus."""
    kept, reports, hashes = [], [], []
    for corpus in settings.corpora:
        keep, hashed, dropped = _clean(corpus, settings.data)
        if not keep.any():
            raise CorpusError(f"{corpus.name}: no pair of {len(keep):,} is left after cleaning: {dict(dropped)}")
        kept.append(keep)
        hashes.append(hashed)
        reports.append(CleanReport(corpus.name, len(keep), dropped))
    if settings.data.drop_duplicates:
        _, first = np.unique(np.concatenate(hashes), return_index=True)
        unique = np.zeros(sum(map(len, hashes)), bool)
        unique[first] = True
        ends = np.cumsum([len(hashed) for hashed in hashes])
        for keep, report, part in zip(kept, reports, np.split(unique, ends[:-1]), strict=True):
            keep[np.flatnonzero(keep)[~part]] = False
            report.dropped["duplicate"] += int((~part).sum())
    return kept, reports


def _clean(
    corpus: CorpusSettings, data: DataSettings
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.uint64], Counter[str]]:
    one, other = corpus.languages
    cleaner = build_cleaner(data, (one, other))
    keep, hashes, dropped = array.array("b"), array.array("Q"), Counter[str]()
    for a, b in tqdm(_pairs(corpus, data), desc=f"clean {corpus.name}", unit=" pairs", disable=None, leave=False):
        reason = cleaner(a, b)
        keep.append(reason is None)
        if reason is None:
            hashes.append(pair_hash(a, b, (one, other)))
        else:
            dropped[reason] += 1
    return np.array(keep, bool), np.array(hashes, np.uint64), dropped


def _sample(settings: TrainSettings, kept: Sequence[npt.NDArray[np.bool_]]) -> Iterator[str]:
    """Lines of both sides of every corpus, its share as training will draw it."""
    shares = np.array([corpus.weight * keep.sum() for corpus, keep in zip(settings.corpora, kept, strict=True)])
    wanted = settings.tokenizer.sample_lines * shares / shares.sum()
    for corpus, keep, lines in zip(settings.corpora, kept, wanted, strict=True):
        rng = np.random.default_rng([settings.run.seed, len(keep)])
        chosen = keep & (rng.random(len(keep)) < lines / keep.sum())
        for pair in itertools.compress(_pairs(corpus, settings.data), chosen):
            yield from pair


def _encode_corpus(
    corpus: CorpusSettings,
    data: DataSettings,
    keep: npt.NDArray[np.bool_],
    tokenizer: Tokenizer,
    folder: Path,
    report: CleanReport,
    num_threads: int,
) -> None:
    folder = folder / corpus.name
    folder.mkdir()
    dtype = _id_type(tokenizer)
    lengths: dict[str, list[npt.NDArray[np.int64]]] = {language: [] for language in corpus.languages}
    files = {language: (folder / f"ids.{language}.bin").open("wb") for language in corpus.languages}
    pairs = itertools.compress(_pairs(corpus, data), keep)
    progress = tqdm(total=int(keep.sum()), desc=f"encode {corpus.name}", unit=" pairs", disable=None, leave=False)
    while chunk := list(itertools.islice(pairs, ENCODE_LINES)):
        sides = [tokenizer.encode(list(side), num_threads) for side in zip(*chunk, strict=True)]
        # Tag and EOS come on top of the source, EOS on top of the target.
        fits = [
            min(len(a), len(b)) > 0 and max(len(a), len(b)) + 2 <= data.max_length for a, b in zip(*sides, strict=True)
        ]
        report.dropped["too_many_ids"] += fits.count(False)
        for language, side in zip(corpus.languages, sides, strict=True):
            fitting = list(itertools.compress(side, fits))
            files[language].write(np.fromiter(itertools.chain.from_iterable(fitting), dtype).tobytes())
            lengths[language].append(np.fromiter(map(len, fitting), np.int64, len(fitting)))
        progress.update(len(chunk))
    progress.close()
    for language in corpus.languages:
        files[language].close()
        np.save(folder / f"offsets.{language}.npy", np.concatenate([[0], np.cumsum(np.concatenate(lengths[language]))]))


def _open(corpus: CorpusSettings, folder: Path, dtype: IdType) -> StoredCorpus:
    ids, offsets = {}, {}
    for language in corpus.languages:
        # A view of the mapping: slicing np.memmap itself costs five times as much a line (measured).
        ids[language] = np.asarray(np.memmap(folder / corpus.name / f"ids.{language}.bin", dtype, "r"))
        offsets[language] = np.asarray(np.load(folder / corpus.name / f"offsets.{language}.npy", mmap_mode="r"))
    return StoredCorpus(corpus, ids, offsets)


def _id_type(tokenizer: Tokenizer) -> IdType:
    return np.uint16 if tokenizer.vocab_size <= 1 << 16 else np.uint32


def _pairs(corpus: CorpusSettings, data: DataSettings) -> Iterator[tuple[str, str]]:
    return read_pairs(*corpus_paths(corpus, data))


def _fingerprint(settings: TrainSettings) -> str:
    """Changes when anything does that the store was made from."""
    files = [path for corpus in settings.corpora for path in corpus_paths(corpus, settings.data)]
    stamps = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    made_from = [asdict(settings.data), asdict(settings.tokenizer), stamps]
    return hashlib.sha256(json.dumps(made_from).encode()).hexdigest()
