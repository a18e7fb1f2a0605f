"""What a decode step says of all rows at once: each greedy row's best id, each beam search's best continuations.

Pure numpy; must not know sentences' rules, rows' memory or onnxruntime. A sentence is treated by the numbers of its own
rows alone, so its scores do not depend on its batch mates: reductions along the last axis of a C-contiguous array were
checked to give a row the same bits for 1 to 64 rows. Axis letters: R rows, N sentences, K beams, V vocabulary.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Blocks of the vocabulary in which a beam search looks for its best ids: few wide blocks are quick to reduce (4 rows of
# 8,000 ids: 12 us for 32 blocks, 18 us for 80), but more must then be read id by id.
_NUM_BLOCKS = 32
# Below every log-probability that an id may be chosen by; suppressed ids have -inf.
_IMPOSSIBLE = float(np.finfo(np.float32).min)


class Candidate(NamedTuple):
    """One way to go on: the hypothesis's sum of log-probabilities with it, the beam it continues, and the id."""

    sum_logprob: float
    beam: int
    token: int


def normalise(logits: NDArray[np.float32]) -> None:
    """Turn logits [R, V] into natural log-probabilities, in place. Rows that are not finite become NaN."""
    with np.errstate(invalid="ignore"):  # inf - inf is how such a row shows
        logits -= logits.max(axis=1, keepdims=True)
        logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))


def suppress(log_probs: NDArray[np.float32], ids: NDArray[np.int64]) -> None:
    """Make `ids` impossible in `log_probs` [R, V], in place."""
    if ids.size:
        log_probs[:, ids] = -np.inf


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
    (num_sentences, num_beams), vocab_size = rows.shape, log_probs.shape[1]
    width = -(-vocab_size // _NUM_BLOCKS)
    # The 2K-th largest of the blocks' maxima bounds the 2K-th largest of all from below, and few ids reach it.
    maxima = sums[:, :, None] + _block_maxima(log_probs, width)[rows]
    maxima[np.isneginf(sums)] = -np.inf
    num_blocks = maxima.shape[2]
    maxima = maxima.reshape(num_sentences, -1)
    bounds = np.full(num_sentences, _IMPOSSIBLE)
    if maxima.shape[1] >= 2 * num_beams:
        np.maximum(bounds, np.partition(maxima, -2 * num_beams, axis=1)[:, -2 * num_beams], out=bounds)
    sentences, places = np.nonzero(maxima >= bounds[:, None])  # a NaN is never greater, nor is anything than a NaN
    beams, blocks = np.divmod(places, num_blocks)
    tokens = blocks[:, None] * width + np.arange(width)
    # The last block may reach beyond the vocabulary: it reads the last id again there, to no effect.
    inside = tokens < vocab_size
    found = log_probs[rows[sentences, beams][:, None], np.minimum(tokens, vocab_size - 1)]
    totals = sums[sentences, beams][:, None] + found
    chosen = np.nonzero(inside & (totals >= bounds[sentences][:, None]))
    totals, tokens, sentences, beams = totals[chosen], tokens[chosen], sentences[chosen[0]], beams[chosen[0]]
    order = np.lexsort((tokens, beams, -totals, sentences))
    ranked: list[list[Candidate]] = [[] for _ in range(num_sentences)]
    fields = (values[order].tolist() for values in (sentences, totals, beams, tokens))
    for sentence, total, beam, token in zip(*fields, strict=True):
        if len(ranked[sentence]) < 2 * num_beams:
            ranked[sentence].append(Candidate(total, beam, token))
    for sentence in np.flatnonzero(np.isnan(maxima).any(axis=1)).tolist():
        ranked[sentence] = []
    return ranked


def _block_maxima(log_probs: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """The largest of each `width` ids of every row, the last block being shorter: [R, blocks]."""
    whole = log_probs.shape[1] // width * width
    maxima: NDArray[np.float32] = log_probs[:, :whole].reshape(len(log_probs), -1, width).max(axis=2)
    if whole == log_probs.shape[1]:
        return maxima
    return np.concatenate([maxima, log_probs[:, whole:].max(axis=1, keepdims=True)], axis=1)
