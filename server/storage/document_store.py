"""The documents: each waits, is claimed by one replica, and has its source replaced by its result until it is fetched.

All of it touches the disk: call it in a thread.
"""

import re
import sqlite3
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import astuple, dataclass, fields

import msgspec

from server.errors import DocumentNotFoundError, StorageError, StoreFullError
from server.storage.database import Database
from server.storage.once import Once
from server.storage.record import Record
from server.storage.seat import Seat
from server.storage.tables import INSERT_CONTENT, INSERT_DOCUMENT

MAX_DOCUMENTS = 1000
# What a small document really takes of a disk.
_BLOCK_BYTES = 4096

_ID = re.compile(r"[0-9a-f]{32}")
_COLUMNS = ", ".join(field.name for field in fields(Record))
_WHAT = "The document"
_OLD = "status <> 'queued' AND changed <= ?"


@dataclass(frozen=True)
class Claim:
    """A document that is ours to translate, with its terms from glossaries."""

    record: Record
    source: bytes
    terms: Mapping[str, str]


class DocumentStore:
    """The documents of all replicas. For any thread."""

    def __init__(self, database: Database, max_bytes: int, ttl_s: float) -> None:
        """Share the documents with all that use `database`.

        Args:
            database: where they are.
            max_bytes: that all of them may take.
            ttl_s: seconds after which one that is translated, and not fetched, is forgotten.
        """
        self._database = database
        self._max_bytes = max_bytes
        self._ttl_s = ttl_s
        self._seat = Seat(database.folder)
        self._is_working = False
        self._results = Once(
            database,
            _WHAT,
            "SELECT content FROM contents NATURAL JOIN documents WHERE document_id = ? AND status = 'done'",
            "DELETE FROM documents WHERE document_id = ? AND status = 'done'",
        )

    def add(self, record: Record, source: bytes, terms: Mapping[str, str]) -> None:
        """Store a document; when this returns it outlives the process.

        Args:
            record: what is told of it.
            source: the document as it came.
            terms: of glossaries, and what each must become.

        Raises:
            StoreFullError: all documents take as much as they may.
            StorageError: nothing is stored.
        """
        encoded = msgspec.json.encode(terms).decode()
        num_bytes = on_disk(len(source) + len(encoded))
        with self._database.writing(_WHAT) as connection:
            self._forget_old(connection)
            self._check_space(connection, num_bytes)
            connection.execute(INSERT_DOCUMENT, (*astuple(record), num_bytes))
            connection.execute(INSERT_CONTENT, (record.document_id, encoded, source))

    def get(self, document_id: str) -> Record:
        """The record of a document.

        Raises:
            DocumentNotFoundError: there is none.
            StorageError: it cannot be read.
        """
        if not _ID.fullmatch(document_id) or document_id in self._results:
            raise not_found()
        with self._database.reading(_WHAT) as connection:
            return _find(connection, document_id)

    def take(self, document_id: str) -> bytes:
        """The result of a document that is done, which is then forgotten.

        Raises:
            DocumentNotFoundError: there is none, or somebody was faster.
            StorageError: it cannot be read.
        """
        self.get(document_id)
        result = self._results.take(document_id)
        if result is None:
            raise not_found()
        return result

    def remove(self, document_id: str) -> Record:
        """Forget a document, whether it is translated or not; what it was then.

        Raises:
            DocumentNotFoundError: there is none, or somebody was faster.
            StorageError: it is still there.
        """
        self.get(document_id)
        with self._database.writing(_WHAT) as connection:
            record = _find(connection, document_id)
            connection.execute("DELETE FROM documents WHERE document_id = ?", (document_id,))
        return record

    def work(self) -> None:
        """From now on we claim documents."""
        self._is_working = True

    def claim(self) -> Claim | None:
        """The document that has waited longest, which is ours from now on; None if no document waits.

        Raises:
            StorageError: nothing is claimed.
        """
        with self._database.reading(_WHAT) as connection:
            query = "SELECT DISTINCT seat FROM documents WHERE status = 'queued' AND (seat IS NULL OR seat IS NOT ?)"
            seats = {seat for (seat,) in connection.execute(query, (self._seat.number,))}
        for seat in seats - {None}:
            if self._release_dead(seat):
                seats.add(None)
        return self._claim() if None in seats else None

    def finish(self, document_id: str, result: bytes) -> None:
        """Store the translation of a document that we claimed.

        Raises:
            DocumentNotFoundError: it is not there, or not ours, any more.
            StorageError: nothing is stored.
        """
        with self._database.writing(_WHAT) as connection:
            self._end(connection, document_id, "done", "", on_disk(len(result)))
            query = "UPDATE contents SET content = ?, terms = '{}' WHERE document_id = ?"
            connection.execute(query, (result, document_id))

    def fail(self, document_id: str, fault: str) -> None:
        """Store why a document that we claimed has no translation.

        Raises:
            DocumentNotFoundError: it is not there, or not ours, any more.
            StorageError: nothing is stored.
        """
        with self._database.writing(_WHAT) as connection:
            self._end(connection, document_id, "error", fault, on_disk(0))
            connection.execute("DELETE FROM contents WHERE document_id = ?", (document_id,))

    def release(self, document_id: str) -> None:
        """Let another replica try what we could not.

        Raises:
            StorageError: it is still ours, as long as we run.
        """
        with self._database.writing(_WHAT) as connection:
            query = "UPDATE documents SET seat = NULL WHERE document_id = ? AND seat = ?"
            connection.execute(query, (document_id, self._seat.number))

    def leave(self) -> None:
        """Claim nothing any more; what we have begun waits for others, as if we had not: an end is not its fault."""
        self._is_working = False
        if self._seat.number is None:
            return
        # On a disk that takes nothing our seat is free all the same, which says enough.
        with suppress(StorageError), self._database.writing(_WHAT) as connection:
            query = "UPDATE documents SET seat = NULL, attempts = attempts - 1 WHERE status = 'queued' AND seat = ?"
            connection.execute(query, (self._seat.number,))
        self._seat.leave()

    def sweep(self) -> None:
        """Forget the documents that are translated and have not been fetched for too long.

        Raises:
            StorageError: they are still there.
        """
        self._results.sweep()
        with self._database.reading(_WHAT) as connection:
            old = connection.execute(
                f"SELECT EXISTS (SELECT 1 FROM documents WHERE {_OLD})", (self._latest,)
            ).fetchone()
        if old[0]:
            with self._database.writing(_WHAT) as connection:
                self._forget_old(connection)

    @property
    def _latest(self) -> float:
        return time.time() - self._ttl_s

    def _forget_old(self, connection: sqlite3.Connection) -> None:
        connection.execute(f"DELETE FROM documents WHERE {_OLD}", (self._latest,))

    def _check_space(self, connection: sqlite3.Connection, num_bytes: int) -> None:
        count, taken = connection.execute("SELECT count(*), coalesce(sum(num_bytes), 0) FROM documents").fetchone()
        if taken + num_bytes > self._max_bytes:
            raise StoreFullError(
                f"The stored documents take {taken} of {self._max_bytes} bytes, too many for this one; "
                "fetch those that are done, or ask again later."
            )
        if count >= MAX_DOCUMENTS:
            raise StoreFullError(
                f"There are {MAX_DOCUMENTS} documents, the most there may be; fetch those that are done."
            )

    def _claim(self) -> Claim | None:
        self._sit_down()
        with self._database.writing(_WHAT) as connection:
            query = "SELECT document_id FROM documents WHERE status = 'queued' AND seat IS NULL ORDER BY accepted"
            found = connection.execute(f"{query} LIMIT 1").fetchone()
            if found is None or not self._is_working:
                return None  # another replica was faster
            query = "UPDATE documents SET seat = ?, attempts = attempts + 1 WHERE document_id = ?"
            connection.execute(query, (self._seat.number, *found))
            query = "SELECT terms, content FROM contents WHERE document_id = ?"
            terms, source = connection.execute(query, found).fetchone()
            return Claim(_find(connection, found[0]), source, msgspec.json.decode(terms, type=dict[str, str]))

    def _sit_down(self) -> None:
        if self._seat.number is not None:
            return
        try:
            with self._database.writing(_WHAT) as connection:
                # Whoever had it has ended, so what it had claimed waits again.
                connection.execute("UPDATE documents SET seat = NULL WHERE seat = ?", (self._seat.take(),))
        except BaseException:
            self._seat.leave()
            raise

    def _release_dead(self, seat: int) -> bool:
        """Take from a replica what it had claimed, if it has ended; whether it has."""
        with self._seat.kept_free(seat) as is_free:
            if is_free:
                with self._database.writing(_WHAT) as connection:
                    connection.execute("UPDATE documents SET seat = NULL WHERE seat = ?", (seat,))
            return is_free

    def _end(self, connection: sqlite3.Connection, document_id: str, status: str, fault: str, num_bytes: int) -> None:
        query = """
            UPDATE documents SET status = ?, fault = ?, num_bytes = ?, changed = ?, attempts = 0, seat = NULL
            WHERE document_id = ? AND status = 'queued' AND seat = ?
        """
        values = (status, fault, num_bytes, time.time(), document_id, self._seat.number)
        if connection.execute(query, values).rowcount == 0:
            raise not_found()


def on_disk(num_bytes: int) -> int:
    """What a document with so many bytes is counted as."""
    return max(-(-num_bytes // _BLOCK_BYTES), 1) * _BLOCK_BYTES


def not_found() -> DocumentNotFoundError:
    """There is none, or it is none of the caller's business."""
    return DocumentNotFoundError("There is no such document: the id or the key is wrong, or it was fetched already.")


def _find(connection: sqlite3.Connection, document_id: str) -> Record:
    row = connection.execute(f"SELECT {_COLUMNS} FROM documents WHERE document_id = ?", (document_id,)).fetchone()
    if row is None:
        raise not_found()
    return Record(*row)
