"""Who is next: the bounded queue that all engine threads share. Pure Python; knows no tensors and no search.

Callers share the engine fairly; each one's sentences keep their order. The head of the queue is always among the
newcomers; behind it, sentences of like length are encoded along, and the others wait for the next step.

An encoder call has a cost of its own, however few sentences it is for, and all that runs waits for it. So newcomers are
held back, for others to come along, until together they have lost as much time as the call would cost those that run:
none has to wait for long, and under load the calls are few and large.
"""

import bisect
import heapq
import itertools
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from server.bundle import Dimensions
from server.engine.fairness import FairOrder
from server.engine.job import Job, resolve_options
from server.engine.pace import Pace
from server.engine.types import ANYBODY, Caller, EngineSettings, SearchOptions, SentenceResult
from server.errors import DeadlineExceededError, EngineStoppedError, FerryError, QueueFullError

# Padded source ids one thread encodes at a time while its rows run: some 20 ms for six layers of d=256 (measured: 29 ms
# for 800 ids), so that running sentences are held up by a few steps at most. With no row running, the whole
# max_batch_tokens may be used.
RUNNING_ENCODE_TOKENS = 512
# How many waiting sentences are looked at for newcomers; a bound on the time the lock is held.
MAX_LOOKED_AT = 256
RETRY_AFTER_RANGE_S = (1.0, 60.0)
# How old a look through the queue may be where only an estimate is wanted.
SEEN_S = 0.02
# The share of a request's time that its answer may take by the forecast, which errs.
MARGIN = 0.8
# The background may hold 1/2 of a thread's rows, so that others find some free.
BACKGROUND_ROWS_DIVISOR = 2


@dataclass(frozen=True)
class QueueCounts:
    """Sentences and source ids that wait now; sentences cancelled and expired while they waited, so far."""

    waiting_sentences: int
    waiting_ids: int
    cancelled: int
    expired: int


@dataclass(frozen=True, eq=False)
class _Waiting:
    """A job in the queue; `place` is where in the fair order."""

    job: Job
    place: float


@dataclass(frozen=True)
class _Seen:
    """The queue as it was: the places of what waited, and the cost of all before each of them, and of all."""

    at: float
    places: list[float]
    costs: list[int]


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
        self._waiting: dict[int, _Waiting] = {}  # by ticket number, oldest first
        self._order: list[tuple[float, int]] = []  # (place, ticket) of all that waits, next first
        self._fair = FairOrder()
        self._pace = Pace()
        self._waiting_cost = 0
        self._running_cost = 0
        self._deadlines: list[tuple[float, int]] = []  # heap of (deadline, ticket); may name jobs that have left
        self._tickets = itertools.count()
        self._waiting_ids = 0
        self._waiting_rows = 0
        self._running_rows = [0] * num_threads
        self._seen = _Seen(-math.inf, [], [0])
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
            self._check_room(len(source_ids))
            self._check_wait(job)
            ticket = next(self._tickets)
            self._enter(ticket, job)
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
            self._changed.wait_for(lambda: self._waiting or self._stop_reason is not None, timeout_s)
            return bool(self._waiting)

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
            expired = self._remove_expired()
            newcomers = self._choose(thread, rows_in_use, background_rows)
            if self._is_too_soon(thread, len(newcomers), rows_in_use * call_s):
                newcomers = {}
            for ticket in newcomers:
                self._fair.advance(self._waiting[ticket].place)
                self._running_cost += self._leave(ticket).cost
            jobs = list(newcomers.values())
            self._running_rows[thread] = rows_in_use + sum(job.num_rows for job in jobs)
        for job in expired:
            job.fail(DeadlineExceededError("the deadline passed while the sentence waited; allow more time or retry"))
        return jobs

    def left(self, job: Job, done: bool) -> None:
        """A job that was taken holds no rows any more; `done` if that is because it is translated."""
        with self._changed:
            self._running_cost -= job.cost
            self._pace.count(job.cost if done else 0, self._clock())

    def foretell(self, caller: Caller) -> float | None:
        """Seconds until what goes before a sentence of `caller` is done, as if it came now; None if that is not known.

        The queue is looked through only now and then: this is asked for when there is no time.
        """
        with self._changed:
            now = self._clock()
            if now - self._seen.at > SEEN_S or now < self._seen.at:
                places = [place for place, _ in self._order]
                costs = itertools.accumulate((self._waiting[ticket].job.cost for _, ticket in self._order), initial=0)
                self._seen = _Seen(now, places, list(costs))
            ahead = self._seen.costs[bisect.bisect(self._seen.places, self._fair.next_place(caller))]
            return self._pace.seconds_for(ahead + self._running_cost / 2)

    def guess_pace(self, work: float, seconds: float) -> None:
        """Foretell waits as if all work took as long as `work`, in ids times rows, until real work tells better."""
        with self._changed:
            self._pace.guess(work, seconds)

    def stop(self, reason: str) -> None:
        """Accept no more; what already waits may still be taken."""
        with self._changed:
            self._stop_reason = self._stop_reason or reason
            self._changed.notify_all()

    def fail_waiting(self, error: FerryError) -> None:
        """Answer everything that waits with `error`."""
        with self._changed:
            jobs = [self._leave(ticket) for ticket in list(self._waiting)]
            self._changed.notify_all()
        for job in jobs:
            job.fail(error)

    def counts(self) -> QueueCounts:
        """What waits now, and what has left the queue without running."""
        with self._changed:
            return QueueCounts(len(self._waiting), self._waiting_ids, self._cancelled, self._expired)

    def _check_room(self, num_ids: int) -> None:
        limit = self._settings.max_queue_tokens
        if self._waiting_ids + num_ids > limit:
            raise QueueFullError(
                f"the queue holds {self._waiting_ids} source ids in {len(self._waiting)} sentences; {num_ids} more "
                f"would pass the server's limit of {limit}; retry later",
                self._estimate_wait(),
            )

    def _check_wait(self, job: Job) -> None:
        """Refuse at once what would not be done by its deadline, as far as that can be foretold."""
        if job.deadline is None:
            return
        allowed = job.deadline - job.submitted
        work = self._waiting_cost + self._running_cost / 2 + job.cost
        foretold = self._pace.seconds_for(work)
        if foretold is None or foretold <= MARGIN * allowed:
            return
        # Fairness may bring it forward: what counts is only what is ahead of it.
        place = bisect.bisect(self._order, (self._fair.next_place(job.caller), math.inf))
        ahead = sum(self._waiting[ticket].job.cost for _, ticket in self._order[:place])
        foretold = self._pace.seconds_for(work - self._waiting_cost + ahead)
        if foretold is not None and foretold > MARGIN * allowed:
            raise QueueFullError(
                f"the answer would take about {foretold:.1f} s and the request allows {allowed:.1f} s; retry later or "
                "allow more time",
                _as_retry(foretold - MARGIN * allowed),
            )

    def _estimate_wait(self) -> float:
        """Seconds until what waits now will be done."""
        return _as_retry(self._pace.seconds_for(self._waiting_cost + self._running_cost / 2) or 0.0)

    def _enter(self, ticket: int, job: Job) -> None:
        self._pace.start(job.submitted)
        place = self._fair.place(job.caller, job.cost)
        self._waiting[ticket] = _Waiting(job, place)
        bisect.insort(self._order, (place, ticket))
        self._waiting_ids += len(job.source_ids)
        self._waiting_rows += job.num_rows
        self._waiting_cost += job.cost
        if job.deadline is not None:
            heapq.heappush(self._deadlines, (job.deadline, ticket))

    def _leave(self, ticket: int) -> Job:
        waiting = self._waiting.pop(ticket)
        job = waiting.job
        del self._order[bisect.bisect_left(self._order, (waiting.place, ticket))]
        self._waiting_ids -= len(job.source_ids)
        self._waiting_rows -= job.num_rows
        self._waiting_cost -= job.cost
        if not self._waiting:
            self._fair.clear()
            self._pace.stop(self._clock())
        return job

    def _forget(self, ticket: int) -> None:
        """A caller cancelled: give the room back, if the sentence still waits."""
        with self._changed:
            if ticket not in self._waiting:
                return
            job = self._leave(ticket)
            self._fair.refund(job.caller, job.cost)
            self._cancelled += 1
            self._changed.notify_all()
        job.future.set_running_or_notify_cancel()

    def _remove_expired(self) -> list[Job]:
        expired = []
        while self._deadlines and self._deadlines[0][0] <= self._clock():
            _, ticket = heapq.heappop(self._deadlines)
            if ticket in self._waiting:
                expired.append(self._leave(ticket))
        self._expired += len(expired)
        return expired

    def _choose(self, thread: int, rows_in_use: int, background_rows: int) -> dict[int, Job]:
        """Who joins, next first. Stops at the first sentence whose rows are not free: nobody overtakes for rows.

        Only the background is passed over when it has its rows already.
        """
        room = self._room(thread, rows_in_use)
        budget = self._settings.max_batch_tokens
        if rows_in_use:
            budget = min(budget, RUNNING_ENCODE_TOKENS)
        free = self._settings.max_rows - rows_in_use
        background_limit = self._settings.max_rows // BACKGROUND_ROWS_DIVISOR
        chosen: dict[int, Job] = {}
        longest = real = 0
        for _, ticket in itertools.islice(self._order, MAX_LOOKED_AT):
            job = self._waiting[ticket].job
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
            chosen[ticket] = job
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
        share = -(-(running + self._waiting_rows) // len(self._running_rows))
        return share - rows_in_use

    def _pad(self, length: int) -> int:
        multiple = self._dimensions.source_multiple
        return -(-length // multiple) * multiple


def _as_retry(seconds: float) -> float:
    shortest, longest = RETRY_AFTER_RANGE_S
    return min(max(seconds, shortest), longest)
