"""A stand-in for the engine whose answers depend on its input, so that mixed-up answers show."""

import dataclasses
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

from server.bundle import GoldenLine
from server.engine.stats import QUEUE_WAIT_BOUNDS_S, EngineStats
from server.engine.types import ANYBODY, Caller, Hypothesis, SearchOptions, SentenceResult
from server.errors import FerryError, QueueFullError

EN, DE = 4, 5  # ids of <2en> and <2de>, which the tokenizer fixture has


class FakeEngine:
    """Into English it copies the ids, into German it reverses them; the k-th hypothesis lacks the last k ids.

    With `hold` it answers only on `release`; with `capacity` it refuses more than so many unanswered sentences.
    """

    def __init__(self, hold: bool = False, capacity: int | None = None, refusal: FerryError | None = None) -> None:
        self.hold, self.capacity, self.refusal = hold, capacity, refusal
        self.failed = False
        self.sources: list[tuple[int, ...]] = []
        self.options: list[SearchOptions] = []
        self.deadlines: list[float | None] = []
        self.callers: list[Caller] = []
        self.futures: list[Future[SentenceResult]] = []
        self.num_waiting = self.most_waiting = 0
        self.wait_s: float | None = None

    def submit(
        self,
        source_ids: Sequence[int],
        options: SearchOptions,
        *,
        deadline: float | None = None,
        caller: Caller = ANYBODY,
    ) -> Future[SentenceResult]:
        if self.refusal is not None:
            raise self.refusal
        if self.capacity is not None and self.num_waiting >= self.capacity:
            raise QueueFullError("the queue is full", retry_after_s=2.5)
        self.sources.append(tuple(source_ids))
        self.options.append(options)
        self.deadlines.append(deadline)
        self.callers.append(caller)
        future: Future[SentenceResult] = Future()
        self.futures.append(future)
        self.num_waiting += 1
        future.add_done_callback(self._count_done)
        self.most_waiting = max(self.most_waiting, self.num_waiting)
        if not self.hold:
            future.set_result(translated(source_ids, options))
        return future

    def foretell(self, caller: str) -> float | None:
        return self.wait_s

    def _count_done(self, future: Future[SentenceResult]) -> None:
        self.num_waiting -= 1

    def release(self) -> None:
        """Answer everything that waits."""
        for source_ids, options, future in zip(self.sources, self.options, self.futures, strict=True):
            if not future.done():
                future.set_result(translated(source_ids, options))

    def self_test(self, golden_lines: Sequence[GoldenLine]) -> None:
        pass

    def stats(self) -> EngineStats:
        numbers: dict[str, Any] = {field.name: i for i, field in enumerate(dataclasses.fields(EngineStats), 1)}
        waits = tuple(range(len(QUEUE_WAIT_BOUNDS_S) + 1))
        return EngineStats(**{**numbers, "waiting_sentences": self.num_waiting, "queue_waits": waits})

    def close(self, grace_s: float) -> None:
        pass


def translated(source_ids: Sequence[int], options: SearchOptions) -> SentenceResult:
    """What the fake answers."""
    prefix, *ids, _ = source_ids
    target = tuple(reversed(ids)) if prefix == DE else tuple(ids)
    hypotheses = [
        Hypothesis(target[: len(target) - k], -0.1 * len(target) - k, -1.0 * len(target), complete=len(target) < 50)
        for k in range(min(options.num_hypotheses, len(target)))
    ]
    return SentenceResult(tuple(hypotheses), 0.0, 0.0, len(target))
