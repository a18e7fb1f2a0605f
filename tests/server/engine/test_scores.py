"""Scores against plain float64 and full sorting, and a sentence's independence of its batch mates."""

import numpy as np
import pytest

from server.engine.scores import best_ids, normalise, ranges_of, rank_candidates, suppress


def random_logits(num_rows: int, vocab_size: int) -> np.ndarray:
    return (np.random.default_rng(1).normal(size=(num_rows, vocab_size)) * 4).astype(np.float32)


@pytest.mark.parametrize("vocab_size", [5, 64, 137, 1000, 8001])
def test_a_row_does_not_depend_on_the_others(vocab_size: int) -> None:
    """Bit for bit: the promise of the same answer hangs on it."""
    logits = random_logits(33, vocab_size)
    together = logits.copy()
    normalise(together)
    ids, scores = best_ids(together)
    for row in range(33):
        alone = logits[row : row + 1].copy()
        normalise(alone)
        np.testing.assert_array_equal(alone[0], together[row])
        assert best_ids(alone) == ([ids[row]], [scores[row]])


@pytest.mark.parametrize("vocab_size", [5, 137, 8001])
def test_a_sentence_does_not_depend_on_the_others(vocab_size: int) -> None:
    log_probs = random_logits(36, vocab_size)
    normalise(log_probs)
    rng = np.random.default_rng(2)
    rows, sums = rng.permutation(36).reshape(9, 4), -rng.random((9, 4)) * 5
    together = rank_candidates(log_probs, rows, sums)
    for i in range(9):
        assert rank_candidates(log_probs[rows[i]], np.arange(4)[None], sums[i : i + 1]) == [together[i]]


def test_log_probabilities() -> None:
    logits = random_logits(7, 137)
    exact = logits.astype(np.float64)
    exact -= np.log(np.exp(exact).sum(1, keepdims=True))
    normalise(logits)
    np.testing.assert_allclose(logits, exact, atol=1e-5)


@pytest.mark.parametrize("vocab_size", [3, 31, 32, 33, 137, 640, 1000])
@pytest.mark.parametrize("num_beams", [2, 4, 16])
def test_candidates_are_the_best(vocab_size: int, num_beams: int) -> None:
    """Coarse numbers make many ties, and the tail beyond the last whole block must be looked at too."""
    rng = np.random.default_rng(3)
    log_probs = rng.integers(-9, 0, size=(3 * num_beams + 1, vocab_size)).astype(np.float32)
    log_probs[:, vocab_size - 1] = -0.5
    suppress(log_probs, ranges_of([1]))
    rows = rng.permutation(3 * num_beams).reshape(3, num_beams)
    sums = rng.integers(-3, 0, size=(3, num_beams)).astype(np.float64)
    sums[1, 1:] = -np.inf  # at its first step a sentence has one beam
    for sentence, found in enumerate(rank_candidates(log_probs, rows, sums)):
        expected = [
            (sums[sentence, beam] + log_probs[rows[sentence, beam], token], beam, token)
            for beam in range(num_beams)
            for token in range(vocab_size)
            if token != 1 and np.isfinite(sums[sentence, beam])
        ]
        expected.sort(key=lambda candidate: (-candidate[0], candidate[1], candidate[2]))
        assert found == expected[: 2 * num_beams]


def test_ranges() -> None:
    assert ranges_of([4, 0, 2, 5, 1, 1]) == [slice(0, 3), slice(4, 6)]
    assert ranges_of([]) == []


@pytest.mark.parametrize("place", [0, 299])
def test_a_number_that_is_none_spoils_its_own_sentence_only(place: int) -> None:
    log_probs = random_logits(6, 300)
    log_probs[3, place] = np.nan
    ranked = rank_candidates(log_probs, np.array([[0, 1], [2, 3], [4, 5]]), np.zeros((3, 2)))
    assert [len(candidates) for candidates in ranked] == [4, 0, 4]
