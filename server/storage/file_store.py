"""Translated files that wait to be fetched: few, not for long, and each once.

All of it touches the disk: call it in a thread.
"""

import re
import secrets
import sqlite3
import time

from server.errors import FileNotThereError, StoreFullError
from server.storage.database import Database
from server.storage.once import Once

MAX_TOTAL_BYTES = 64 << 20
MAX_AGE_S = 1800.0

_NAME_BYTES = 24  # 192 random bits: nobody guesses the name of another's file
_NAME = re.compile(r"[\w-]{32}\.[a-z0-9]+", re.ASCII)
_WHAT = "The file"
# Read from a clock that all processes of a machine share, and no hand sets. It begins anew with the machine.
_THERE = "made <= :now AND made > :now - :age"


class FileStore:
    """The files of all replicas. For any thread."""

    def __init__(
        self, database: Database, max_total_bytes: int = MAX_TOTAL_BYTES, max_age_s: float = MAX_AGE_S
    ) -> None:
        self._database = database
        self._max_total_bytes = max_total_bytes
        self._max_age_s = max_age_s
        self._contents = Once(
            database, _WHAT, "SELECT content FROM files WHERE name = ?", "DELETE FROM files WHERE name = ?"
        )

    def put(self, data: bytes, suffix: str) -> str:
        """Keep `data` and return its name, which ends in `suffix`.

        Raises:
            StoreFullError: all files take as much as they may.
            StorageError: nothing is stored.
        """
        name = secrets.token_urlsafe(_NAME_BYTES) + suffix
        # A file that a loss of power takes can be translated again.
        with self._database.writing(_WHAT, lasting=False) as connection:
            self._forget_old(connection)
            taken = connection.execute("SELECT coalesce(sum(length(content)), 0) FROM files").fetchone()[0]
            if taken + len(data) > self._max_total_bytes:
                raise StoreFullError(
                    f"The translated files that wait to be fetched have {taken} of {self._max_total_bytes} bytes; "
                    f"fetch yours, or ask again within {self._max_age_s:g} s."
                )
            connection.execute("INSERT INTO files VALUES (?, ?, ?)", (name, time.monotonic(), data))
        return name

    def num_bytes(self, name: str) -> int:
        """The size of a file, which stays.

        Raises:
            FileNotThereError: it never was, was fetched already, or is too old.
            StorageError: it cannot be read.
        """
        # What is no name of ours never gets near the database.
        if not _NAME.fullmatch(name) or name in self._contents:
            raise _not_there()
        with self._database.reading(_WHAT) as connection:
            query = f"SELECT length(content) FROM files WHERE name = :name AND {_THERE}"
            found = connection.execute(query, {"name": name, **self._clock}).fetchone()
        if found is None:
            raise _not_there()
        size: int = found[0]
        return size

    def take(self, name: str) -> bytes:
        """The content of a file, which is removed.

        Raises:
            FileNotThereError: it never was, was fetched already, or is too old.
            StorageError: it cannot be read.
        """
        self.num_bytes(name)
        content = self._contents.take(name)
        if content is None:
            raise _not_there()
        return content

    def sweep(self) -> None:
        """Remove the files that are too old.

        Raises:
            StorageError: they are still there.
        """
        self._contents.sweep()
        with self._database.reading(_WHAT) as connection:
            query = f"SELECT EXISTS (SELECT 1 FROM files WHERE NOT ({_THERE}))"
            (has_old,) = connection.execute(query, self._clock).fetchone()
        if has_old:
            with self._database.writing(_WHAT) as connection:
                self._forget_old(connection)

    @property
    def _clock(self) -> dict[str, float]:
        return {"now": time.monotonic(), "age": self._max_age_s}

    def _forget_old(self, connection: sqlite3.Connection) -> None:
        connection.execute(f"DELETE FROM files WHERE NOT ({_THERE})", self._clock)


def _not_there() -> FileNotThereError:
    return FileNotThereError("There is no such file: it was fetched already, or it is too old; translate it again")
