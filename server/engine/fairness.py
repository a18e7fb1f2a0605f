"""Whose turn it is: callers share the engine in proportion to their weights, however much each has waiting.

Start-time fair queueing: work that arrives gets a place in virtual time, right after its caller's work before it, or
now if there is none; the lowest place is next. So one caller's sentences keep their order, a caller with little to do
does not wait behind one with much, and nobody waits for ever.
Source: Goyal, Vin and Cheng, Start-time fair queueing (SIGCOMM 1996), section 2.
"""

from server.engine.types import Caller

# A caller in the background gets this share of what one in the foreground gets, while both have work waiting.
BACKGROUND_WEIGHT = 1 / 16


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


def _weigh(caller: Caller, cost: float) -> float:
    return cost / BACKGROUND_WEIGHT if caller.background else cost
