"""One engine thread: its rows, its running sentences, and the loop that advances them.

Wires scheduler, slots, search and runtime together; each `step` admits, decodes, selects and publishes. Must not know
tensors' names or how a search chooses.
"""

import math
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.bundle import Manifest
from server.engine.job import Job
from server.engine.runtime import Runtime
from server.engine.scheduler import Scheduler
from server.engine.scores import normalise, ranges_of, suppress
from server.engine.search import Search, Turn, advance_all, build_search
from server.engine.slots import Lease, Slots
from server.engine.stats import QUEUE_WAIT_BOUNDS_S, StepTrace, WorkerCounters
from server.engine.types import SentenceResult
from server.errors import DeadlineExceededError, FerryError

# Memory that only long sentences needed is given back after so many steps, or so long a rest, without any: growing
# again costs a copy of all rows, fresh pages and new bindings. Given back whenever no row was left, it had cost a
# fifth of the time of 64 sentences at once, and a copy for every long sentence that came by itself (measured).
SHRINK_EVERY = 256
REST_S = 1.0


@dataclass(eq=False)
class _Running:
    """A sentence that holds rows."""

    job: Job
    search: Search
    lease: Lease
    admitted: float
    first_step: int


class Worker:
    """The loop of one engine thread. Only that thread calls its methods, except `abort` and the properties.

    `index` is its number among the threads, `max_rows` the rows it has; `on_step` is told of every decode step.
    """

    def __init__(
        self,
        index: int,
        runtime: Runtime,
        manifest: Manifest,
        scheduler: Scheduler,
        max_rows: int,
        on_step: Callable[[StepTrace], None] | None,
    ) -> None:
        self.counters = WorkerCounters()
        self._index = index
        self._runtime = runtime
        self._dimensions = manifest.dimensions
        self._special_ids = manifest.special_ids
        self._suppressed = ranges_of(manifest.suppressed_ids)
        self._gives_logits = manifest.decoder_output == "logits"
        self._scheduler = scheduler
        self._on_step = on_step
        self._slots = Slots(manifest, max_rows)
        self._bound_generation = self._slots.generation
        self._decode_step = runtime.bind_step(self._slots.inputs(), self._slots.outputs())
        self._joining: list[Job] = []
        self._running: list[_Running] = []
        self._aborted = threading.Event()
        self._least_call_s = 0.0  # of the encoder calls lately

    @property
    def rows_in_use(self) -> int:
        """Rows that sentences hold now."""
        return self._slots.num_rows

    @property
    def cache_bytes(self) -> int:
        """Bytes allocated for rows."""
        return self._slots.num_bytes

    @property
    def max_cache_bytes(self) -> int:
        """Bytes that it may come to, with the longest sentences."""
        return self._slots.max_bytes

    def abort(self) -> None:
        """Ask the loop to end before its next step and fail what it holds."""
        self._aborted.set()

    def run(self) -> None:
        """Work until the scheduler has stopped and everything taken is answered, or until aborted.

        After it returns or raises, `fail_all` answers what is left.
        """
        while (self._running or self._wait()) and not self._aborted.is_set():
            self.step()
            if self.counters.steps % SHRINK_EVERY == 0:
                self._slots.shrink()

    def fail_all(self, error: FerryError) -> None:
        """Answer every sentence this thread holds with `error`."""
        for job in self._joining + [running.job for running in self._running]:
            self.counters.failed += job.fail(error)
        self._joining, self._running = [], []

    def step(self) -> None:
        """Advance every running sentence by one id, newcomers included."""
        left = self._drop_departed()
        joined = self._admit()
        if not self._running:
            return
        rows = self._slots.num_rows
        started = time.monotonic()
        self._decode()
        left += self._select()
        self.counters.decode_s += time.monotonic() - started
        if self._on_step is not None:
            self._on_step(StepTrace(self._index, self.counters.steps, rows, joined, left))
        self.counters.steps += 1
        self.counters.row_steps += rows
        self.counters.peak_rows = max(self.counters.peak_rows, rows)

    def _wait(self) -> bool:
        """Sleep until a sentence waits; False if none will come any more."""
        if self._scheduler.wait(self._index, REST_S):
            return True
        for _ in range(2):  # what was needed until now is not needed any more
            self._slots.shrink()
        return self._scheduler.wait(self._index)

    def _drop_departed(self) -> int:
        """Free the rows of cancelled and expired sentences; how many there were."""
        now = time.monotonic()
        departed = [
            running
            for running in self._running
            if running.job.future.cancelled() or (running.job.deadline is not None and running.job.deadline <= now)
        ]
        for running in departed:
            self._leave(running, done=False)
            expired = running.job.fail(
                DeadlineExceededError("the deadline passed during translation; allow more time or shorten the text")
            )
            self.counters.expired += expired
            self.counters.cancelled += not expired
        return len(departed)

    def _admit(self) -> int:
        """Encode newcomers together and give them rows; how many there were."""
        background = sum(each.job.num_rows for each in self._running if each.job.caller.background)
        self._joining = self._scheduler.take(self._index, self._slots.num_rows, background, self._least_call_s)
        if not self._joining:
            return 0
        if self._running:
            self.counters.joined_running += len(self._joining)
        taken = time.monotonic()
        for job in self._joining:
            self.counters.queue_wait_s += taken - job.submitted
            self.counters.queue_waits[bisect_left(QUEUE_WAIT_BOUNDS_S, taken - job.submitted)] += 1
        cross = self._encode([job.source_ids for job in self._joining])
        now = time.monotonic()
        self.counters.encode_s += now - taken
        # It drifts up, or one lucky call would count for ever.
        self._least_call_s = min(now - taken, 1.02 * self._least_call_s or math.inf)
        newcomers = [self._start(job, cross, i, now) for i, job in enumerate(self._joining)]
        self._running += newcomers
        self._joining = []
        return len(newcomers)

    def _start(self, job: Job, cross: Sequence[NDArray[Any]], index: int, now: float) -> _Running:
        """Give rows to `job`, whose source is number `index` of the encoded ones."""
        lease = self._slots.add(cross, index, len(job.source_ids), job.num_rows, self._special_ids.bos)
        return _Running(job, build_search(job.options, self._special_ids.eos), lease, now, self.counters.steps)

    def _encode(self, sources: Sequence[Sequence[int]]) -> list[NDArray[Any]]:
        """Cross keys and values [B, H, S, E] of `sources`, padded to a common multiple."""
        multiple = self._dimensions.source_multiple
        longest = -(-max(len(source) for source in sources) // multiple) * multiple
        input_ids = np.full((len(sources), longest), self._special_ids.pad, np.int64)
        attention_mask = np.zeros((len(sources), longest), np.int64)
        for i, source in enumerate(sources):
            input_ids[i, : len(source)] = source
            attention_mask[i, : len(source)] = 1
        self.counters.encoder_calls += 1
        self.counters.encoded_ids += sum(len(source) for source in sources)
        self.counters.padded_ids += input_ids.size
        return self._runtime.encode(input_ids, attention_mask)

    def _decode(self) -> None:
        """Run the decoder once for all rows; what it gives is in the slots."""
        self._slots.prepare_step()
        if self._bound_generation != self._slots.generation:
            self._decode_step = self._runtime.bind_step(self._slots.inputs(), self._slots.outputs())
            self._bound_generation = self._slots.generation
        self._decode_step.run(self._slots.num_rows)

    def _select(self) -> int:
        """Let every sentence choose how it goes on, and publish those that have ended; how many there were."""
        log_probs = self._slots.next_scores
        if self._gives_logits:
            normalise(log_probs)
        suppress(log_probs, self._suppressed)
        turns = [Turn(each.search, each.lease.rows, self._attention(each)) for each in self._running]
        next_ids, moves, ended = advance_all(log_probs, turns)
        self._slots.advance(next_ids)
        self._slots.reorder([row for row, _ in moves], [parent for _, parent in moves])
        for running, error in [(self._running[number], error) for number, error in ended]:
            self._leave(running, done=error is None)
            self._publish(running.job, error or self._build_result(running))
        return len(ended)

    def _attention(self, running: _Running) -> NDArray[np.float32] | None:
        wanted = running.job.options.align and self._slots.tells_attention
        return self._slots.attention(running.lease.rows) if wanted else None

    def _leave(self, running: _Running, done: bool) -> None:
        self._scheduler.left(running.job, done)
        self._slots.release(running.lease)
        self._running.remove(running)

    def _publish(self, job: Job, outcome: SentenceResult | FerryError) -> None:
        if isinstance(outcome, FerryError):
            self.counters.failed += job.fail(outcome)
        elif job.answer(outcome):
            best = outcome.hypotheses[0]
            self.counters.finished += 1
            self.counters.target_ids += len(best.ids) + best.complete
        else:
            self.counters.cancelled += 1

    def _build_result(self, running: _Running) -> SentenceResult:
        return SentenceResult(
            hypotheses=running.search.hypotheses(),
            queued_s=running.admitted - running.job.submitted,
            running_s=time.monotonic() - running.admitted,
            num_steps=self.counters.steps - running.first_step + 1,
        )
