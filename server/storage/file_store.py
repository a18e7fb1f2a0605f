"""Translated files that wait to be fetched: few, not for long, each once, and in a folder that only we can read."""

import secrets
import shutil
import tempfile
import threading
import time
import weakref
from dataclasses import dataclass
from pathlib import Path

from server.errors import FileNotThereError, StorageError, StoreFullError

MAX_TOTAL_BYTES = 64 << 20
MAX_AGE_S = 1800.0
_NAME_BYTES = 24  # 192 random bits: nobody guesses the name of another's file


@dataclass(frozen=True)
class _Entry:
    num_bytes: int
    expires: float  # time.monotonic()


class FileStore:
    """The folder is made when first needed and removed when the process ends. For any thread.

    What a client sends is only ever looked up among the names we gave; it never becomes part of a path.
    """

    def __init__(self, max_total_bytes: int = MAX_TOTAL_BYTES, max_age_s: float = MAX_AGE_S) -> None:
        self.max_age_s = max_age_s
        self._max_total_bytes = max_total_bytes
        self._folder: Path | None = None
        self._entries: dict[str, _Entry] = {}
        self._lock = threading.Lock()

    def put(self, data: bytes, suffix: str) -> str:
        """Keep `data` and return its name, which ends in `suffix`.

        Raises:
            StoreFullError, StorageError
        """
        name = secrets.token_urlsafe(_NAME_BYTES) + suffix
        with self._lock:
            self._sweep()
            taken = sum(entry.num_bytes for entry in self._entries.values())
            if taken + len(data) > self._max_total_bytes:
                raise StoreFullError(
                    f"The translated files that wait to be fetched have {taken} of {self._max_total_bytes} bytes; "
                    f"fetch yours, or ask again within {self.max_age_s:g} s."
                )
            try:
                (self._made() / name).write_bytes(data)
            except OSError as error:
                if self._folder is not None:
                    (self._folder / name).unlink(missing_ok=True)
                raise StorageError(f"The file could not be stored: {error.strerror}; ask again later.") from error
            self._entries[name] = _Entry(len(data), time.monotonic() + self.max_age_s)
        return name

    def num_bytes(self, name: str) -> int:
        """The size of a file, which stays.

        Raises:
            FileNotThereError
        """
        with self._lock:
            self._sweep()
            return self._entry(name).num_bytes

    def take(self, name: str) -> bytes:
        """The content of a file, which is removed.

        Raises:
            FileNotThereError
        """
        with self._lock:
            self._sweep()
            self._entry(name)
            data = (self._made() / name).read_bytes()
            self._remove(name)
        return data

    def sweep(self) -> None:
        """Remove the files that are too old."""
        with self._lock:
            self._sweep()

    def _entry(self, name: str) -> _Entry:
        if name not in self._entries:
            raise FileNotThereError(
                "There is no such file: it was fetched already, or it is too old; translate it again"
            )
        return self._entries[name]

    def _sweep(self) -> None:
        now = time.monotonic()
        for name in [name for name, entry in self._entries.items() if entry.expires <= now]:
            self._remove(name)

    def _remove(self, name: str) -> None:
        del self._entries[name]
        (self._made() / name).unlink(missing_ok=True)

    def _made(self) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="ferry-"))  # readable for us alone
            # Runs at the end of the process too, if it is not killed.
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return self._folder
