"""How many characters each caller has had translated, in all replicas together.

A caller without a limit is counted in memory, and what came together is written every second. One with a limit has
every request counted in the database before it is translated: no two replicas can give away the same characters.
"""

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import AsyncIterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from types import TracebackType

from server.errors import QuotaExceededError, StorageError
from server.storage.database import Database
from server.storage.schema import ADD_USAGE

# What a kill may lose of the counts of callers without a limit.
WRITE_EVERY_S = 1.0

_WHAT = "The counts"
_log = logging.getLogger("ferry")


class Usage:
    """Characters by name of caller."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._unwritten: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        # A thread of its own: those of documents may be busy for seconds. It starts with the first that needs it.
        self._thread = ThreadPoolExecutor(1, "ferry-usage")
        self._wake = asyncio.Event()
        self._is_synced = self._can_write = True

    async def count(self, caller: str) -> int:
        """What `caller` has had translated; what other replicas have counted for less than a second may be missing.

        Raises:
            StorageError: the database cannot be read.
        """
        return await asyncio.wrap_future(self._thread.submit(self._count, caller))

    def charged(self, caller: str, num_chars: int, limit: int | None) -> "Charge":
        """Count `num_chars` for as long as what is in the context succeeds.

        Args:
            limit: in all; None is no limit.

        Raises:
            QuotaExceededError: on entering, there are not so many left.
            StorageError: on entering, a limit cannot be looked at.
        """
        return Charge(self, caller, num_chars, limit)

    def add(self, caller: str, num_chars: int) -> None:
        """Count so many more, soon; less than none gives back, at once."""
        with self._lock:
            self._unwritten[caller] += num_chars
        if num_chars < 0:
            self._wake.set()  # others may be waiting for these

    async def reserve(self, caller: str, num_chars: int, limit: int) -> None:
        """Count so many more if `limit` allows it.

        Raises:
            QuotaExceededError: it does not.
            StorageError: nothing is counted.
        """
        reserved = self._thread.submit(self._reserve, caller, num_chars, limit)
        try:
            await asyncio.wrap_future(reserved)
        except asyncio.CancelledError:
            reserved.add_done_callback(lambda done: self._give_back(done, caller, num_chars))
            raise

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """While the context lasts, and at its end, the counts are written."""
        self._wake = asyncio.Event()
        task = asyncio.ensure_future(self._write_now_and_then())
        try:
            yield
        finally:
            task.cancel()
            self._write_or_tell()

    async def _write_now_and_then(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(WRITE_EVERY_S):
                    await self._wake.wait()
            self._wake.clear()
            if self._unwritten or not self._is_synced:
                await asyncio.wrap_future(self._thread.submit(self._write_or_tell))

    def _write_or_tell(self) -> None:
        try:
            self._write()
            if not self._is_synced:
                self._database.sync()
                self._is_synced = True
            self._can_write = True
        except StorageError as error:
            if self._can_write:
                _log.error("%s Counting goes on.", error)
            self._can_write = False

    def _write(self) -> None:
        with self._writing:  # at the end another thread may still be at it
            with self._lock:
                unwritten, self._unwritten = self._unwritten, Counter()
            if not any(unwritten.values()):
                return
            try:
                with self._database.writing(_WHAT, lasting=False) as connection:
                    connection.executemany(ADD_USAGE, unwritten.items())
                self._is_synced = False
            except StorageError:
                with self._lock:
                    self._unwritten.update(unwritten)
                raise

    def _count(self, caller: str) -> int:
        with self._writing, self._database.reading(_WHAT) as connection:
            found = connection.execute("SELECT num_chars FROM usage WHERE caller = ?", (caller,)).fetchone()
            # Another replica may have given back what is still to be counted.
            return max(0, (found[0] if found else 0) + self._unwritten[caller])

    def _reserve(self, caller: str, num_chars: int, limit: int) -> None:
        if caller in self._unwritten:
            self._write()
        with self._database.writing(_WHAT, lasting=False) as connection:
            found = connection.execute("SELECT num_chars FROM usage WHERE caller = ?", (caller,)).fetchone()
            count = found[0] if found else 0
            if count + num_chars > limit:
                raise QuotaExceededError(
                    f"The quota of {limit} characters has {max(0, limit - count)} left; this request has {num_chars}."
                )
            connection.execute(ADD_USAGE, (caller, num_chars))
        self._is_synced = False

    def _give_back(self, reserved: "Future[None]", caller: str, num_chars: int) -> None:
        if not reserved.cancelled() and reserved.exception() is None:
            with self._lock:
                self._unwritten[caller] -= num_chars


class Charge:
    """Characters that are counted from the beginning of the context on, and given back if it fails."""

    def __init__(self, usage: Usage, caller: str, num_chars: int, limit: int | None) -> None:
        self._usage = usage
        self._caller = caller
        self._num_chars = num_chars
        self._limit = limit

    async def __aenter__(self) -> None:
        if self._limit is None:
            self._usage.add(self._caller, self._num_chars)
        else:
            await self._usage.reserve(self._caller, self._num_chars, self._limit)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._usage.add(self._caller, -self._num_chars)
