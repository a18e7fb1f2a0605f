"""One step after another, taken by hand at times of our own: who joins, who leaves, and when."""

from concurrent.futures import CancelledError, Future
from dataclasses import replace

import pytest

from server.bundle import Bundle
from server.engine import worker as worker_module
from server.engine.runtime import Runtime
from server.engine.scheduler import Scheduler
from server.engine.stats import StepTrace
from server.engine.types import EngineSettings, SearchOptions, SentenceResult
from server.engine.worker import Worker
from server.errors import (
    DeadlineExceededError,
)
from tests.server.engine.toy import EOS, write_toy_bundle

SETTINGS = EngineSettings(num_threads=1, max_rows=12, max_batch_tokens=512, max_queue_tokens=4000)


GREEDY = SearchOptions()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return write_toy_bundle(tmp_path_factory.mktemp("toy") / "bundle")


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


class ByHand:
    """An engine without threads, its steps taken one by one at times that a test sets."""

    def __init__(self, bundle: Bundle, settings: EngineSettings, clock: Clock) -> None:
        self.traces: list[StepTrace] = []
        self.scheduler = Scheduler(bundle.manifest.dimensions, settings, 1, clock.monotonic)
        runtime = Runtime.load(bundle, settings.device)
        self.worker = Worker(0, runtime, bundle.manifest, self.scheduler, settings.max_rows, self.traces.append)

    def submit(
        self, source: tuple[int, ...], options: SearchOptions, deadline: float | None = None
    ) -> Future[SentenceResult]:
        return self.scheduler.submit(source, options, deadline)

    def step(self) -> StepTrace | None:
        """What the next step did; None if there was nothing to do."""
        before = len(self.traces)
        self.worker.step()
        return self.traces[-1] if len(self.traces) > before else None

    def step_until(self, future: Future[SentenceResult]) -> None:
        while not future.done():
            assert self.step() is not None


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the scheduler and of the worker."""
    clock = Clock()
    monkeypatch.setattr(worker_module, "time", clock)
    return clock


def test_a_short_sentence_overtakes_a_long_one(bundle: Bundle, clock: Clock) -> None:
    engine = ByHand(bundle, SETTINGS, clock)
    slow = engine.submit((5, 6, 7, EOS), SearchOptions(beam_size=2, num_hypotheses=2, max_target_length=200))
    first = engine.step()
    assert first is not None
    assert (first.rows, first.joined) == (2, 1)
    # An encoder call costs some time from here on, so a newcomer is held back until it has waited as long.
    engine.worker._least_call_s = 0.5
    quick = engine.submit((8, 9, EOS), SearchOptions(max_target_length=2))
    second = engine.step()
    assert second is not None
    assert (second.rows, second.joined) == (2, 0), "no time has passed"
    clock.now += 1.0
    third = engine.step()
    assert third is not None
    assert (third.rows, third.joined) == (3, 1), "it joined the running batch"
    engine.step_until(quick)
    assert not slow.done()
    engine.step_until(slow)
    assert engine.worker.counters.joined_running == 1
    assert [trace.step for trace in engine.traces] == list(range(len(engine.traces)))


def test_cancelling_frees_the_rows_at_the_next_step(bundle: Bundle, clock: Clock) -> None:
    engine = ByHand(bundle, SETTINGS, clock)
    endless = SearchOptions(beam_size=4, num_hypotheses=4, max_target_length=200)
    cancelled, kept = engine.submit((5, 6, EOS), endless), engine.submit((5, 7, EOS), endless)
    engine.step()
    assert engine.worker.rows_in_use == 8
    assert cancelled.cancel()
    after = engine.step()
    assert after is not None
    assert (after.rows, after.left) == (4, 1)
    assert not kept.done()
    engine.step_until(kept)
    assert len(kept.result(0).hypotheses) == 4
    with pytest.raises(CancelledError):
        cancelled.result(0)
    assert engine.worker.counters.cancelled == 1


def test_a_deadline_ends_a_running_and_a_waiting_sentence(bundle: Bundle, clock: Clock) -> None:
    engine = ByHand(bundle, replace(SETTINGS, max_rows=2), clock)
    soon, long = clock.now + 5.0, SearchOptions(2, 2, max_target_length=200)
    runs = engine.submit((5, 6, EOS), long, deadline=soon)
    waits = engine.submit((5, 6, EOS), long, deadline=soon)
    engine.step()
    assert (engine.worker.rows_in_use, engine.scheduler.counts().waiting_sentences) == (2, 1)
    clock.now = soon
    assert engine.step() is None, "nothing is left to do"
    for future in (runs, waits):
        with pytest.raises(DeadlineExceededError):
            future.result(0)
    assert (engine.worker.counters.expired, engine.scheduler.counts().expired) == (1, 1)
    after = engine.submit((5, 6, EOS), GREEDY)
    engine.step_until(after)
    assert after.result(0).hypotheses, "the rows are free again"
