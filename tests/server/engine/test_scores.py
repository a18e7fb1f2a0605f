"""Scores of rows against plain float64, and their independence of batch mates."""

import numpy as np
import pytest

from server.engine.scores import RowScores, score_rows, suppress


@pytest.mark.parametrize("vocab_size", [5, 64, 137, 1000, 8001])
def test_scores_of_a_row_do_not_depend_on_the_others(vocab_size: int) -> None:
    """Bit for bit: the promise of the same answer hangs on it."""
    logits = (np.random.default_rng(1).normal(size=(33, vocab_size)) * 4).astype(np.float32)
    together = score_rows(logits, np.empty_like(logits), 4)
    for row in range(33):
        alone = score_rows(logits[row : row + 1].copy(), np.empty((1, vocab_size), np.float32), 4)
        assert alone == RowScores([together.best_ids[row]], [together.best_log_probs[row]], [together.candidates[row]])


@pytest.mark.parametrize("vocab_size", [3, 64, 137, 640, 1000])
@pytest.mark.parametrize("beam_size", [2, 4, 16])
def test_candidates_hold_the_best(vocab_size: int, beam_size: int) -> None:
    """Coarse logits make many ties, and the tail beyond the last whole block must be looked at too."""
    logits = np.random.default_rng(2).integers(-9, 9, size=(7, vocab_size)).astype(np.float32)
    logits[:, vocab_size - 1] = 10
    suppress(logits, np.array([1]))
    scores = score_rows(logits, np.empty_like(logits), beam_size)
    for row, candidates in enumerate(scores.candidates):
        order = sorted(range(vocab_size), key=lambda token: (-logits[row, token], token))
        best = [token for token in order if token != 1][: 2 * beam_size]
        found = dict(candidates)
        assert set(best) <= set(found)
        assert 1 not in found
        exact = logits[row].astype(np.float64)
        exact -= np.log(np.exp(exact).sum())
        assert [found[token] for token in best] == pytest.approx(exact[best].tolist(), abs=1e-5)
        assert scores.best_ids[row] == best[0]
