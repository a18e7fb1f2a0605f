"""All that clients store, in one database: opened at the start, and put in order while the server runs."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from server.errors import StorageError
from server.settings import ServeSettings
from server.storage.database import Database
from server.storage.document_store import DocumentStore
from server.storage.file_store import FileStore
from server.storage.glossary_store import GlossaryStore
from server.storage.usage import Usage

SWEEP_S = 60.0

_log = logging.getLogger("ferry")


class Storage:
    """The stores over the database of a data folder."""

    def __init__(self, settings: ServeSettings) -> None:
        """
        Raises:
            SettingsError: the database is there and cannot be used.
        """
        self._database = Database(settings.data)
        self._database.prepare()
        self.documents = DocumentStore(self._database, settings.max_stored_bytes, settings.document_ttl_s)
        self.glossaries = GlossaryStore(self._database)
        self.files = FileStore(self._database)
        self.usage = Usage(self._database)

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """While the context lasts, counts are written and what became too old is removed; then the files are closed."""
        task = asyncio.create_task(self._sweep_now_and_then())
        try:
            async with self.usage.kept():
                yield
        finally:
            task.cancel()
            self._database.close()

    def sweep(self) -> None:
        """Remove what is too old, and give the disk back what it took.

        Raises:
            StorageError: it is still there.
        """
        self.documents.sweep()
        self.files.sweep()
        self._database.tidy()

    async def _sweep_now_and_then(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self.sweep)
            except StorageError as error:
                _log.warning("what is too old cannot be removed: %s", error)
            await asyncio.sleep(SWEEP_S)
