"""What waits, whose turn it is, and how long it will take until it comes. Knows no threads: its user holds a lock.

Callers share the engine in proportion to their weights, however much each has waiting, by start-time fair queueing:
work that arrives gets a place in virtual time, right after its caller's work before it, or now if there is none; the
lowest place is next. So one caller's sentences keep their order, a caller with little to do does not wait behind one
with much, and nobody waits for ever. A wait is foretold from how fast work is done while there is enough of it.
Source: Goyal, Vin and Cheng, Start-time fair queueing (SIGCOMM 1996), section 2.
"""

import bisect
import heapq
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from server.engine.job import Job
from server.engine.types import Caller
from server.errors import QueueFullError

# A caller in the background gets this share of what one in the foreground gets, while both have work waiting.
BACKGROUND_WEIGHT = 1 / 16

# Work this long ago counts half. Long beside the decoding of a batch, short beside a change of traffic.
HALF_LIFE_S = 3.0
# Seconds of being busy before an estimate is worth anything: a batch takes some 0.3 s to fill and to finish first rows.
MIN_BUSY_S = 1.0
# A first guess is no lower than this, in source ids times rows per second, or an engine that was held up at its start
# would refuse what it can do: a paragraph of 30 sentences (30 ids each, beam 4) is done in 3.6 s at this pace. The
# bundled model has some 15,000 per thread.
SLOWEST_GUESS = 1000.0
RETRY_AFTER_RANGE_S = (1.0, 60.0)
# How old a look through the queue may be where only an estimate is wanted.
SEEN_S = 0.02
# The share of a request's time that its answer may take by the forecast, which errs.
MARGIN = 0.8


class FairOrder:
    """Places in virtual time. It forgets all callers when told that nothing waits, so it stays small."""

    def __init__(self) -> None:
        self._now = 0.0
        self._ends: dict[Caller, float] = {}

    def place(self, caller: Caller, cost: float) -> float:
        """The place of work that costs `cost`; the lowest place of all is next."""
        start = self.next_place(caller)
        self._ends[caller] = start + _weigh(caller, cost)
        return start

    def next_place(self, caller: Caller) -> float:
        """The place that work of `caller` would get now."""
        return max(self._now, self._ends.get(caller, 0.0))

    def advance(self, place: float) -> None:
        """Move virtual time on to `place`, whose work begins."""
        self._now = max(self._now, place)

    def refund(self, caller: Caller, cost: float) -> None:
        """Give `caller` the time back for work that has left without being done."""
        if caller in self._ends:
            self._ends[caller] -= _weigh(caller, cost)

    def clear(self) -> None:
        """Forget all callers: nothing waits any more."""
        self._now = 0.0
        self._ends.clear()


class Pace:
    """Work done per second, over the time in which some was waiting: an idle engine teaches nothing."""

    def __init__(self) -> None:
        self._work = 0.0
        self._busy_s = 0.0
        self._since: float | None = None

    def guess(self, work: float, seconds: float) -> None:
        """Begin with the pace of `work` in `seconds`.

        It weighs as much as the shortest time that is worth anything, and fades.
        """
        self._work, self._busy_s = max(work / seconds, SLOWEST_GUESS) * MIN_BUSY_S, MIN_BUSY_S

    def start(self, now: float) -> None:
        """Something waits, from `now` on if nothing did before."""
        if self._since is None:
            self._since = now

    def stop(self, now: float) -> None:
        """Nothing waits any more."""
        self.count(0.0, now)
        self._since = None

    def count(self, work: float, now: float) -> None:
        """Add `work` that is done; it counts only while something waits."""
        if self._since is None:
            return
        seconds, self._since = now - self._since, now
        kept = 0.5 ** (seconds / HALF_LIFE_S)
        self._work = self._work * kept + work
        self._busy_s = self._busy_s * kept + seconds

    def seconds_for(self, work: float) -> float | None:
        """How long `work` will take, None while that is unknown."""
        if self._busy_s < MIN_BUSY_S or not self._work:
            return None
        return work * self._busy_s / self._work


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


class WaitingLine:
    """The jobs that wait, in their order, by ticket; bounded in source ids.

    Attributes:
        num_ids: source ids that wait.
        num_rows: rows that what waits will take.
    """

    def __init__(self, max_ids: int, clock: Callable[[], float]) -> None:
        """Begin empty.

        Args:
            max_ids: how many source ids may wait.
            clock: tells seconds.
        """
        self.num_ids = 0
        self.num_rows = 0
        self._max_ids = max_ids
        self._clock = clock
        self._waiting: dict[int, _Waiting] = {}  # by ticket, oldest first
        self._order: list[tuple[float, int]] = []  # (place, ticket) of all that waits, next first
        self._fair = FairOrder()
        self._pace = Pace()
        self._waiting_cost = 0
        self._running_cost = 0
        self._deadlines: list[tuple[float, int]] = []  # heap of (deadline, ticket); may name jobs that have left
        self._tickets = itertools.count()
        self._seen = _Seen(-math.inf, [], [0])

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[tuple[int, Job]]:
        """What waits with its tickets, next first."""
        return ((ticket, self._waiting[ticket].job) for _, ticket in self._order)

    def enter(self, job: Job) -> int:
        """Put `job` in its place, and tell its ticket.

        Raises:
            QueueFullError: there is no room, or it would not be done by its deadline as far as can be foretold.
        """
        self._check_room(len(job.source_ids))
        self._check_wait(job)
        self._pace.start(job.submitted)
        ticket, place = next(self._tickets), self._fair.place(job.caller, job.cost)
        self._waiting[ticket] = _Waiting(job, place)
        bisect.insort(self._order, (place, ticket))
        self.num_ids += len(job.source_ids)
        self.num_rows += job.num_rows
        self._waiting_cost += job.cost
        if job.deadline is not None:
            heapq.heappush(self._deadlines, (job.deadline, ticket))
        return ticket

    def take(self, ticket: int) -> Job:
        """The job begins to run."""
        self._fair.advance(self._waiting[ticket].place)
        job = self._leave(ticket)
        self._running_cost += job.cost
        return job

    def count_done(self, job: Job, done: bool) -> None:
        """A job that was taken runs no more; `done` if that is because it is translated."""
        self._running_cost -= job.cost
        self._pace.count(job.cost if done else 0, self._clock())

    def cancel(self, ticket: int) -> Job | None:
        """Give the room of a job back that its caller does not want any more; None if it does not wait."""
        if ticket not in self._waiting:
            return None
        job = self._leave(ticket)
        self._fair.refund(job.caller, job.cost)
        return job

    def pop_expired(self) -> list[Job]:
        """What has waited past its deadline leaves."""
        expired = []
        while self._deadlines and self._deadlines[0][0] <= self._clock():
            _, ticket = heapq.heappop(self._deadlines)
            if ticket in self._waiting:
                expired.append(self._leave(ticket))
        return expired

    def pop_all(self) -> list[Job]:
        """All leave."""
        return [self._leave(ticket) for ticket in list(self._waiting)]

    def foretell(self, caller: Caller) -> float | None:
        """Seconds until what goes before a sentence of `caller` is done, as if it came now; None if that is not known.

        The queue is looked through only now and then: this is asked for when there is no time.
        """
        now = self._clock()
        if now - self._seen.at > SEEN_S or now < self._seen.at:
            costs = itertools.accumulate((job.cost for _, job in self), initial=0)
            self._seen = _Seen(now, [place for place, _ in self._order], list(costs))
        ahead = self._seen.costs[bisect.bisect(self._seen.places, self._fair.next_place(caller))]
        return self._pace.seconds_for(ahead + self._running_cost / 2)

    def guess_pace(self, work: float, seconds: float) -> None:
        """Foretell waits as if all work took as long as `work`, in ids times rows, until real work tells better."""
        self._pace.guess(work, seconds)

    def _check_room(self, num_ids: int) -> None:
        if self.num_ids + num_ids > self._max_ids:
            raise QueueFullError(
                f"the queue holds {self.num_ids} source ids in {len(self._waiting)} sentences; {num_ids} more "
                f"would pass the server's limit of {self._max_ids}; retry later",
                _as_retry(self._pace.seconds_for(self._waiting_cost + self._running_cost / 2) or 0.0),
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

    def _leave(self, ticket: int) -> Job:
        waiting = self._waiting.pop(ticket)
        job = waiting.job
        del self._order[bisect.bisect_left(self._order, (waiting.place, ticket))]
        self.num_ids -= len(job.source_ids)
        self.num_rows -= job.num_rows
        self._waiting_cost -= job.cost
        if not self._waiting:
            self._fair.clear()
            self._pace.stop(self._clock())
        return job


def _as_retry(seconds: float) -> float:
    shortest, longest = RETRY_AFTER_RANGE_S
    return min(max(seconds, shortest), longest)


def _weigh(caller: Caller, cost: float) -> float:
    return cost / BACKGROUND_WEIGHT if caller.background else cost
