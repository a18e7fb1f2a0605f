"""The id store: cleaned, tokenised corpora as flat files that are memory-mapped, never loaded.

A corpus of n pairs with K variants is four files: for each language `ids.XX.bin`, all rows of ids end to end, and
`offsets.XX.bin`, [n x (K + 1) + 1] int64, where each row begins. Rows line x (K + 1) to line x (K + 1) + K are one
line's: its best segmentation, then its sampled ones. With noise each of them has changed text. With noise or formality
four more files, `ids.XX.source.bin` and their offsets, hold the rows as they are read: they may have typos, and marks
of the form that is asked for. So they do for a corpus of both directions where the sides have a tokenizer each. Ten
million pairs are a gigabyte on disk and a handful of Python objects. Text is read several times (clean, sample for the
tokenizer, encode, examples) instead of being kept: it may not fit.
"""

import errno
import hashlib
import itertools
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training.data.clean import REASONS
from training.data.corpus import CorpusError, read_pairs
from training.data.encode import encode_corpus, id_type, source_name
from training.data.formality import FormMarker
from training.data.given import given_tokenizer
from training.data.noise.lexicon import MAX_PAIRS, Lexicon, learn_lexicon
from training.data.noise.noiser import Noiser
from training.data.reports import MAX_EXAMPLES, CleanReport, LeakReport, cleaning_page, leakage_page
from training.data.rows import Cutter, choose_roles
from training.data.sampling import Sampler
from training.data.screen import CODES, KEPT, count_dropped, screen
from training.data.shares import shares
from training.data.tokenizer import NAME, Side, Tokenizer, find_tokenizer, train_tokenizer
from training.settings import CorpusSettings, TrainSettings, corpus_paths

FORMAT = 2  # of the files; part of the fingerprint, so that a store of another format is built anew
Verdicts = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class StoredCorpus:
    """One corpus in the store. `ids[language]` is flat, `offsets[language]` [rows + 1] says where rows begin.

    `source_ids` and `source_offsets` are the same of the rows as they are read.
    """

    settings: CorpusSettings
    ids: dict[str, npt.NDArray[np.integer]]
    offsets: dict[str, npt.NDArray[np.int64]]
    source_ids: dict[str, npt.NDArray[np.integer]]
    source_offsets: dict[str, npt.NDArray[np.int64]]
    variants: int = 0

    def __len__(self) -> int:
        return (len(self.offsets[self.settings.languages[0]]) - 1) // (self.variants + 1)

    def line(self, language: str, index: int, variant: int = 0) -> npt.NDArray[np.integer]:
        """The ids of line `index` in `language`, without tag and EOS; `variant` 0 is the best segmentation."""
        row = index * (self.variants + 1) + variant
        start, end = self.offsets[language][row : row + 2]
        return self.ids[language][start:end]

    def lengths(self, language: str, rows: npt.NDArray[np.int64], read: bool = False) -> npt.NDArray[np.int64]:
        """The number of ids of `rows` of a `language`, as they are `read` or as they are translated into."""
        _, offsets = self.rows(language, read)
        return offsets[rows + 1] - offsets[rows]

    def rows(self, language: str, read: bool) -> tuple[npt.NDArray[np.integer], npt.NDArray[np.int64]]:
        """All ids and where rows begin, of the rows as they are `read` or as they are translated into."""
        if read:
            return self.source_ids[language], self.source_offsets[language]
        return self.ids[language], self.offsets[language]


def prepare(settings: TrainSettings, num_threads: int) -> tuple[Tokenizer, list[StoredCorpus]]:
    """Build the store unless an earlier run with the same settings has, and open it.

    Raises:
        CorpusError: text that cannot be used, or no room for the store.
        TokenizerError: a tokenizer that cannot be trained on it, or does not fit.
    """
    build_store(settings, num_threads)
    return open_store(settings)


def build_store(settings: TrainSettings, num_threads: int) -> None:
    """Clean, train the tokenizer, encode, unless what is there was made from the same settings and files.

    Built aside and renamed; a failure leaves what was there before and nothing else. One process at a time.

    Raises:
        CorpusError: text that cannot be used, or no room for the store.
        TokenizerError: a tokenizer that cannot be trained on it, or does not fit.
    """
    folder, fingerprint = _folder(settings), _fingerprint(settings)
    if _fingerprint_of(folder) == fingerprint:
        return
    aside = folder.with_name(".data.tmp")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        aside.mkdir(parents=True)
        _build(settings, aside, fingerprint, num_threads)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(aside, folder)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise CorpusError(
            f"no space left on the device while writing {aside}; make room, or choose another run.dir"
        ) from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def open_store(settings: TrainSettings) -> tuple[Tokenizer, list[StoredCorpus]]:
    """The tokenizer and corpora that `build_store` has made, by this process or another. Any number may open it.

    Raises:
        CorpusError: there is none.
    """
    folder = _folder(settings)
    if _fingerprint_of(folder) is None:
        raise CorpusError(f"there is no store of ids in {folder}; build_store makes it")
    tokenizer = find_tokenizer(folder, settings.languages())
    return tokenizer, [_open(corpus, folder / corpus.name, tokenizer, settings) for corpus in settings.corpora]


def _build(settings: TrainSettings, folder: Path, fingerprint: str, num_threads: int) -> None:
    given = given_tokenizer(settings)  # checked before the long work
    verdicts, leaks = screen(settings)
    for leak in leaks:
        print(leak, flush=True)
    if given:
        given.save(folder)
    else:
        sample = _sample(settings, verdicts)
        train_tokenizer(sample, settings.tokenizer, settings.languages(), folder / NAME, num_threads)
    tokenizer = find_tokenizer(folder, settings.languages())
    samplers = _build_samplers(settings, tokenizer)
    # Prefix and EOS come on top of the source, EOS on top of the target.
    max_ids = settings.data.max_length - tokenizer.scheme.num_extra
    reports, lexicons = [], _learn_lexicons(settings, verdicts)
    for corpus, mine in zip(settings.corpora, verdicts, strict=True):
        noisers = _build_noisers(settings, corpus, lexicons)
        marker, roles = _build_marker(settings, corpus), choose_roles(tokenizer, corpus)
        variants = settings.tokenizer.variants
        cutter = Cutter(tokenizer, samplers, variants, noisers, marker, max_ids, num_threads, roles)
        encode_corpus(corpus, settings.data, mine, cutter, folder / corpus.name)
        reports.append(_report(settings, corpus, mine))
        print(reports[-1], flush=True)
        if not reports[-1].kept:
            raise CorpusError(f"{reports[-1]}; data.max_length = {settings.data.max_length} may be too small")
    _write_reports(settings, folder, fingerprint, reports, leaks)


def _sample(settings: TrainSettings, verdicts: Sequence[Verdicts]) -> Iterator[str]:
    """Lines of both sides of every corpus, its share as training will draw it."""
    for _, pair in _sample_pairs(settings, verdicts, settings.tokenizer.sample_lines):
        yield from pair


def _sample_pairs(
    settings: TrainSettings, verdicts: Sequence[Verdicts], number: int
) -> Iterator[tuple[tuple[str, ...], tuple[str, str]]]:
    """About `number` pairs and their languages, of every corpus its share as training will draw it."""
    kept = [int((mine == KEPT).sum()) for mine in verdicts]
    weights = [corpus.weight for corpus in settings.corpora]
    wanted = number * shares(weights, kept, settings.data.sampling_temperature)
    for corpus, mine, count, lines in zip(settings.corpora, verdicts, kept, wanted, strict=True):
        rng = np.random.default_rng([settings.run.seed, len(mine)])
        chosen = (mine == KEPT) & (rng.random(len(mine), np.float32) < lines / count)
        for pair in itertools.compress(read_pairs(*corpus_paths(corpus, settings.data)), chosen):
            yield corpus.languages, pair


def _learn_lexicons(settings: TrainSettings, verdicts: Sequence[Verdicts]) -> dict[tuple[str, ...], Lexicon]:
    """Which words translate which, by languages; none without noise."""
    if not settings.noise.any():
        return {}
    pairs: dict[tuple[str, ...], list[tuple[str, str]]] = {corpus.languages: [] for corpus in settings.corpora}
    for languages, pair in _sample_pairs(settings, verdicts, MAX_PAIRS):
        pairs[languages].append(pair)
    return {languages: learn_lexicon(mine) for languages, mine in pairs.items()}


def _build_samplers(settings: TrainSettings, tokenizer: Tokenizer) -> dict[Side, Sampler]:
    """One for each side, or for both: what it remembers of words serves all variants of all corpora. None if unused."""
    if not settings.tokenizer.variants:
        return {}
    alpha, seed = settings.tokenizer.sampling_alpha, settings.run.seed
    source = Sampler(tokenizer.processor, alpha, seed)
    if tokenizer.target_path is None:
        return {"source": source, "target": source}
    return {"source": source, "target": Sampler(tokenizer.target_processor, alpha, seed)}


def _build_noisers(
    settings: TrainSettings, corpus: CorpusSettings, lexicons: Mapping[tuple[str, ...], Lexicon]
) -> list[Noiser]:
    """One for each row of a line; none without noise."""
    if not settings.noise.any():
        return []
    one, other = corpus.languages
    seed = f"{settings.run.seed} {corpus.name}"
    return [
        Noiser(settings.noise, (one, other), lexicons[corpus.languages], f"{seed} {number}")
        for number in range(_num_rows(settings))
    ]


def _build_marker(settings: TrainSettings, corpus: CorpusSettings) -> FormMarker | None:
    formality, (one, other) = settings.formality, corpus.languages
    if not formality.targets:
        return None
    return FormMarker((one, other), formality.targets, formality.share, f"{settings.run.seed} {corpus.name}")


def _num_rows(settings: TrainSettings) -> int:
    """Rows stored of every line."""
    copies = settings.noise.copies if settings.noise.any() else 0
    return 1 + max(settings.tokenizer.variants, copies)


def _report(settings: TrainSettings, corpus: CorpusSettings, verdicts: Verdicts) -> CleanReport:
    """Counts and examples, for which the text is read once more: which lines are dropped is only known now."""
    wanted: dict[int, str] = {}
    for reason in count_dropped(verdicts):
        lines = np.flatnonzero(verdicts == CODES[reason])
        spread = np.unique(np.linspace(0, len(lines) - 1, MAX_EXAMPLES).astype(int))
        wanted |= dict.fromkeys(lines[spread].tolist(), reason)
    examples: dict[str, list[tuple[str, str]]] = {reason: [] for reason in REASONS if reason in wanted.values()}
    last = max(wanted, default=-1)
    pairs = read_pairs(*corpus_paths(corpus, settings.data)) if wanted else iter(())
    for number, pair in enumerate(itertools.islice(pairs, last + 1)):
        if number in wanted:
            examples[wanted[number]].append(pair)
    return CleanReport(corpus.name, corpus.languages, len(verdicts), count_dropped(verdicts), examples)


def _write_reports(
    settings: TrainSettings, folder: Path, fingerprint: str, reports: list[CleanReport], leaks: list[LeakReport]
) -> None:
    (folder / "cleaning.md").write_text(cleaning_page(reports))
    (folder / "leakage.md").write_text(leakage_page(leaks, settings.data.leaked))
    described = {
        "fingerprint": fingerprint,
        "reports": [
            asdict(report)
            | {"kept": report.kept, "leaks": {leak.name: asdict(leak.corpora[report.name]) for leak in leaks}}
            for report in reports
        ],
        "held_out": [{"name": leak.name, "lines": leak.lines, **asdict(leak.overall)} for leak in leaks],
    }
    (folder / "store.json").write_text(json.dumps(described, ensure_ascii=False, indent=1))


def _open(corpus: CorpusSettings, folder: Path, tokenizer: Tokenizer, settings: TrainSettings) -> StoredCorpus:
    id_kind = id_type(tokenizer)

    def read(kind: str, name: str, dtype: type[np.generic]) -> npt.NDArray[Any]:
        # A view of the mapping: slicing np.memmap itself costs five times as much a line (measured).
        return np.asarray(np.memmap(folder / f"{kind}.{name}.bin", dtype, "r"))

    ids = {name: read("ids", name, id_kind) for name in corpus.languages}
    offsets = {name: read("offsets", name, np.int64) for name in corpus.languages}
    source_ids, source_offsets = ids, offsets
    if settings.noise.any() or settings.formality.targets or choose_roles(tokenizer, corpus).differ:
        source_ids = {name: read("ids", source_name(name), id_kind) for name in corpus.languages}
        source_offsets = {name: read("offsets", source_name(name), np.int64) for name in corpus.languages}
    return StoredCorpus(corpus, ids, offsets, source_ids, source_offsets, _num_rows(settings) - 1)


def _folder(settings: TrainSettings) -> Path:
    return Path(settings.run.dir) / "data"


def _fingerprint_of(folder: Path) -> str | None:
    path = folder / "store.json"
    return str(json.loads(path.read_text())["fingerprint"]) if path.exists() else None


def _fingerprint(settings: TrainSettings) -> str:
    """Changes when anything does that the store is made from."""
    data = asdict(settings.data)
    del data["max_validation_lines"]
    corpora = (*settings.corpora, *settings.validation, *settings.test)
    files = [path for corpus in corpora for path in corpus_paths(corpus, settings.data)]
    stamps = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    used = [(corpus.name, corpus.languages, corpus.weight) for corpus in corpora]
    given = given_tokenizer(settings)
    tokenizer = hashlib.sha256(given.path.read_bytes()).hexdigest() if given else ""
    made_from = [FORMAT, settings.run.seed, data, asdict(settings.tokenizer), tokenizer, used, stamps]
    # A store without these is the same as before there were any.
    if given and not given.is_ours:
        target = hashlib.sha256((given.target_path or given.path).read_bytes()).hexdigest()
        made_from += [asdict(given.scheme), target]
    if settings.noise.any():
        made_from.append(asdict(settings.noise))
    if settings.formality.targets:
        made_from.append(asdict(settings.formality))
    return hashlib.sha256(json.dumps(made_from).encode()).hexdigest()
