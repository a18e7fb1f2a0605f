"""The documents of all clients: accepted, asked after, and fetched once. Who translates them is in `runner`."""

import asyncio
import secrets
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Literal

from server.documents.formats.format import Format
from server.documents.formats.registry import find_stored
from server.documents.runner import Runner
from server.errors import DocumentNotFoundError, DocumentNotReadyError
from server.storage.document_store import DocumentStore, not_found
from server.storage.record import Record, hash_document_key
from server.storage.usage import Usage
from server.translation.request import Formality
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
    formality: Formality = "default"


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

    def __init__(self, store: DocumentStore, usage: Usage) -> None:
        self._store = store
        self._usage = usage
        self._worker = Runner(store, usage)

    @asynccontextmanager
    async def running(self, translator: Translator) -> AsyncIterator[None]:
        """Translate documents as long as this is open; what is not finished then waits for others, or the next time."""
        task = asyncio.create_task(self._worker.work(translator))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            self._store.leave()

    async def accept(self, order: Order, caller: str) -> Handle:
        """Store a document and have it translated, by whichever replica comes to it first.

        Args:
            order: the document, and what is wanted.
            caller: was charged for it, and gets its characters back if it cannot be translated.

        Raises:
            StoreFullError: all documents take as much as they may.
            StorageError: nothing is stored.
        """
        handle = Handle(uuid.uuid4().hex, secrets.token_hex(_KEY_BYTES))
        now = time.time()
        record = Record(
            document_id=handle.document_id,
            key_hash=hash_document_key(handle.key),
            kind=order.format.stored_as,
            source=order.source,
            target=order.target,
            num_chars=order.num_chars,
            caller=caller,
            accepted=now,
            changed=now,
            formality=order.formality,
        )
        await asyncio.to_thread(self._store.add, record, order.data, order.terms)
        self._worker.wake()
        return handle

    async def look_up(self, document_id: str, key: str) -> Progress:
        """How far a document is.

        Raises:
            DocumentNotFoundError: there is none with this id and key.
            StorageError: it cannot be read.
        """
        record = await self._find(document_id, key)
        if fault := self._fault(record):
            return Progress("error", record.num_chars, fault=fault)
        if record.seat is None:
            return Progress(record.status, record.num_chars)
        current = self._worker.current
        # Another replica's guess is not known here.
        guess = current.seconds_remaining if current and current.document_id == document_id else None
        return Progress("translating", record.num_chars, guess)

    async def take(self, document_id: str, key: str) -> tuple[Format, bytes]:
        """The translated document, which is then forgotten.

        Raises:
            DocumentNotFoundError: there is none with this id and key, or it cannot be translated.
            DocumentNotReadyError: it is not translated yet.
            StorageError: it cannot be read.
        """
        record = await self._find(document_id, key)
        if fault := self._fault(record):
            raise DocumentNotFoundError(f"There is no translation: {fault}")
        if record.status != "done":
            raise DocumentNotReadyError("The document is not translated yet; ask for its status until it is done.")
        return find_stored(record.kind), await asyncio.to_thread(self._store.take, document_id)

    async def cancel(self, document_id: str, key: str) -> None:
        """Forget a document; if nobody has begun with it, its owner gets its characters back.

        Raises:
            DocumentNotFoundError: there is none with this id and key.
            StorageError: it is still there.
        """
        await self._find(document_id, key)
        record = await asyncio.to_thread(self._store.remove, document_id)
        if record.status == "queued" and record.seat is None and record.caller is not None:
            self._usage.add(record.caller, -record.num_chars)
        self._worker.give_up(document_id)

    def _fault(self, record: Record) -> str:
        return self._worker.faults.get(record.document_id, record.fault)

    async def _find(self, document_id: str, key: str) -> Record:
        record = await asyncio.to_thread(self._store.get, document_id)
        if not record.fits(key):
            raise not_found()
        return record
