"""How fast work is done while there is enough of it, so that a wait can be foretold."""

# Work this long ago counts half. Long beside the decoding of a batch, short beside a change of traffic.
HALF_LIFE_S = 3.0
# Seconds of being busy before an estimate is worth anything: a batch takes some 0.3 s to fill and to finish first rows.
MIN_BUSY_S = 1.0
# A first guess is no lower than this, in source ids times rows per second, or an engine that was held up at its start
# would refuse what it can do: a paragraph of 30 sentences (30 ids each, beam 4) is done in 3.6 s at this pace. The
# bundled model has some 15,000 per thread.
SLOWEST_GUESS = 1000.0


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
