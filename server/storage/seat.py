"""Which of the processes that share a folder are alive: each has a seat, and the system frees that of one that ends.

That needs no clock and no sign of life: a process that was stopped for an hour still has its seat, and one that was
killed has lost it when its last descriptor is closed.
"""

import fcntl
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Seat:
    """A number that no other process has as long as we have it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor = -1
        self.number: int | None = None

    def take(self) -> int:
        """Take the first that is free.

        Raises:
            OSError: the folder takes no file.
        """
        for number in itertools.count():
            descriptor = self._lock(number)
            if descriptor is not None:
                self._descriptor, self.number = descriptor, number
                break
        assert self.number is not None
        return self.number

    def leave(self) -> None:
        """Let others have it."""
        if self.number is not None:
            os.close(self._descriptor)
        self.number = None

    @contextmanager
    def kept_free(self, number: int) -> Iterator[bool]:
        """Whether nobody is known to have this seat; if so, nobody gets it as long as the context lasts."""
        try:
            descriptor = self._lock(number)
        except OSError:  # no descriptor is left, say
            descriptor = None
        try:
            yield descriptor is not None
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def _lock(self, number: int) -> int | None:
        descriptor = os.open(self._folder / f"ferry.seat-{number}", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor
