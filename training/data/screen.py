"""What becomes of every line of every corpus: kept, or dropped for a reason.

Text is read once and not kept. A line leaves one byte, its verdict, and if it passes the gate 24 bytes of hashes, by
which duplicates and lines of the held-out sets are found over all corpora together.
"""

import array
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from training.data.clean import REASONS, build_cleaner
from training.data.corpus import CorpusError, read_chunks
from training.data.hashes import Hashes, line_digest, pair_digest, pair_hashes, to_array
from training.data.leaks import find_leaked, find_leaks, read_held_out
from training.data.reports import LeakReport
from training.settings import CorpusSettings, DataSettings, TrainSettings, corpus_paths

KEPT = 0
CODES = {reason: code for code, reason in enumerate(REASONS, 1)}


@dataclass(frozen=True)
class Screened:
    """One corpus after the gate.

    Attributes:
        verdicts: [n] uint8, KEPT or one of CODES; what is found out later is written into it.
        passed: [k] int64, the lines that passed the gate.
        exact: [k] hashes of their pairs as they are, white space aside.
        sides: [k, 2] hashes of their normalised sides.
    """

    corpus: CorpusSettings
    verdicts: npt.NDArray[np.uint8]
    passed: npt.NDArray[np.int64]
    exact: Hashes
    sides: Hashes

    def drop(self, which: npt.NDArray[np.bool_], reason: str) -> None:
        """Give the verdict `reason` to those of the passed lines [k] that are still kept."""
        lines = self.passed[which]
        self.verdicts[lines[self.verdicts[lines] == KEPT]] = CODES[reason]

    def alive(self) -> npt.NDArray[np.bool_]:
        """Which of the passed lines [k] are still kept."""
        return np.equal(self.verdicts[self.passed], KEPT)


def screen(settings: TrainSettings) -> tuple[list[npt.NDArray[np.uint8]], list[LeakReport]]:
    """The verdicts [n] on the lines of every corpus, and what of the held-out sets is in training.

    Raises:
        CorpusError: text that cannot be read, or a corpus of which nothing is left.
    """
    held_out = read_held_out(settings)
    all_screened = [_pass_gate(corpus, settings.data) for corpus in settings.corpora]
    sides = {screened.corpus.name: screened.sides for screened in all_screened}
    leaks = find_leaks(held_out, sides)
    if settings.data.leaked != "keep":
        for screened in all_screened:
            screened.drop(find_leaked(held_out, screened.sides, settings.data.leaked), "leaked")
    if settings.data.drop_duplicates:
        _drop_later(all_screened, [screened.exact for screened in all_screened], "duplicate")
        if settings.data.drop_near_duplicates:
            _drop_later(all_screened, [pair_hashes(screened.sides) for screened in all_screened], "near_duplicate")
    for screened in all_screened:
        if not (screened.verdicts == KEPT).any():
            dropped = ", ".join(f"{reason} {count:,}" for reason, count in count_dropped(screened.verdicts).items())
            raise CorpusError(
                f"{screened.corpus.name}: no pair of {len(screened.verdicts):,} is left after cleaning: {dropped}"
            )
    return [screened.verdicts for screened in all_screened], leaks


def count_dropped(verdicts: npt.NDArray[np.uint8]) -> dict[str, int]:
    """Lines dropped for each reason that occurs."""
    counts = np.bincount(verdicts, minlength=len(REASONS) + 1)
    return {reason: int(counts[code]) for reason, code in CODES.items() if counts[code]}


def _pass_gate(corpus: CorpusSettings, data: DataSettings) -> Screened:
    one, other = corpus.languages
    cleaner = build_cleaner(data, (one, other))
    verdicts, passed = array.array("B"), array.array("q")
    exact, first, second = bytearray(), bytearray(), bytearray()  # 8 bytes a line, instead of an object
    progress = tqdm(desc=f"clean {corpus.name}", unit=" pairs", unit_scale=True, disable=None, leave=False)
    for chunk in read_chunks(*corpus_paths(corpus, data)):
        reasons = list(map(cleaner, *chunk))
        passing = [reason is None for reason in reasons]
        passed.extend(itertools.compress(itertools.count(len(verdicts)), passing))
        verdicts.extend(KEPT if reason is None else CODES[reason] for reason in reasons)
        for a, b in zip(*(itertools.compress(side, passing) for side in chunk), strict=True):
            exact += pair_digest(a, b, (one, other))
            first += line_digest(a, one)
            second += line_digest(b, other)
        progress.update(len(reasons))
    progress.close()
    sides = np.stack([to_array(first), to_array(second)], axis=1)
    return Screened(corpus, np.array(verdicts, np.uint8), np.array(passed, np.int64), to_array(exact), sides)


def _drop_later(all_screened: Sequence[Screened], hashes: Sequence[Hashes], reason: str) -> None:
    """Of kept lines with equal hashes, over all corpora, drop all but the first."""
    alive = [screened.alive() for screened in all_screened]
    candidates = np.concatenate([hashed[mask] for hashed, mask in zip(hashes, alive, strict=True)])
    later = np.ones(len(candidates), bool)
    later[np.unique(candidates, return_index=True)[1]] = False
    ends = np.cumsum([mask.sum() for mask in alive])[:-1]
    for screened, mask, part in zip(all_screened, alive, np.split(later, ends), strict=True):
        which = np.zeros(len(mask), bool)
        which[mask] = part
        screened.drop(which, reason)
