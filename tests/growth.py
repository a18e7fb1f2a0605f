"""Four times the input may take some four times as long: no square of anything that a stranger chooses.

CPU time of this process alone, the least of several tries, and large enough to measure: neither a slow machine nor a
busy one makes it fail.
"""

import gc
import time
from collections.abc import Callable

import pytest

MIN_S = 0.02
MAX_RATIO = 10.0
TRIES = 5

# From a size to what is to be done with an input of that size.
Work = Callable[[int], Callable[[], object]]


def check_growth(name: str, work: Work, smallest: int = 250, largest: int = 200_000) -> None:
    """Fail if `work` of four times the size takes much more than four times as long."""
    size = smallest
    while (small := _seconds(work(size))) < MIN_S and size < largest:
        size *= 2
    ratios: list[float] = []
    for _ in range(TRIES):
        small = min(small, _seconds(work(size)))
        ratios.append(_seconds(work(4 * size)) / max(small, MIN_S / 4))
        if ratios[-1] < MAX_RATIO:
            return
    pytest.fail(f"{name}: from {size} to {4 * size} the time grew {min(ratios):.1f} times")


def _seconds(work: Callable[[], object]) -> float:
    # Its passes over all that lives grow with more than the work at hand.
    gc.disable()
    try:
        started = time.process_time()
        work()
        return time.process_time() - started
    finally:
        gc.enable()
