"""How many characters each caller has had translated, kept over restarts."""

import asyncio
import json
import logging
import os
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from server.errors import QuotaExceededError, SettingsError

# What a crash may lose of the counts.
WRITE_EVERY_S = 10.0

_log = logging.getLogger("ferry")


class Usage:
    """Characters by name of caller. Changed in the event loop's thread only, so it needs no lock."""

    def __init__(self, path: Path) -> None:
        """`path` is a file that is made with the first count.

        A damaged file is put aside, with a line in the log: a server that does not start helps nobody.

        Raises:
            SettingsError: the file is there and cannot be read.
        """
        self._path = path
        self._counts = _read(path)
        self._written = dict(self._counts)
        self._writing = threading.Lock()

    def count(self, caller: str) -> int:
        """What `caller` has had translated."""
        return self._counts.get(caller, 0)

    @contextmanager
    def charged(self, caller: str, num_chars: int, limit: int | None) -> Iterator[None]:
        """Count `num_chars`, at once, so that requests side by side cannot pass the limit; give back what fails.

        Raises:
            QuotaExceededError
        """
        count = self.count(caller)
        if limit is not None and count + num_chars > limit:
            raise QuotaExceededError(
                f"The quota of {limit} characters has {max(0, limit - count)} left; this request has {num_chars}."
            )
        self.add(caller, num_chars)
        try:
            yield
        except BaseException:
            self.add(caller, -num_chars)
            raise

    def add(self, caller: str, num_chars: int) -> None:
        """Count so many more; less than none gives back."""
        self._counts[caller] = self.count(caller) + num_chars

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """While the context lasts, and at its end, the counts are written."""
        task = asyncio.ensure_future(self._write_now_and_then())
        try:
            yield
        finally:
            task.cancel()
            self._write()

    async def _write_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(WRITE_EVERY_S)
            await asyncio.to_thread(self._write)

    def _write(self) -> None:
        with self._writing:  # at the end another thread may still be at it
            self._write_changes()

    def _write_changes(self) -> None:
        counts = dict(self._counts)
        if counts == self._written:
            return
        aside = self._path.with_suffix(".partial")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Who has a key, and how much it was used, is nobody else's business.
            descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(descriptor, "w", encoding="utf-8") as file:
                json.dump(counts, file)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(self._path)
        except OSError as error:
            with suppress(OSError):
                aside.unlink()
            _log.error("usage: %s cannot be written: %s; counting goes on.", self._path, error.strerror)
        else:
            self._written = counts


def _read(path: Path) -> dict[str, int]:
    try:
        counts = json.loads(path.read_text("utf-8"))
        if not isinstance(counts, dict) or not all(type(count) is int for count in counts.values()):
            raise ValueError("it is not a table of numbers")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise SettingsError(f"--data: {path} cannot be read: {error.strerror}; counting anew would lose it.") from error
    except ValueError as error:
        aside = path.with_suffix(".damaged")
        _log.error("usage: %s cannot be read (%s); it is now %s, and counting begins anew.", path, error, aside.name)
        path.replace(aside)
        return {}
    return counts
