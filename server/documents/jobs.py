"""The documents of all clients: accepted, asked after, and fetched once. Who translates them is in `worker`."""

import asyncio
import secrets
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Literal

from server.documents.formats.registry import FORMATS, Format
from server.documents.runner import Worker
from server.errors import DocumentNotFoundError, DocumentNotReadyError
from server.settings import ServeSettings
from server.storage.document_store import DocumentStore
from server.storage.record import RECORD_FORMAT, Record, hash_key
from server.translation.translator import Translator

_KEY_BYTES = 32

Status = Literal["queued", "translating", "done", "error"]


@dataclass(frozen=True)
class Order:
    """A document that somebody wants translated; `source` None is detected."""

    format: Format
    data: bytes
    num_chars: int
    source: str | None
    target: str
    terms: Mapping[str, str]


@dataclass(frozen=True)
class Handle:
    """What the client has to show for its document."""

    document_id: str
    key: str


@dataclass(frozen=True)
class Progress:
    """How far a document is. `seconds_remaining` is a guess, None where there is nothing to guess from."""

    status: Status
    num_chars: int
    seconds_remaining: int | None = None
    fault: str = ""


class Documents:
    """All documents. Everything but the disk happens in the event loop's thread."""

    def __init__(self, settings: ServeSettings) -> None:
        folder = settings.data / "documents"
        self._store = DocumentStore(folder, settings.max_stored_bytes, settings.document_ttl_s)
        self._worker = Worker(self._store)

    @asynccontextmanager
    async def running(self, translator: Translator) -> AsyncIterator[None]:
        """Translate documents as long as this is open; what is not finished then waits for the next time."""
        task = asyncio.create_task(self._worker.work(translator))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def accept(self, order: Order, on_fault: Callable[[], None]) -> Handle:
        """Store a document and have it translated.

        Args:
            order: the document, and what is wanted.
            on_fault: called if this process finds out that it cannot be translated.

        Raises:
            StoreFullError: there is no room for it now.
            StorageError: the disk did not take it.
        """
        handle = Handle(uuid.uuid4().hex, secrets.token_hex(_KEY_BYTES))
        now = time.time()
        record = Record(
            format=RECORD_FORMAT,
            document_id=handle.document_id,
            key_hash=hash_key(handle.key),
            kind=order.format.name,
            source=order.source,
            target=order.target,
            num_chars=order.num_chars,
            accepted=now,
            changed=now,
        )
        await asyncio.to_thread(self._store.add, record, order.data, order.terms)
        self._worker.add(handle.document_id, on_fault)
        return handle

    async def look_up(self, document_id: str, key: str) -> Progress:
        """How far a document is.

        Raises:
            DocumentNotFoundError: the id or the key is wrong, or it was fetched.
        """
        record = await self._find(document_id, key)
        if fault := self._fault(record):
            return Progress("error", record.num_chars, fault=fault)
        current = self._worker.current
        if current is not None and current.document_id == record.document_id and record.status == "queued":
            return Progress("translating", record.num_chars, current.seconds_remaining)
        return Progress(record.status, record.num_chars)

    async def take(self, document_id: str, key: str) -> tuple[Format, bytes]:
        """The translated document, which is then forgotten.

        Raises:
            DocumentNotFoundError: the id or the key is wrong, it was fetched, or it could not be translated.
            DocumentNotReadyError: it is not translated yet.
        """
        record = await self._find(document_id, key)
        if fault := self._fault(record):
            raise DocumentNotFoundError(f"There is no translation: {fault}")
        if record.status != "done":
            raise DocumentNotReadyError("The document is not translated yet; ask for its status until it is done.")
        return FORMATS[record.kind], await asyncio.to_thread(self._store.take, document_id)

    def _fault(self, record: Record) -> str:
        return self._worker.faults.get(record.document_id, record.fault)

    async def _find(self, document_id: str, key: str) -> Record:
        record = await asyncio.to_thread(self._store.get, document_id)
        if not record.fits(key):
            raise DocumentNotFoundError("There is no such document: the id or the key is wrong, or it was fetched.")
        return record
