"""The documents on the disk: a record each, its source until it is translated, then its result until it is fetched.

All of it touches the disk: call it in a thread. A record is written last and removed first, so what has none is
rubbish. Ids from clients are looked at before they come near the file system; no other name of theirs does.
"""

import logging
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from server.errors import DocumentNotFoundError, StorageError, StoreFullError
from server.storage.disk import make_folder, sync_folder, write_durably
from server.storage.record import RECORD_FORMAT, Record

MAX_DOCUMENTS = 1000
# What a small file really takes of a disk.
_BLOCK_BYTES = 4096

_ID = re.compile(r"[0-9a-f]{32}")
_log = logging.getLogger("ferry")


class DocumentStore:
    """The documents in `folder`, which is made when the first one comes."""

    def __init__(self, folder: Path, max_bytes: int, ttl_s: float) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._ttl_s = ttl_s
        self._lock = threading.Lock()

    def add(self, record: Record, source: bytes, terms: Mapping[str, str]) -> None:
        """Store a document; when this returns it outlives the process.

        Raises:
            StoreFullError, StorageError
        """
        encoded = msgspec.json.encode(terms)
        with _writing():
            self.sweep()
        with self._lock, _writing():
            self._check_space(len(source) + len(encoded))
            make_folder(self._folder)
            try:
                write_durably(self._path(record, "source"), source)
                write_durably(self._path(record, "terms"), encoded)
                self._write_record(record)
            except BaseException:
                self._remove(record.document_id)
                raise

    def get(self, document_id: str) -> Record:
        """The record of a document.

        Raises:
            DocumentNotFoundError, StorageError
        """
        if not _ID.fullmatch(document_id):
            raise _not_found()
        try:
            return _decode(_read(self._folder / f"{document_id}.json"))
        except msgspec.MsgspecError as error:
            raise _not_found() from error

    def source(self, record: Record) -> bytes:
        """The document as it came.

        Raises:
            DocumentNotFoundError
        """
        return self._read(record, "source")

    def terms(self, record: Record) -> Mapping[str, str]:
        """The terms that go with it, from glossaries.

        Raises:
            DocumentNotFoundError
        """
        return msgspec.json.decode(self._read(record, "terms"), type=dict[str, str])

    def update(self, record: Record, result: bytes | None = None) -> None:
        """Store a new state of a document that is still there, with its result if it has one now.

        Raises:
            DocumentNotFoundError, StorageError
        """
        with self._lock, _writing():
            self.get(record.document_id)
            if result is not None:
                write_durably(self._path(record, "result"), result)
            self._write_record(record)
            if record.status != "queued":
                for suffix in ("source", "terms"):
                    self._path(record, suffix).unlink(missing_ok=True)

    def take(self, document_id: str) -> bytes:
        """The result of a document that is done, which is then forgotten.

        Raises:
            DocumentNotFoundError
        """
        with self._lock:
            record = self.get(document_id)
            result = self._read(record, "result")
            self._remove(document_id)
            return result

    def queued(self) -> list[str]:
        """The ids of the documents that wait, first come first; what a process that was killed left half is removed."""
        with self._lock:
            records = {record.document_id: record for record in self._records()}
            for path in self._files():
                if path.name.partition(".")[0] not in records or path.suffix == ".new":
                    path.unlink(missing_ok=True)
        waiting = [record for record in records.values() if record.status == "queued"]
        return [record.document_id for record in sorted(waiting, key=lambda record: record.accepted)]

    def sweep(self) -> None:
        """Forget the documents that are translated and have not been fetched for too long."""
        with self._lock:
            for record in self._records():
                if record.status != "queued" and record.changed + self._ttl_s <= time.time():
                    self._remove(record.document_id)

    def _check_space(self, num_bytes: int) -> None:
        sizes = [path.stat().st_size for path in self._files()]
        taken = sum(map(_on_disk, sizes))
        if taken + _on_disk(num_bytes) > self._max_bytes:
            raise StoreFullError(
                f"The stored documents take {taken} of {self._max_bytes} bytes, too many for this one; "
                "fetch those that are done, or ask again later."
            )
        if sum(path.suffix == ".json" for path in self._files()) >= MAX_DOCUMENTS:
            raise StoreFullError(
                f"There are {MAX_DOCUMENTS} documents, the most there may be; fetch those that are done."
            )

    def _write_record(self, record: Record) -> None:
        write_durably(self._path(record, "json"), msgspec.json.encode(record))

    def _remove(self, document_id: str) -> None:
        for suffix in ("json", "source", "terms", "result"):
            with suppress(FileNotFoundError):
                (self._folder / f"{document_id}.{suffix}").unlink()
        with suppress(FileNotFoundError):
            sync_folder(self._folder)

    def _read(self, record: Record, suffix: str) -> bytes:
        return _read(self._path(record, suffix))

    def _path(self, record: Record, suffix: str) -> Path:
        return self._folder / f"{record.document_id}.{suffix}"

    def _files(self) -> Iterator[Path]:
        """Our files, and no others that may lie there."""
        return (path for path in self._folder.glob("*.*") if _ID.fullmatch(path.name.partition(".")[0]))

    def _records(self) -> Iterator[Record]:
        for path in self._files():
            if path.suffix == ".json":
                try:
                    yield _decode(path.read_bytes())
                except FileNotFoundError:
                    continue  # fetched since it was listed
                except msgspec.MsgspecError:
                    _log.warning("the record of a document is damaged; the document is forgotten")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise _not_found() from error
    except OSError as error:
        raise StorageError(f"The document could not be read: {error.strerror}; ask again later.") from error


def _decode(content: bytes) -> Record:
    record = msgspec.json.decode(content, type=Record)
    if record.format != RECORD_FORMAT:
        raise msgspec.ValidationError(f"format {record.format} is not {RECORD_FORMAT}")
    return record


@contextmanager
def _writing() -> Iterator[None]:
    """A disk that does not take something is told without the name of any file."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"The document could not be stored: {error.strerror}; ask again later.") from error


def _on_disk(num_bytes: int) -> int:
    return -(-num_bytes // _BLOCK_BYTES) * _BLOCK_BYTES


def _not_found() -> DocumentNotFoundError:
    return DocumentNotFoundError("There is no such document: the id or the key is wrong, or it was fetched already.")
