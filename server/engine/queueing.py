"""Whose turn it is in the queue, and how long it will take until it comes.

Callers share the engine in proportion to their weights, however much each has waiting, by start-time fair queueing:
work that arrives gets a place in virtual time, right after its caller's work before it, or now if there is none; the
lowest place is next. So one caller's sentences keep their order, a caller with little to do does not wait behind one
with much, and nobody waits for ever. A wait is foretold from how fast work is done while there is enough of it.
Source: Goyal, Vin and Cheng, Start-time fair queueing (SIGCOMM 1996), section 2.
"""

from server.engine.types import Caller

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


def _weigh(caller: Caller, cost: float) -> float:
    return cost / BACKGROUND_WEIGHT if caller.background else cost
