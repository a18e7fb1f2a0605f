"""Who joins next: the choice from the queue that all engine threads share. Pure Python; knows no tensors and no search.

Callers share the engine fairly; each one's sentences keep their order. The head of the queue is always among the
newcomers; behind it, sentences of like length are encoded along, and the others wait for the next step.

An encoder call has a cost of its own, however few sentences it is for, and all that runs waits for it. So newcomers are
held back, for others to come along, until together they have lost as much time as the call would cost those that run:
none has to wait for long, and under load the calls are few and large.
"""

import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from server.bundle import Dimensions
from server.engine.job import Job, resolve_options
from server.engine.queueing import WaitingLine
from server.engine.types import ANYBODY, Caller, EngineSettings, SearchOptions, SentenceResult
from server.errors import DeadlineExceededError, EngineStoppedError, FerryError

# Padded source ids one thread encodes at a time while its rows run: some 20 ms for six layers of d=256 (measured: 29 ms
# for 800 ids), so that running sentences are held up by a few steps at most. With no row running, the whole
# max_batch_tokens may be used.
RUNNING_ENCODE_TOKENS = 512
# How many waiting sentences are looked at for newcomers; a bound on the time the lock is held.
MAX_LOOKED_AT = 256
# The background may hold 1/2 of a thread's rows, so that others find some free.
BACKGROUND_ROWS_DIVISOR = 2


@dataclass(frozen=True)
class QueueCounts:
    """Sentences and source ids that wait now; sentences cancelled and expired while they waited, so far."""

    waiting_sentences: int
    waiting_ids: int
    cancelled: int
    expired: int


@dataclass
class _Held:
    """How long a thread's possible newcomers have been held back: at `asked` they were `count`."""

    asked: float = 0.0
    count: int = 0
    sentence_s: float = 0.0


class Scheduler:
    """A thread-safe queue, counted in source ids, and the choice of who joins which thread.

    `num_threads` engine threads take from it; `clock` tells seconds, and another one makes tests exact.
    """

    def __init__(
        self,
        dimensions: Dimensions,
        settings: EngineSettings,
        num_threads: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._dimensions = dimensions
        self._settings = settings
        self._clock = clock
        self._changed = threading.Condition()
        self._line = WaitingLine(settings.max_queue_tokens, clock)
        self._running_rows = [0] * num_threads
        self._held = [_Held() for _ in range(num_threads)]
        self._stop_reason: str | None = None
        self._cancelled = 0
        self._expired = 0

    def submit(
        self,
        source_ids: tuple[int, ...],
        options: SearchOptions,
        deadline: float | None,
        caller: Caller = ANYBODY,
    ) -> Future[SentenceResult]:
        """Queue a sentence.

        Args:
            source_ids: prefix and EOS included.
            options: as the caller gave them.
            deadline: in seconds of the clock; None waits for ever.
            caller: whose share of the engine it takes.

        Raises:
            InvalidRequestError: the request does not fit the model or the engine.
            QueueFullError: the queue has no room for it now.
            EngineStoppedError: the engine takes no more work.
        """
        options = resolve_options(source_ids, options, self._dimensions, self._settings)
        job = Job(source_ids, options, deadline, self._clock(), Future(), caller)
        with self._changed:
            if self._stop_reason is not None:
                raise EngineStoppedError(self._stop_reason)
            ticket = self._line.enter(job)
            self._changed.notify_all()
        job.future.add_done_callback(lambda future: self._forget(ticket) if future.cancelled() else None)
        return job.future

    def wait(self, thread: int, timeout_s: float | None = None) -> bool:
        """Sleep until a sentence waits; `thread` has no row running.

        Returns False if none does: none will come any more, or none came within `timeout_s` (None waits as long as it
        takes).
        """
        with self._changed:
            self._running_rows[thread] = 0
            self._changed.wait_for(lambda: len(self._line) or self._stop_reason is not None, timeout_s)
            return bool(len(self._line))

    def take(self, thread: int, rows_in_use: int, background_rows: int = 0, call_s: float = 0.0) -> list[Job]:
        """The newcomers of engine thread `thread`, to be encoded together; often none.

        Also fails what has waited past its deadline.

        Args:
            thread: from 0.
            rows_in_use: rows of the thread that are taken.
            background_rows: those of them that callers in the background hold.
            call_s: what an encoder call takes at least, however few it is for.
        """
        with self._changed:
            expired = self._line.pop_expired()
            self._expired += len(expired)
            newcomers = self._choose(thread, rows_in_use, background_rows)
            if self._is_too_soon(thread, len(newcomers), rows_in_use * call_s):
                newcomers = []
            jobs = [self._line.take(ticket) for ticket in newcomers]
            self._running_rows[thread] = rows_in_use + sum(job.num_rows for job in jobs)
        for job in expired:
            job.fail(DeadlineExceededError("the deadline passed while the sentence waited; allow more time or retry"))
        return jobs

    def left(self, job: Job, done: bool) -> None:
        """A job that was taken holds no rows any more; `done` if that is because it is translated."""
        with self._changed:
            self._line.count_done(job, done)

    def foretell(self, caller: Caller) -> float | None:
        """Seconds until what goes before a sentence of `caller` is done, as if it came now; None if that is not known.

        The queue is looked through only now and then: this is asked for when there is no time.
        """
        with self._changed:
            return self._line.foretell(caller)

    def guess_pace(self, work: float, seconds: float) -> None:
        """Foretell waits as if all work took as long as `work`, in ids times rows, until real work tells better."""
        with self._changed:
            self._line.guess_pace(work, seconds)

    def stop(self, reason: str) -> None:
        """Accept no more; what already waits may still be taken."""
        with self._changed:
            self._stop_reason = self._stop_reason or reason
            self._changed.notify_all()

    def fail_waiting(self, error: FerryError) -> None:
        """Answer everything that waits with `error`."""
        with self._changed:
            jobs = self._line.pop_all()
            self._changed.notify_all()
        for job in jobs:
            job.fail(error)

    def counts(self) -> QueueCounts:
        """What waits now, and what has left the queue without running."""
        with self._changed:
            return QueueCounts(len(self._line), self._line.num_ids, self._cancelled, self._expired)

    def _forget(self, ticket: int) -> None:
        """A caller cancelled: give the room back, if the sentence still waits."""
        with self._changed:
            job = self._line.cancel(ticket)
            if job is None:
                return
            self._cancelled += 1
            self._changed.notify_all()
        job.future.set_running_or_notify_cancel()

    def _choose(self, thread: int, rows_in_use: int, background_rows: int) -> list[int]:
        """The tickets of who joins, next first.

        Stops at the first sentence whose rows are not free: nobody overtakes for rows. Only the background is passed
        over when it has its rows already.
        """
        room = self._room(thread, rows_in_use)
        budget = self._settings.max_batch_tokens
        if rows_in_use:
            budget = min(budget, RUNNING_ENCODE_TOKENS)
        free = self._settings.max_rows - rows_in_use
        background_limit = self._settings.max_rows // BACKGROUND_ROWS_DIVISOR
        chosen: list[int] = []
        longest = real = 0
        for ticket, job in itertools.islice(self._line, MAX_LOOKED_AT):
            # A wide beam may be over the limit by itself; it goes alone.
            if job.caller.background and background_rows and background_rows + job.num_rows > background_limit:
                continue
            if room <= 0 or job.num_rows > free:
                break
            length = self._pad(len(job.source_ids))
            padded = max(longest, length) * (len(chosen) + 1)
            # At most half of an encoder call may be padding; the head of the queue is taken whatever its length.
            if chosen and (padded > budget or padded > 2 * (real + length)):
                continue
            chosen.append(ticket)
            longest, real = max(longest, length), real + length
            room, free = room - job.num_rows, free - job.num_rows
            background_rows += job.num_rows * job.caller.background
        return chosen

    def _is_too_soon(self, thread: int, count: int, cost_s: float) -> bool:
        """Whether `count` newcomers of `thread` should wait one more step; encoding them costs its rows `cost_s`."""
        held, now = self._held[thread], self._clock()
        step_s = now - held.asked
        held.sentence_s += held.count * step_s
        held.asked, held.count = now, count
        # Including what they would lose in the coming step, taken to be as long as the last one.
        if held.sentence_s + count * step_s < cost_s:
            return count > 0
        held.sentence_s, held.count = 0.0, 0
        return False

    def _room(self, thread: int, rows_in_use: int) -> int:
        """Rows up to this thread's fair share of all that runs and waits, so that no core idles beside a full one.

        The thread with the fewest rows is always under its share while something waits, so somebody takes it.
        """
        running = sum(self._running_rows) - self._running_rows[thread] + rows_in_use
        share = -(-(running + self._line.num_rows) // len(self._running_rows))
        return share - rows_in_use

    def _pad(self, length: int) -> int:
        multiple = self._dimensions.source_multiple
        return -(-length // multiple) * multiple
