"""How much of what was answered is kept."""

import gc
import random
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.engine.types import Hypothesis, SearchOptions, SentenceResult
from server.models.results import Key, SentenceCache, size_of


def made(seed: int, num_ids: int, num_hypotheses: int, aligned: bool) -> tuple[Key, SentenceResult]:
    """An entry of which nothing is shared with another; ids over 256 are objects of their own in CPython."""
    rng = random.Random(seed)

    def ids() -> tuple[int, ...]:
        return tuple(rng.randrange(300, 8000) for _ in range(num_ids))

    def alignment() -> Any:
        return np.stack([np.zeros(num_ids, np.float32) for _ in range(num_ids + 1)])[:num_ids] if aligned else None

    hypotheses = [Hypothesis(ids(), rng.random(), rng.random(), True, alignment()) for _ in range(num_hypotheses)]
    key = ("model", ids(), SearchOptions(beam_size=4))
    return key, SentenceResult(tuple(hypotheses), rng.random(), rng.random(), num_ids)


@pytest.mark.parametrize("num_ids", [2, 25, 120])
@pytest.mark.parametrize("num_hypotheses", [1, 6])
@pytest.mark.parametrize("aligned", [False, True])
def test_the_estimate_is_near_what_is_allocated(num_ids: int, num_hypotheses: int, aligned: bool) -> None:
    cache = SentenceCache(1 << 40)
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for seed in range(60):
            cache.put(*made(seed, num_ids, num_hypotheses, aligned))
        gc.collect()
        allocated = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert allocated / 2 < cache.stats().num_bytes < allocated * 2


@given(
    max_bytes=st.integers(0, 30_000),
    puts=st.lists(st.tuples(st.integers(0, 20), st.integers(1, 40), st.integers(1, 4), st.booleans()), max_size=40),
)
def test_bytes_are_never_above_the_limit(max_bytes: int, puts: list[tuple[int, int, int, bool]]) -> None:
    cache = SentenceCache(max_bytes)
    keys: set[Key] = set()
    num_new = 0
    for put in puts:
        key, result = made(*put)
        known = cache.get(key) is not None
        cache.put(key, result)
        keys.add(key)
        fits = size_of(key, result) <= max_bytes
        num_new += fits and not known
        assert (cache.get(key) is not None) is (fits or known)
        assert cache.stats().num_bytes <= max_bytes
    stats = cache.stats()
    kept = [key for key in keys if cache.get(key) is not None]
    assert stats.num_entries == len(kept) == num_new - stats.evictions


def test_what_was_asked_for_last_is_kept() -> None:
    entries = [made(seed, 10, 1, False) for seed in range(3)]
    cache = SentenceCache(2 * size_of(*entries[0]))
    for key, result in entries[:2]:
        cache.put(key, result)
    assert cache.get(entries[0][0]) is not None
    cache.put(*entries[2])
    assert [cache.get(key) is not None for key, _ in entries] == [True, False, True]
    assert cache.stats().evictions == 1
