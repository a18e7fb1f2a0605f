"""Making the next items while the current one is used."""

import queue
import threading
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class _End:
    """Nothing follows, because of `error` if there is one."""

    error: BaseException | None


def prefetch(items: Iterable[T], size: int) -> Generator[T]:
    """The same items in the same order, up to `size` of them made ahead in one background thread.

    The thread starts with the first `next`. Closing the generator ends it after the item it is making, and closes
    `items`, if that is a generator, in the thread.

    Raises:
        BaseException: whatever `items` raised, at its place in the order.
    """
    assert size > 0
    ready: queue.Queue[T | _End] = queue.Queue(size)
    stopping = threading.Event()
    thread = threading.Thread(target=_fill, args=(items, ready, stopping), name="prefetch", daemon=True)
    thread.start()
    try:
        while not isinstance(item := ready.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        stopping.set()
        _drain(ready)  # a thread that waits for room finds it, and then sees that it should stop
        thread.join()


def _fill(items: Iterable[T], ready: "queue.Queue[T | _End]", stopping: threading.Event) -> None:
    error = None
    try:
        for item in items:
            ready.put(item)
            if stopping.is_set():
                break
        if isinstance(items, Generator):
            items.close()
    except BaseException as raised:  # whatever it is, the consumer must hear of it rather than wait for ever
        error = raised
    if not stopping.is_set():
        ready.put(_End(error))


def _drain(ready: "queue.Queue[T | _End]") -> None:
    try:
        while True:
            ready.get_nowait()
    except queue.Empty:
        return
