"""The one database of a data folder, shared by all replicas of a machine; the only module that opens it.

A process has one connection, which its threads take in turn: SQLite lets one write at a time anyway, and a thread that
waits here sleeps less than one that waits there. All of it touches the disk: call it in a thread.
"""

import fcntl
import os
import sqlite3
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from server.errors import SettingsError, StorageError
from server.storage.disk import make_folder
from server.storage.old_files import has_old_files, put_aside, read_old_files
from server.storage.schema import STEPS

NAME = "ferry.db"
# So long one waits for another replica that writes: the largest document on a slow disk takes seconds.
BUSY_S = 30.0
# Pages that are given back to the disk at a time, so that nobody has to wait for long.
TIDY_PAGES = 1000

_PRAGMAS = (
    "auto_vacuum = INCREMENTAL",  # before the first table, or never
    "journal_mode = WAL",
    "foreign_keys = ON",
    "secure_delete = ON",  # what was fetched or deleted is in no backup
    "temp_store = MEMORY",
)
_REASONS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk fails",
    sqlite3.SQLITE_BUSY: "another replica has been writing for too long",
    sqlite3.SQLITE_LOCKED: "another replica has been writing for too long",
    sqlite3.SQLITE_READONLY: "it may not be written to",
    sqlite3.SQLITE_PERM: "it may not be opened",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_TOOBIG: "it is larger than a database takes",
    sqlite3.SQLITE_NOMEM: "there is not enough memory",
    sqlite3.SQLITE_CORRUPT: "the database is damaged, and its operator has to restore a backup or move it away",
    sqlite3.SQLITE_NOTADB: "the database is damaged, and its operator has to restore a backup or move it away",
}


class Database:
    """`ferry.db` in `folder`. Both are made when the first thing is stored; until then all tables are empty."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / NAME
        self._turn = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._empty: sqlite3.Connection | None = None
        self._is_lasting = False

    def prepare(self) -> None:
        """Open what is there, so that what is wrong with it is told at the start; where nothing is, make nothing.

        Raises:
            SettingsError: it is damaged, of a later version of Ferry, or not ours to open.
        """
        try:
            with self._turn:
                self._connect(create=False)
        except (OSError, sqlite3.Error, StorageError) as error:
            raise SettingsError(f"--data {self.folder}: {NAME} cannot be used: {_reason(error)}.") from error

    @contextmanager
    def reading(self, what: str) -> Iterator[sqlite3.Connection]:
        """The connection, to read; `what` begins the sentence that tells of a failure.

        Raises:
            StorageError: the disk did not give it.
        """
        with _telling(f"{what} could not be read"), self._turn:
            yield self._connect(create=False)

    @contextmanager
    def writing(self, what: str, lasting: bool = True) -> Iterator[sqlite3.Connection]:
        """The connection in a transaction, which is kept as a whole at the end, or not at all after an exception.

        Args:
            what: begins the sentence that tells of a failure.
            lasting: it outlives a loss of power, for which the disk is waited for; else the end of the process alone.

        Raises:
            StorageError: nothing of it is stored.
        """
        with _telling(f"{what} could not be stored"), self._turn:
            connection = self._connect(create=True)
            if lasting is not self._is_lasting:
                connection.execute(f"PRAGMA synchronous = {'FULL' if lasting else 'NORMAL'}")
                self._is_lasting = lasting
            with _transaction(connection):
                yield connection

    def sync(self) -> None:
        """Make everything last that was written until now.

        Raises:
            StorageError: the disk did not take it.
        """
        with _telling("What was stored could not be synced"), self._turn:
            if self._connection is not None:
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def tidy(self) -> None:
        """Give the disk back what removed rows took, and empty the journal, in which they still are.

        Raises:
            StorageError: the disk did not take the change.
        """
        with _telling("The database could not be tidied"):
            while self._shrink():
                pass

    def close(self) -> None:
        """Let go of the files; what comes later opens them again."""
        with self._turn:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def _shrink(self) -> bool:
        """Free some pages; whether there may be more."""
        with self._turn:
            if self._connection is None:
                return False
            if _pragma(self._connection, "freelist_count"):
                self._connection.execute(f"PRAGMA incremental_vacuum({TIDY_PAGES})").fetchall()
                return True
            if self._path.with_name(f"{NAME}-wal").stat().st_size:
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            return False

    def _connect(self, create: bool) -> sqlite3.Connection:
        if self._connection is None:
            if not (create or self._path.exists() or has_old_files(self.folder)):
                return self._connect_nothing()
            self._connection = self._open()
            self._is_lasting = True
            weakref.finalize(self, self._connection.close)
        return self._connection

    def _connect_nothing(self) -> sqlite3.Connection:
        """Empty tables to read from, so that nobody else has to know that there is no database yet."""
        if self._empty is None:
            self._empty = _new_connection(":memory:")
            _upgrade(self._empty, None)
            weakref.finalize(self, self._empty.close)
        return self._empty

    def _open(self) -> sqlite3.Connection:
        make_folder(self.folder)
        with _alone(self.folder):
            if not self._path.exists():
                # SQLite gives its other files the rights of this one.
                os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            connection = _new_connection(str(self._path))
            try:
                for pragma in _PRAGMAS:
                    connection.execute(f"PRAGMA {pragma}").fetchall()
                connection.execute("PRAGMA synchronous = FULL")
                _upgrade(connection, self.folder)
            except BaseException:
                connection.close()
                raise
        return connection


def _new_connection(path: str) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)


def _upgrade(connection: sqlite3.Connection, folder: Path | None) -> None:
    """Bring the tables to our version; a new database takes over what older versions of Ferry left in `folder`."""
    version = _pragma(connection, "user_version")
    if version > len(STEPS):
        raise StorageError(
            f"it is of version {version}, and this server knows {len(STEPS)}; run the Ferry that wrote it"
        )
    if version < len(STEPS):
        with _transaction(connection):
            for statement in ";".join(STEPS[version:]).split(";"):
                connection.execute(statement)
            if version == 0 and folder is not None:
                read_old_files(connection, folder)
            connection.execute(f"PRAGMA user_version = {len(STEPS)}")
    if folder is not None:
        put_aside(folder)


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Only one process of those that share `folder` is within this at a time."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _telling(fault: str) -> Iterator[None]:
    """What goes wrong is told without the name of any file, nor what was to be stored."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise StorageError(f"{fault}: {_reason(error)}; ask again later.") from error


def _reason(error: Exception) -> str:
    if isinstance(error, sqlite3.Error):
        # The lowest byte is the kind, the others say more than anybody can use; a misuse has none.
        return _REASONS.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, type(error).__name__)
    return error.strerror or "the system refuses" if isinstance(error, OSError) else str(error)
