"""Contents that are given out once, whichever process is asked, and also by a disk that takes nothing any more."""

import threading

from server.errors import StorageError
from server.storage.database import Database


class Once:
    """One kind of content, each under a key. For any thread."""

    def __init__(self, database: Database, what: str, select: str, delete: str) -> None:
        """
        Args:
            what: begins the sentence that tells of a failure.
            select, delete: find the content of a key, and remove it; None of `select` is nothing to give out.
        """
        self._database = database
        self._what = what
        self._select = select
        self._delete = delete
        self._lock = threading.Lock()
        self._gone: set[str] = set()

    def __contains__(self, key: str) -> bool:
        """Whether this was given out and is still stored."""
        return key in self._gone

    def take(self, key: str) -> bytes | None:
        """The content, which is then gone; None if there is none.

        Raises:
            StorageError: it cannot be read.
        """
        with self._lock:
            try:
                with self._database.writing(self._what) as connection:
                    found = None if key in self._gone else connection.execute(self._select, (key,)).fetchone()
                    connection.execute(self._delete, (key,))
            except StorageError:
                # A full disk must not keep from its owner what would make room. Until it takes the removal, this
                # process alone knows of it.
                with self._database.reading(self._what) as connection:
                    found = None if key in self._gone else connection.execute(self._select, (key,)).fetchone()
                self._gone.add(key)
        content: bytes | None = found and found[0]
        return content

    def sweep(self) -> None:
        """Remove what could not be removed when it was given out.

        Raises:
            StorageError: it still cannot be.
        """
        with self._lock:
            if self._gone:
                with self._database.writing(self._what) as connection:
                    connection.executemany(self._delete, [(key,) for key in self._gone])
                self._gone.clear()
