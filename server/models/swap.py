"""Something that is exchanged while it is in use: those who have begun with the old one end with it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class _Held(Generic[T]):
    """One value, and how many use it now."""

    def __init__(self, value: T) -> None:
        self.value = value
        self.num_users = 0
        self.retired = False
        self.unused = asyncio.Event()


class Live(Generic[T]):
    """The current value. For one event loop: only its tasks use and exchange it."""

    def __init__(self, value: T) -> None:
        self._held = _Held(value)

    @property
    def current(self) -> T:
        """The value now; it may be exchanged at any `await`."""
        return self._held.value

    @contextmanager
    def use(self) -> Iterator[T]:
        """The current value, kept alive until the context ends."""
        held = self._held
        held.num_users += 1
        try:
            yield held.value
        finally:
            held.num_users -= 1
            if held.retired and not held.num_users:
                held.unused.set()

    async def exchange(self, value: T) -> T:
        """Make `value` current at once; the old value, when nobody uses it any more."""
        held, self._held = self._held, _Held(value)
        held.retired = True
        if held.num_users:
            await held.unused.wait()
        return held.value
