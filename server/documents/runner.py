"""The one who translates the stored documents, one after another, and lets none of them stop the others.

What is stored is the truth, for all replicas; in memory there is only how far the current one is.
"""

import asyncio
import logging
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass

from server.documents.content import translate_document
from server.documents.formats.registry import find_stored
from server.errors import DocumentNotFoundError, EngineStoppedError, FerryError, InvalidDocumentError, StorageError
from server.storage.document_store import Claim, DocumentStore, not_found
from server.storage.record import Record
from server.storage.usage import Usage
from server.translation.request import TranslateOptions
from server.translation.translator import Translator

# A document during which the process was killed so often may well be the reason.
MAX_ATTEMPTS = 3
# So often one looks whether another replica has taken, or left, something to do.
POLL_S = 1.0

_log = logging.getLogger("ferry")


@dataclass
class Current:
    """The document that is being translated. `seconds_remaining` is a guess, None as long as there is none."""

    document_id: str
    started: float  # time.monotonic()
    seconds_remaining: int | None = None
    is_wanted: bool = True

    def progress(self, done: int, total: int) -> None:
        """Guess anew, from `done` characters of `total`.

        Raises:
            DocumentNotFoundError: it was forgotten meanwhile, so that the rest is of no use.
        """
        if not self.is_wanted:
            raise not_found()
        if done:
            self.seconds_remaining = round((time.monotonic() - self.started) / done * (total - done))


class Runner:
    """Runs in the event loop; what takes time is done in threads."""

    def __init__(self, store: DocumentStore, usage: Usage) -> None:
        self._store = store
        self._usage = usage
        self._wake = asyncio.Event()
        self._can_claim = True
        self.current: Current | None = None
        self.faults: dict[str, str] = {}  # of documents, where not even the disk could be told

    def wake(self) -> None:
        """There is something to do."""
        self._wake.set()

    def give_up(self, document_id: str) -> None:
        """Stop with this document soon, if it is the current one; of another replica's this one knows nothing."""
        if self.current and self.current.document_id == document_id:
            self.current.is_wanted = False

    async def work(self, translator: Translator) -> None:
        """Translate what is stored and what comes, until cancelled or until the engine stops."""
        self._wake = asyncio.Event()
        self._store.work()
        while True:
            self._wake.clear()
            claim = await self._claim()
            if claim is None:
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_S):
                        await self._wake.wait()
            elif not await self._translate(translator, claim):
                return

    async def _claim(self) -> Claim | None:
        try:
            claim = await asyncio.to_thread(self._store.claim)
            self._can_claim = True
            return claim
        except StorageError as error:
            if self._can_claim:
                _log.error("no document can be begun: %s", error)
            self._can_claim = False
            return None

    async def _translate(self, translator: Translator, claim: Claim) -> bool:
        """Translate one document; False if the engine has stopped, so that no other can be translated either."""
        record = claim.record
        self.current = Current(record.document_id, time.monotonic())
        try:
            result = await _result(translator, claim, self.current)
            await asyncio.to_thread(self._store.finish, record.document_id, result)
        except DocumentNotFoundError:
            pass  # forgotten meanwhile
        except EngineStoppedError:
            with suppress(StorageError):
                await asyncio.to_thread(self._store.release, record.document_id)
            return False
        except FerryError as error:
            await self._fail(record, str(error))
        except Exception as error:
            frames = "".join(traceback.format_tb(error.__traceback__))
            _log.error("a document could not be translated, %s at\n%s", type(error).__name__, frames)
            await self._fail(record, "The server failed on this document; its log says where.")
        finally:
            self.current = None
        return True

    async def _fail(self, record: Record, fault: str) -> None:
        if record.caller is not None:
            self._usage.add(record.caller, -record.num_chars)
        try:
            await asyncio.to_thread(self._store.fail, record.document_id, fault)
        except FerryError:
            self.faults[record.document_id] = fault


async def _result(translator: Translator, claim: Claim, current: Current) -> bytes:
    record = claim.record
    if record.attempts > MAX_ATTEMPTS:
        raise InvalidDocumentError(f"The server stopped {MAX_ATTEMPTS} times while it translated this document.")
    options = TranslateOptions(record.source, record.target, formality=record.formality, background=True)
    result = await translate_document(
        translator, find_stored(record.kind), claim.source, options, claim.terms, current.progress
    )
    if result is claim.source:  # only what is in that language already comes back as the bytes that it was
        raise InvalidDocumentError("Source and target language are equal.")
    return result
