"""Lines of validation and test sets that are also in the training text: counted, and found in order to drop them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from training.data.corpus import read_pairs
from training.data.hashes import Hashes, line_digest, pair_hashes, to_array
from training.data.reports import LeakReport, Overlap
from training.settings import TrainSettings, corpus_paths

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class HeldOut:
    """A validation or test set: the hashes [m, 2] of its normalised sides."""

    name: str
    languages: tuple[str, ...]
    sides: Hashes


def read_held_out(settings: TrainSettings) -> list[HeldOut]:
    """All validation and test sets, whole: a run may validate on a part, but others will judge it on the rest.

    Raises:
        CorpusError: a file cannot be read.
    """
    held_out = []
    for kind, corpora in (("validation", settings.validation), ("test", settings.test)):
        for corpus in corpora:
            one, other = corpus.languages
            pairs = read_pairs(*corpus_paths(corpus, settings.data))
            hashed = to_array(b"".join(line_digest(a, one) + line_digest(b, other) for a, b in pairs))
            name = f"{kind} {corpus.name} {one}-{other}"  # names alone need not differ
            held_out.append(HeldOut(name, corpus.languages, hashed.reshape(-1, 2)))
    return held_out


def find_leaks(held_out: Sequence[HeldOut], corpora: Mapping[str, Hashes]) -> list[LeakReport]:
    """How much of every held-out set is in each corpus, given the hashes [k, 2] of its sides."""
    known_sides, known_pairs = _collect_hashes(held_out)
    # For each corpus, which of the known hashes it has: [number of known].
    sides = {name: _mark_seen(known_sides, hashes.ravel()) for name, hashes in corpora.items()}
    pairs = {name: _mark_seen(known_pairs, pair_hashes(hashes)) for name, hashes in corpora.items()}
    reports = []
    for each in held_out:
        side_places = np.searchsorted(known_sides, each.sides)
        pair_places = np.searchsorted(known_pairs, pair_hashes(each.sides))
        found = {name: _overlap(sides[name][side_places], pairs[name][pair_places]) for name in corpora}
        any_sides, any_pairs = np.any(list(sides.values()), axis=0), np.any(list(pairs.values()), axis=0)
        overall = _overlap(any_sides[side_places], any_pairs[pair_places])
        reports.append(LeakReport(each.name, each.languages, len(each.sides), overall, found))
    return reports


def find_leaked(held_out: Sequence[HeldOut], sides: Hashes, policy: Literal["drop_sides", "drop_pairs"]) -> Mask:
    """Which of the pairs with the hashes `sides` [k, 2] are to be dropped: [k].

    Args:
        held_out: at least one set.
        sides: of the normalised lines, see `line_digest`.
        policy: whether one side in `held_out` is enough, or the pair has to be.
    """
    known_sides, known_pairs = _collect_hashes(held_out)
    if policy == "drop_pairs":
        return _find_among(known_pairs, pair_hashes(sides))
    return _find_among(known_sides, sides[:, 0]) | _find_among(known_sides, sides[:, 1])


def _collect_hashes(held_out: Sequence[HeldOut]) -> tuple[Hashes, Hashes]:
    """Hashes of all held-out sides and of all held-out pairs, each sorted."""
    sides = np.concatenate([each.sides for each in held_out])
    return np.unique(sides), np.unique(pair_hashes(sides))


def _find_among(known: Hashes, hashes: Hashes) -> Mask:
    """Which of `hashes` are among the few, sorted `known` ones. Sorting the many would cost ten times as much."""
    places = np.searchsorted(known, hashes)
    return known[np.minimum(places, len(known) - 1)] == hashes  # type: ignore[no-any-return]


def _mark_seen(known: Hashes, hashes: Hashes) -> Mask:
    """Which of `known` are among `hashes`."""
    seen = np.zeros(len(known), bool)
    seen[np.searchsorted(known, hashes[_find_among(known, hashes)])] = True
    return seen


def _overlap(sides: Mask, pairs: Mask) -> Overlap:
    """Lines by what of them was found: `sides` [m, 2], `pairs` [m]."""
    first, second = sides[:, 0] & ~pairs, sides[:, 1] & ~pairs
    counts = pairs, first & second, first & ~second, second & ~first
    return Overlap(*(int(mask.sum()) for mask in counts))
