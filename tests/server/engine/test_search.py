"""Search against brute force over all sequences of a tiny vocabulary."""

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from server.engine.scores import best_ids, normalise, ranges_of, rank_candidates, suppress
from server.engine.search import BeamSearch, Continuation, GreedySearch, Search, build_search
from server.engine.types import Hypothesis, SearchOptions
from server.errors import FerryError

EOS = 2
VOCAB_SIZE = 4
LIMIT = 4
ALL_SEQUENCES = 200  # more beams than there are beginnings: nothing is ever pruned

Model = Callable[[tuple[int, ...]], NDArray[np.float32]]


def make_model(seed: int, vocab_size: int = VOCAB_SIZE) -> Model:
    """Logits [V] that depend on the whole prefix."""

    def logits(prefix: tuple[int, ...]) -> NDArray[np.float32]:
        return np.random.default_rng([seed, *prefix]).normal(size=vocab_size).astype(np.float32) * 2

    return logits


def advance(search: Search, logits: NDArray[np.float32], rows: list[int]) -> Continuation | None:
    """One step of `search`, whose beams are `rows` of `logits` [R, V], as the engine makes it."""
    log_probs = logits.copy()
    normalise(log_probs)
    if isinstance(search, BeamSearch):
        return search.advance(rank_candidates(log_probs, np.array([rows]), np.array([search.sums]))[0])
    tokens, scores = best_ids(log_probs)
    goes_on = search.advance(tokens[rows[0]], scores[rows[0]])
    return Continuation([tokens[rows[0]]], [0]) if goes_on else None


def run_search(search: Search, model: Model, beam_size: int, suppressed: tuple[int, ...] = ()) -> int:
    """Drive `search` to its end over rows in scattered places, as the engine does; returns the number of steps."""
    rows = list(range(2 * beam_size, 0, -2))  # not contiguous, not ascending
    prefixes: dict[int, tuple[int, ...]] = dict.fromkeys(rows, ())
    for step in itertools.count(1):
        logits = np.stack([model(prefixes.get(row, (9, 9))) for row in range(2 * beam_size + 1)])
        suppress(logits, ranges_of(suppressed))
        continuation = advance(search, logits, rows)
        if continuation is None:
            return step
        old = dict(prefixes)
        for row, parent, token in zip(rows, continuation.parents, continuation.ids, strict=True):
            prefixes[row] = (*old[rows[parent]], token)
    raise AssertionError


def enumerate_complete(model: Model, length_penalty: float) -> list[tuple[float, float, tuple[int, ...]]]:
    """Every complete sequence up to LIMIT as (score, sum_logprob, ids without EOS), best first."""
    found = []
    others = [token for token in range(VOCAB_SIZE) if token != EOS]
    for length in range(LIMIT):
        for ids in itertools.product(others, repeat=length):
            total = 0.0
            for i, token in enumerate((*ids, EOS)):
                logits = model(ids[:i]).astype(np.float64)
                total += float(logits[token] - np.log(np.exp(logits).sum()))
            found.append((total / (length + 1) ** length_penalty, total, ids))
    return sorted(found, reverse=True)


def assert_same(hypotheses: tuple[Hypothesis, ...], expected: list[tuple[float, float, tuple[int, ...]]]) -> None:
    assert [h.ids for h in hypotheses] == [ids for _, _, ids in expected]
    assert [h.score for h in hypotheses] == pytest.approx([score for score, _, _ in expected], abs=1e-5)
    assert [h.sum_logprob for h in hypotheses] == pytest.approx([total for _, total, _ in expected], abs=1e-5)


@pytest.mark.parametrize("length_penalty", [0.0, 0.6, 1.0, 2.0])
@pytest.mark.parametrize("seed", range(5))
def test_unpruned_beam_finds_the_best_of_all_sequences(seed: int, length_penalty: float) -> None:
    model = make_model(seed)
    expected = enumerate_complete(model, length_penalty)
    for wanted in (1, 3, len(expected)):  # with 1 and 3 the search stops early, and must lose nothing by it
        search = build_search(SearchOptions(ALL_SEQUENCES, wanted, length_penalty, LIMIT), EOS)
        run_search(search, model, ALL_SEQUENCES)
        assert_same(search.hypotheses(), expected[:wanted])


@pytest.mark.parametrize("seed", range(10))
def test_beam_of_one_is_greedy(seed: int) -> None:
    model = make_model(seed, vocab_size=30)
    options = SearchOptions(beam_size=1, max_target_length=25)
    greedy, beam = GreedySearch(options, EOS), BeamSearch(options, EOS)
    assert run_search(greedy, model, 1) == _run_beam_of_one(beam, model)
    [one], [other] = greedy.hypotheses(), beam.hypotheses()
    assert (one.ids, one.complete) == (other.ids, other.complete)
    assert one.score == pytest.approx(other.score, abs=1e-5)


def _run_beam_of_one(search: BeamSearch, model: Model) -> int:
    prefix: tuple[int, ...] = ()
    for step in itertools.count(1):
        logits = np.stack([model(prefix), model((9, 9))])
        continuation = advance(search, logits, [0])
        if continuation is None:
            return step
        prefix += tuple(continuation.ids)
    raise AssertionError


@pytest.mark.parametrize("length_penalty", [0.0, 1.0])
def test_n_best_is_sorted_and_within_the_limit(length_penalty: float) -> None:
    for seed in range(10):
        search = build_search(SearchOptions(6, 6, length_penalty, 7), EOS)
        assert run_search(search, make_model(seed, vocab_size=12), 6) <= 7
        hypotheses = search.hypotheses()
        assert len(hypotheses) == 6
        assert len({h.ids for h in hypotheses}) == 6
        for complete in (True, False):
            scores = [h.score for h in hypotheses if h.complete == complete]
            assert scores == sorted(scores, reverse=True)
        assert [h.complete for h in hypotheses] == sorted((h.complete for h in hypotheses), reverse=True)
        for h in hypotheses:
            length = len(h.ids) + h.complete
            assert length <= 7
            assert EOS not in h.ids
            assert h.score == h.sum_logprob / math.pow(length, length_penalty)


@pytest.mark.parametrize("beam_size", [1, 3])
def test_a_cut_sentence_returns_what_it_has(beam_size: int) -> None:
    """Guards against an empty list where the limit comes before any EOS."""

    def never_ends(prefix: tuple[int, ...]) -> NDArray[np.float32]:
        logits = make_model(1)(prefix)
        logits[EOS] = -50
        return logits

    search = build_search(SearchOptions(beam_size, beam_size, max_target_length=5), EOS)
    run_search(search, never_ends, beam_size)
    hypotheses = search.hypotheses()
    assert len(hypotheses) == beam_size
    assert all(len(h.ids) == 5 and not h.complete for h in hypotheses)


def test_beam_stops_when_no_live_hypothesis_can_win() -> None:
    """EOS is nearly certain at once, so there is no reason to go on to the limit."""

    def ends_at_once(prefix: tuple[int, ...]) -> NDArray[np.float32]:
        logits = make_model(1)(prefix)
        logits[EOS] = 20
        return logits

    search = build_search(SearchOptions(beam_size=4, length_penalty=0.0, max_target_length=100), EOS)
    assert run_search(search, ends_at_once, 4) == 1
    assert search.hypotheses()[0].ids == ()


def test_what_goes_on_stays_in_its_row() -> None:
    """Guards against copying caches only because beams have changed their ranks."""
    search = BeamSearch(SearchOptions(beam_size=4, max_target_length=9), EOS)
    assert search.advance([(-1.0 - i, 0, 10 + i) for i in range(4)]) is not None
    ranked = [(-2.0, 3, 20), (-2.1, 1, 21), (-2.2, 3, 22), (-2.3, 0, 23)]
    continuation = search.advance(ranked)
    assert continuation == Continuation(ids=[23, 21, 22, 20], parents=[0, 1, 3, 3])
    assert search.sums == [-2.3, -2.1, -2.2, -2.0]


@pytest.mark.parametrize("beam_size", [1, 5])
def test_suppressed_ids_never_appear(beam_size: int) -> None:
    for seed in range(5):
        search = build_search(SearchOptions(beam_size, beam_size, max_target_length=6), EOS)
        run_search(search, make_model(seed), beam_size, suppressed=(0, 3))
        assert {token for h in search.hypotheses() for token in h.ids} <= {1}


@pytest.mark.parametrize("beam_size", [1, 3])
def test_ties_go_to_the_lowest_ids(beam_size: int) -> None:
    search = build_search(SearchOptions(beam_size, beam_size, max_target_length=2), EOS)
    run_search(search, lambda prefix: np.zeros(3, np.float32), beam_size)
    # All continuations weigh the same; EOS is 2, so of nine equal ones the beams of 0 come first.
    expected = {1: [(0, 0)], 3: [(), (0,), (0, 0)]}[beam_size]
    assert [h.ids for h in search.hypotheses()] == expected


@pytest.mark.parametrize("spoiled", [np.nan, np.inf])
@pytest.mark.parametrize("beam_size", [1, 2])
def test_logits_that_are_no_numbers_fail_their_own_sentence_only(spoiled: float, beam_size: int) -> None:
    logits = np.random.default_rng(0).normal(size=(4, 200)).astype(np.float32)
    logits[1, 77] = spoiled
    options = SearchOptions(beam_size, max_target_length=9)
    with pytest.raises(FerryError, match="not finite"):
        advance(build_search(options, EOS), logits, [1, 0][:beam_size])
    assert advance(build_search(options, EOS), logits, [2, 3][:beam_size]) is not None


def test_a_row_of_nothing_but_suppressed_ids_fails() -> None:
    logits = np.full((1, VOCAB_SIZE), -np.inf, np.float32)
    with pytest.raises(FerryError, match="not finite"):
        advance(build_search(SearchOptions(max_target_length=9), EOS), logits, [0])
