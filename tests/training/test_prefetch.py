"""Prefetching changes when items are made, never which come, in which order, or what goes wrong."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from training.data.prefetch import prefetch


def threads() -> list[str]:
    """Names of prefetching threads that live."""
    return [thread.name for thread in threading.enumerate() if thread.name == "prefetch"]


@pytest.mark.parametrize("size", [1, 2, 100])
def test_everything_comes_in_order(size: int) -> None:
    assert list(prefetch(iter(range(1000)), size)) == list(range(1000))
    assert threads() == []


def test_up_to_size_items_are_made_ahead_and_no_more() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(50):
            made.append(number)
            yield number

    ahead = prefetch(items(), 3)
    assert made == [], "nothing happens before the first item is asked for"
    assert next(ahead) == 0
    wait_until(lambda: len(made) == 5)
    time.sleep(0.05)
    assert len(made) == 5  # one used, three waiting, one in the thread's hands
    assert list(ahead) == list(range(1, 50))


def test_an_exception_comes_at_its_place() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("the third")

    ahead = prefetch(items(), 10)
    assert [next(ahead), next(ahead)] == [1, 2]
    with pytest.raises(ValueError, match="the third"):
        next(ahead)
    assert threads() == []


@pytest.mark.parametrize("used", [1, 5])
def test_closing_early_ends_the_thread_and_the_source(used: int) -> None:
    closed_in: list[str] = []

    def endless() -> Iterator[int]:
        try:
            number = 0
            while True:
                yield number
                number += 1
        finally:
            closed_in.append(threading.current_thread().name)

    for _ in range(50):  # often: where the thread stands when it is stopped is up to the scheduler
        ahead = prefetch(endless(), 2)
        assert [next(ahead) for _ in range(used)] == list(range(used))
        ahead.close()
        assert threads() == []
    assert closed_in == ["prefetch"] * 50


def test_closing_before_the_first_item_does_nothing() -> None:
    prefetch(iter(range(5)), 2).close()
    assert threads() == []


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for what another thread is about to do."""
    end = time.monotonic() + 60
    while not condition() and time.monotonic() < end:
        time.sleep(0.001)
    assert condition()
