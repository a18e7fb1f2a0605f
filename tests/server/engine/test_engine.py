"""The engine's promises: same source, same answer; nobody waits for another's last id; everyone is answered."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from server.bundle import Bundle, DecoderMixing
from server.engine.engine import Engine
from server.engine.runtime import DecodeStep, Runtime
from server.engine.stats import EngineStats, StepTrace
from server.engine.types import EngineSettings, Hypothesis, SearchOptions, SentenceResult
from server.errors import (
    BundleError,
    DeadlineExceededError,
    EngineStoppedError,
    FerryError,
    QueueFullError,
    SettingsError,
)
from tests.server.engine.toy import DIMENSIONS, EOS, Twin, golden_lines, random_sources, write_toy_bundle

SETTINGS = EngineSettings(num_threads=1, max_rows=12, max_batch_tokens=512, max_queue_tokens=4000)
GREEDY = SearchOptions()
BEAM = SearchOptions(beam_size=4, num_hypotheses=3, length_penalty=0.8)
PATIENCE_S = 120.0  # a bound for what hangs, no measure of speed


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return write_toy_bundle(tmp_path_factory.mktemp("toy") / "bundle")


@contextmanager
def running(
    bundle: Bundle,
    settings: EngineSettings = SETTINGS,
    on_failure: Callable[[BaseException], None] | None = None,
    on_step: Callable[[StepTrace], None] | None = None,
) -> Iterator[Engine]:
    engine = Engine(bundle, settings, on_failure, on_step=on_step)
    engine.start()
    try:
        yield engine
    finally:
        engine.close(0.0)


class Gate:
    """Holds an engine of one thread in its first step, so that a test decides what has happened by then."""

    def __init__(self) -> None:
        self._stepped = threading.Semaphore(0)
        self._allowed = threading.Semaphore(0)
        self._open = False

    def __call__(self, trace: StepTrace) -> None:
        self._stepped.release()
        if not self._open:
            assert self._allowed.acquire(timeout=PATIENCE_S)

    def wait_for_step(self) -> None:
        """Return when the engine has made a step and waits inside it."""
        assert self._stepped.acquire(timeout=PATIENCE_S)

    def open(self) -> None:
        self._open = True
        self._allowed.release()


def hypotheses(future: Future[SentenceResult]) -> tuple[Hypothesis, ...]:
    return future.result(PATIENCE_S).hypotheses


@pytest.mark.parametrize("mixing", ["attention", "ssru"])
def test_same_source_same_answer(tmp_path: Path, mixing: DecoderMixing) -> None:
    """Ids and scores, bit for bit: alone and among others, greedy and beam mixed, arriving at odd moments."""
    bundle = write_toy_bundle(tmp_path / "bundle", mixing)
    requests = [(source, BEAM if i % 3 == 0 else GREEDY) for i, source in enumerate(random_sources(40, 3, 60, seed=1))]
    with running(bundle, replace(SETTINGS, num_threads=1)) as engine:
        alone = [hypotheses(engine.submit(source, options)) for source, options in requests]
    for num_threads in (1, 3):
        found, stats = arriving_by_steps(bundle, replace(SETTINGS, num_threads=num_threads), requests)
        assert found == alone
        assert stats.joined_running > 0
        assert stats.peak_rows > 4
        assert stats.finished == len(requests)
        assert (stats.rows_in_use, stats.waiting_sentences, stats.waiting_ids) == (0, 0, 0)


def arriving_by_steps(
    bundle: Bundle, settings: EngineSettings, requests: list[tuple[tuple[int, ...], SearchOptions]]
) -> tuple[list[tuple[Hypothesis, ...]], EngineStats]:
    """Half of them wait at the start; one more comes with every step, so it finds others running on any machine."""
    order = random.Random(2).sample(range(len(requests)), len(requests))
    futures: dict[int, Future[SentenceResult]] = {}
    all_are_there, lock = threading.Event(), threading.Lock()

    def submit_next(_: StepTrace | None = None) -> None:
        with lock:
            if order:
                i = order.pop()
                futures[i] = engine.submit(*requests[i])
            else:
                all_are_there.set()

    engine = Engine(bundle, settings, on_step=submit_next)
    for _ in range(len(requests) // 2):
        submit_next()
    engine.start()
    try:
        assert all_are_there.wait(PATIENCE_S)
        found = [hypotheses(futures[i]) for i in range(len(requests))]
    finally:
        engine.close(0.0)
    return found, engine.stats()


@pytest.mark.parametrize("mixing", ["attention", "ssru"])
def test_greedy_is_what_the_slow_twin_says(tmp_path: Path, mixing: DecoderMixing) -> None:
    """Each answer belongs to its own source."""
    bundle = write_toy_bundle(tmp_path / "bundle", mixing)
    twin, sources = Twin(bundle), random_sources(40, 3, 60, seed=3)
    expected = [twin.greedy(source) for source in sources]
    assert len(set(expected)) == len(expected), "else mixed-up answers would not show"
    with running(bundle, replace(SETTINGS, num_threads=2)) as engine:
        futures = [engine.submit(source, GREEDY) for source in sources]
        assert [hypotheses(future)[0].ids for future in futures] == expected


@pytest.mark.parametrize("mixing", ["attention", "ssru"])
def test_beam_is_what_the_slow_twin_says(tmp_path: Path, mixing: DecoderMixing) -> None:
    """Textbook beam search from the twin's log-probabilities: each beam must go on from its own parent's cache."""
    bundle = write_toy_bundle(tmp_path / "bundle", mixing)
    twin, sources = Twin(bundle), random_sources(8, 3, 30, seed=4)
    options = SearchOptions(beam_size=3, num_hypotheses=3, max_target_length=12)
    with running(bundle) as engine:
        futures = [engine.submit(source, options) for source in sources]
        for source, future in zip(sources, futures, strict=True):
            found = hypotheses(future)
            assert [(h.ids, h.complete) for h in found] == [(ids, c) for ids, c, _ in beam_by_twin(twin, source, 3, 12)]
            for h in found:
                ids = (*h.ids, EOS) if h.complete else h.ids
                total = sum(twin.log_probs(source, ids[:i])[token] for i, token in enumerate(ids))
                assert h.sum_logprob == pytest.approx(total, abs=1e-4)


def beam_by_twin(
    twin: Twin, source: tuple[int, ...], beam_size: int, limit: int
) -> list[tuple[tuple[int, ...], bool, float]]:
    """(ids, complete, score) of as many hypotheses as beams, length penalty 1."""
    live: list[tuple[tuple[int, ...], float]] = [((), 0.0)]
    finished: list[tuple[tuple[int, ...], bool, float]] = []
    for length in range(1, limit + 1):
        candidates = []
        for ids, total in live:
            log_probs = twin.log_probs(source, ids)
            candidates += [((*ids, token), total + log_probs[token]) for token in np.argsort(-log_probs)[:20].tolist()]
        candidates.sort(key=lambda candidate: -candidate[1])
        finished += [(ids[:-1], True, s / length) for ids, s in candidates[:beam_size] if ids[-1] == EOS]
        live = [candidate for candidate in candidates if candidate[0][-1] != EOS][:beam_size]
        if len(finished) >= beam_size:
            break
    complete = sorted(finished, key=lambda hypothesis: -hypothesis[2])
    return (complete + [(ids, False, total / limit) for ids, total in live])[:beam_size]


def test_the_queue_is_bounded(bundle: Bundle) -> None:
    gate = Gate()
    with running(bundle, replace(SETTINGS, max_rows=1, max_queue_tokens=160), on_step=gate) as engine:
        try:
            futures = [engine.submit((5,) * 10, SearchOptions(max_target_length=5))]
            gate.wait_for_step()
            futures += [engine.submit((5,) * 10, SearchOptions(max_target_length=5)) for _ in range(16)]
            with pytest.raises(QueueFullError):
                engine.submit((5,), GREEDY)
            assert engine.stats().waiting_ids == 160
        finally:
            gate.open()
        assert all(hypotheses(future) for future in futures)


def test_close_finishes_within_grace(bundle: Bundle) -> None:
    engine = Engine(bundle, replace(SETTINGS, num_threads=2))
    engine.start()
    futures = [engine.submit(source, GREEDY) for source in random_sources(20, 3, 30, seed=6)]
    engine.close(PATIENCE_S)
    assert all(future.done() and future.result() for future in futures)
    with pytest.raises(EngineStoppedError, match="shutting down"):
        engine.submit((5, EOS), GREEDY)
    engine.close(0.0)


@pytest.mark.parametrize("started", [True, False])
def test_close_without_grace_answers_everyone(bundle: Bundle, started: bool) -> None:
    last_is_answered = threading.Event()
    settings = replace(SETTINGS, num_threads=2, max_rows=4)
    # No thread gets further than its first step before the queue is given up.
    engine = Engine(bundle, settings, on_step=lambda _: last_is_answered.wait(PATIENCE_S) and None)
    if started:
        engine.start()
    options = SearchOptions(beam_size=4, num_hypotheses=4, max_target_length=200)
    futures = [engine.submit(source, options) for source in random_sources(30, 3, 30, seed=7)]
    futures[-1].add_done_callback(lambda _: last_is_answered.set())
    engine.close(0.0)
    assert all(future.done() for future in futures)
    stopped = [future for future in futures if isinstance(future.exception(), EngineStoppedError)]
    assert stopped
    assert all(future.exception() is None or future in stopped for future in futures)


@pytest.mark.parametrize("where", ["encode", "decode"])
def test_a_crash_answers_everyone(bundle: Bundle, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    calls = 0

    def crash(self: object, *args: object) -> list[np.ndarray]:
        nonlocal calls
        calls += 1
        if calls <= 3:
            return cast(list[np.ndarray], original(self, *args))
        raise RuntimeError("the processor caught fire")

    owner, name = (Runtime, "encode") if where == "encode" else (DecodeStep, "run")
    original = getattr(owner, name)
    failures: list[BaseException] = []
    engine = Engine(bundle, replace(SETTINGS, num_threads=2, max_rows=4), failures.append)
    # All of them wait before anything can fail; a thread has four rows, so three calls are not enough for all.
    futures = [engine.submit(source, GREEDY) for source in random_sources(60, 3, 30, seed=8)]
    monkeypatch.setattr(owner, name, crash)
    engine.start()
    try:
        errors = [future.exception(PATIENCE_S) for future in futures]
        assert any(isinstance(error, EngineStoppedError) for error in errors)
        assert all(error is None or isinstance(error, EngineStoppedError) for error in errors)
        assert engine.failed
        with pytest.raises(EngineStoppedError, match="has failed"):
            engine.submit((5, EOS), GREEDY)
    finally:
        engine.close(0.0)
    assert [str(failure) for failure in failures] == ["the processor caught fire"]


def test_logits_that_are_no_numbers_fail_one_sentence(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """The unlucky row's memory is full of NaN afterwards; whoever gets it next must not notice."""
    sources = random_sources(6, 5, 20, seed=9)
    unlucky = (99, 98, 97, EOS)
    original = Runtime.encode

    def encode(self: Runtime, input_ids: np.ndarray, attention_mask: np.ndarray) -> list[np.ndarray]:
        cross = original(self, input_ids, attention_mask)
        for b in np.flatnonzero((input_ids[:, :4] == unlucky).all(axis=1)):
            for tensor in cross:
                tensor[b] = np.nan
        return cross

    with running(bundle, replace(SETTINGS, max_rows=4)) as engine:
        expected = [hypotheses(engine.submit(source, GREEDY)) for source in sources]
        monkeypatch.setattr(Runtime, "encode", encode)
        futures = [engine.submit(source, GREEDY) for source in [*sources[:3], unlucky, *sources[3:]]]
        error = futures.pop(3).exception(PATIENCE_S)
        assert isinstance(error, FerryError)
        assert "not finite" in str(error)
        assert [hypotheses(future) for future in futures] == expected
        assert not engine.failed
    assert engine.stats().failed == 1


def test_self_test_passes_and_lists_what_differs(bundle: Bundle) -> None:
    lines = golden_lines(bundle, 12)
    # A queue smaller than all lines together: they are fed as room appears.
    with running(bundle, replace(SETTINGS, max_queue_tokens=150)) as engine:
        engine.self_test(lines)
        lines[2] = replace(lines[2], target_ids=(4, 4))
        lines[7] = replace(lines[7], target_ids=(5,))
        with pytest.raises(BundleError) as refused:
            engine.self_test(lines)
    message = str(refused.value)
    assert "2 of 12 golden lines" in message
    assert "line 3 (de-en): expected ids [4, 4]" in message
    assert "line 8 (de-en): expected ids [5]" in message


def test_after_its_self_test_an_engine_knows_its_pace(bundle: Bundle) -> None:
    """Before, it would take what is late already, and give it up."""
    [source] = random_sources(1, 10, 10, seed=12)
    with running(bundle) as engine:
        with pytest.raises(DeadlineExceededError):
            hypotheses(engine.submit(source, GREEDY, deadline=time.monotonic()))
        engine.self_test(golden_lines(bundle, 2))
        with pytest.raises(QueueFullError):
            engine.submit(source, GREEDY, deadline=time.monotonic())
    assert engine.stats().finished == 2 + 2 * SETTINGS.max_rows


def test_without_golden_lines_the_pace_stays_unknown(bundle: Bundle) -> None:
    with running(bundle) as engine:
        engine.self_test([])
    assert engine.stats().finished == 0


def test_memory_grown_by_long_sentences_is_given_back(bundle: Bundle) -> None:
    sizes: list[int] = []
    with running(bundle, on_step=lambda trace: sizes.append(engine.stats().cache_bytes)) as engine:
        first = engine.stats().cache_bytes
        assert hypotheses(engine.submit(random_sources(1, 150, 150, seed=10)[0], GREEDY))
        assert max(sizes) > first
        end = time.monotonic() + PATIENCE_S
        while engine.stats().cache_bytes != first and time.monotonic() < end:
            time.sleep(0.001)
        assert engine.stats().cache_bytes == first


@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        ({"num_threads": -1}, "--num-threads"),
        ({"max_rows": 0}, "--max-rows"),
        ({"max_batch_tokens": 159}, "--max-batch-tokens"),
        ({"max_queue_tokens": DIMENSIONS.max_source_length - 1}, "--max-queue-tokens"),
    ],
)
def test_impossible_settings_name_their_flag(bundle: Bundle, changes: dict[str, int], flag: str) -> None:
    with pytest.raises(SettingsError, match=flag):
        Engine(bundle, replace(SETTINGS, **changes))


def test_zero_threads_is_one_per_core(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.engine.engine.count_cores", lambda: 3)
    assert Engine(bundle, replace(SETTINGS, num_threads=0)).stats().num_threads == 3
