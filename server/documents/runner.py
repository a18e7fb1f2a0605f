"""The one who translates the stored documents, one after another, and lets none of them stop the others.

What is on the disk is the truth; in memory there is only the order of those that wait and how far the current one is.
"""

import asyncio
import logging
import time
import traceback
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from msgspec.structs import replace

from server.documents.content import translate_document
from server.documents.formats.registry import FORMATS
from server.errors import DocumentNotFoundError, EngineStoppedError, FerryError, InvalidDocumentError
from server.storage.document_store import DocumentStore
from server.storage.record import Record
from server.translation.options import TranslateOptions
from server.translation.translator import Translator

# A document during which the process was killed so often may well be the reason.
MAX_ATTEMPTS = 3
SWEEP_S = 60.0

_log = logging.getLogger("ferry")


@dataclass
class Current:
    """The document that is being translated. `seconds_remaining` is a guess, None as long as there is none."""

    document_id: str
    started: float  # time.monotonic()
    seconds_remaining: int | None = None

    def progress(self, done: int, total: int) -> None:
        """Guess anew, from `done` characters of `total`."""
        if done:
            self.seconds_remaining = round((time.monotonic() - self.started) / done * (total - done))


class Worker:
    """Runs in the event loop; what takes time is done in threads."""

    def __init__(self, store: DocumentStore) -> None:
        self._store = store
        self._waiting: deque[str] = deque()
        self._on_fault: dict[str, Callable[[], None]] = {}
        self._wake = asyncio.Event()
        self.current: Current | None = None
        self.faults: dict[str, str] = {}  # of documents, where not even the disk could be told

    def add(self, document_id: str, on_fault: Callable[[], None]) -> None:
        """Translate a stored document after all others; `on_fault` is called if it turns out that it cannot be."""
        self._on_fault[document_id] = on_fault
        self._waiting.append(document_id)
        self._wake.set()

    async def work(self, translator: Translator) -> None:
        """Translate what is stored and what comes, until cancelled or until the engine stops."""
        self._wake = asyncio.Event()
        self._waiting.clear()
        self._waiting.extend(await self._stored())
        while True:
            while self._waiting:
                if not await self._translate(translator, self._waiting.popleft()):
                    return
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(SWEEP_S):
                    await self._wake.wait()
            await self._sweep()

    async def _stored(self) -> list[str]:
        try:
            return await asyncio.to_thread(self._store.queued)
        except OSError as error:
            _log.error("the folder of documents cannot be read: %s", error.strerror)
            return []

    async def _sweep(self) -> None:
        try:
            await asyncio.to_thread(self._store.sweep)
        except OSError as error:
            _log.warning("the folder of documents cannot be swept: %s", error.strerror)

    async def _translate(self, translator: Translator, document_id: str) -> bool:
        """Translate one document; False if the engine has stopped, so that no other can be translated either."""
        try:
            record = await asyncio.to_thread(self._begin, document_id)
            self.current = Current(document_id, time.monotonic())
            result = await self._result(translator, record, self.current)
            await asyncio.to_thread(self._store.update, _finished(record), result)
            self._on_fault.pop(document_id, None)
        except DocumentNotFoundError:
            self._on_fault.pop(document_id, None)  # forgotten while it waited, or translated already
        except EngineStoppedError:
            return False
        except FerryError as error:
            await self._fail(document_id, str(error))
        except Exception as error:
            frames = "".join(traceback.format_tb(error.__traceback__))
            _log.error("a document could not be translated, %s at\n%s", type(error).__name__, frames)
            await self._fail(document_id, "The server failed on this document; its log says where.")
        finally:
            self.current = None
        return True

    def _begin(self, document_id: str) -> Record:
        record = self._store.get(document_id)
        if record.status != "queued":
            raise DocumentNotFoundError("It is translated already.")
        if record.attempts >= MAX_ATTEMPTS:
            raise InvalidDocumentError(f"The server stopped {record.attempts} times while it translated this document.")
        record = replace(record, attempts=record.attempts + 1)
        self._store.update(record)
        return record

    async def _result(self, translator: Translator, record: Record, current: Current) -> bytes:
        options = TranslateOptions(record.source, record.target, background=True)
        try:
            data = await asyncio.to_thread(self._store.source, record)
            terms = await asyncio.to_thread(self._store.terms, record)
            return await translate_document(translator, FORMATS[record.kind], data, options, terms, current.progress)
        except asyncio.CancelledError:
            # A shutdown is not the document's fault. In this thread: a cancelled task had better not wait.
            with suppress(FerryError):
                self._store.update(replace(record, attempts=record.attempts - 1))
            raise

    async def _fail(self, document_id: str, fault: str) -> None:
        if on_fault := self._on_fault.pop(document_id, None):
            on_fault()
        try:
            record = await asyncio.to_thread(self._store.get, document_id)
            await asyncio.to_thread(self._store.update, replace(_finished(record), status="error", fault=fault))
        except (FerryError, OSError):
            self.faults[document_id] = fault


def _finished(record: Record) -> Record:
    return replace(record, status="done", attempts=0, changed=time.time())
