"""What a decode step says of all rows at once: each greedy row's best id, each beam search's best continuations.

Pure numpy; must not know sentences' rules, rows' memory or onnxruntime. A sentence is treated by the numbers of its own
rows alone, so its scores do not depend on its batch mates: reductions along the last axis of a C-contiguous array were
checked to give a row the same bits for 1 to 64 rows. Axis letters: R rows, N sentences, K beams, V vocabulary.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

# Blocks of the vocabulary in which a beam search looks for its best ids. Block j holds the ids j, j + 256 and so on:
# their maxima are then taken element by element along stretches of 256, 61 us for 48 rows of 8,000, where blocks of
# ids in sequence take 104 us. More blocks are more maxima to sort, fewer are more ids to read (measured: 64 to 512).
_NUM_BLOCKS = 256
# Below every log-probability that an id may be chosen by; suppressed ids have -inf.
_IMPOSSIBLE = float(np.finfo(np.float32).min)


# One way to go on: the hypothesis's sum of log-probabilities with it, the beam it continues, and the id. A plain tuple,
# because every beam makes two of them at every step.
Candidate = tuple[float, int, int]


def normalise(logits: NDArray[np.float32]) -> None:
    """Turn logits [R, V] into natural log-probabilities, in place. Rows that are not finite become NaN."""
    with np.errstate(invalid="ignore"):  # inf - inf is how such a row shows
        logits -= logits.max(axis=1, keepdims=True)
        logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))


def suppress(log_probs: NDArray[np.float32], ranges: Sequence[slice]) -> None:
    """Make the ids in `ranges` impossible in `log_probs` [R, V], in place."""
    for ids in ranges:
        log_probs[:, ids] = -np.inf


def ranges_of(ids: Iterable[int]) -> list[slice]:
    """The ids as few slices: those of a vocabulary's special ids lie together, and slices are quick to fill."""
    ranges: list[slice] = []
    for each in sorted(set(ids)):
        if ranges and ranges[-1].stop == each:
            ranges[-1] = slice(ranges[-1].start, each + 1)
        else:
            ranges.append(slice(each, each + 1))
    return ranges


def best_ids(log_probs: NDArray[np.float32]) -> tuple[list[int], list[float]]:
    """The best id of each row of [R, V], the lowest of equals, and its log-probability; NaN where there is any."""
    tokens = log_probs.argmax(axis=1)  # a NaN counts as the largest
    return tokens.tolist(), log_probs[np.arange(len(tokens)), tokens].tolist()


def rank_candidates(
    log_probs: NDArray[np.float32], rows: NDArray[np.intp], sums: NDArray[np.float64]
) -> list[list[Candidate]]:
    """The best 2K continuations of each of N sentences with K beams, best first.

    Equal ones go by beam, then by id. Ids that are impossible are left out; a sentence with a NaN gets none at all.

    Args:
        log_probs: [R, V].
        rows: [N, K], which rows are the sentence's beams.
        sums: [N, K], sums of log-probabilities of the beams so far; -inf for a beam that is none.
    """
    num_sentences, num_beams = rows.shape
    vocab_size, num_wanted = log_probs.shape[1], 2 * num_beams
    block_maxima = _block_maxima(log_probs)
    num_blocks = block_maxima.shape[1]
    maxima = (sums[:, :, None] + block_maxima[rows]).reshape(num_sentences, -1)
    # The 2K-th largest of the blocks' maxima bounds the 2K-th largest of all from below, and few ids reach it.
    bounds = np.full(num_sentences, _IMPOSSIBLE)
    if maxima.shape[1] >= num_wanted:
        np.maximum(bounds, np.partition(maxima, -num_wanted, axis=1)[:, -num_wanted], out=bounds)
    beams, blocks = np.divmod(np.flatnonzero(maxima >= bounds[:, None]), num_blocks)  # a NaN is never larger
    tokens = blocks[:, None] + np.arange(0, vocab_size, num_blocks)
    firsts = rows.ravel()[beams][:, None] * vocab_size
    values = log_probs.take(firsts + np.minimum(tokens, vocab_size - 1))
    totals = sums.ravel()[beams][:, None] + values
    kept = np.flatnonzero((totals >= bounds[beams // num_beams][:, None]) & (tokens < vocab_size))
    totals, beams, tokens = totals.ravel()[kept], beams[kept // tokens.shape[1]], tokens.ravel()[kept]
    # By sentence, then best first; beams are still counted through all sentences.
    order = np.lexsort((tokens, beams, -totals, beams // num_beams))
    sentences, beams = np.divmod(beams[order], num_beams)
    candidates = list(zip(totals[order].tolist(), beams.tolist(), tokens[order].tolist(), strict=True))
    ends = np.searchsorted(sentences, np.arange(num_sentences + 1)).tolist()
    ranked = [candidates[first : min(end, first + num_wanted)] for first, end in pairwise(ends)]
    for sentence in np.flatnonzero(np.isnan(maxima).any(axis=1)).tolist():
        ranked[sentence] = []
    return ranked


def _block_maxima(log_probs: NDArray[np.float32]) -> NDArray[np.float32]:
    """[R, blocks]: the largest of each block, NaN where there is any."""
    num_rows, vocab_size = log_probs.shape
    num_blocks = min(_NUM_BLOCKS, vocab_size)
    whole = vocab_size // num_blocks * num_blocks
    maxima: NDArray[np.float32] = log_probs[:, :whole].reshape(num_rows, -1, num_blocks).max(axis=1)
    rest = maxima[:, : vocab_size - whole]  # ids beyond the last whole stretch belong to the first blocks
    np.maximum(rest, log_probs[:, whole:], out=rest)
    return maxima
