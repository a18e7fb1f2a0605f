"""Documents over the fake engine, and a way to wait for them that takes no longer than they do."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from server.documents.formats.registry import FORMATS
from server.documents.jobs import Documents, Handle, Order, Progress
from server.models.models import Models
from server.settings import ServeSettings
from server.storage.database import NAME, Database
from server.storage.storage import Storage
from server.storage.usage import Usage
from server.translation.translator import Translator

PATIENCE_S = 60


@pytest.fixture
def settings(tmp_path: Path) -> ServeSettings:
    return ServeSettings(data=tmp_path / "data")


class Refunds(Usage):
    """Who was given characters back; None fails the test if anybody is."""

    told: list[str] | None = None

    def add(self, caller: str, num_chars: int) -> None:
        assert num_chars < 0
        if self.told is None:
            pytest.fail("the document was given up")
        self.told.append(caller)


def open_documents(settings: ServeSettings, told: list[str] | None = None) -> Documents:
    """The documents of a replica, as another process would have them."""
    usage = Refunds(Database(settings.data))
    usage.told = told
    return Documents(Storage(settings).documents, usage)


def rows(settings: ServeSettings, query: str = "SELECT document_id, status FROM documents") -> list[tuple[object, ...]]:
    """What the database has."""
    with closing(sqlite3.connect(settings.data / NAME)) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture
def translator(models: Models, settings: ServeSettings) -> Translator:
    return Translator(models, settings.limits)


def order(text: str | bytes, kind: str = "txt", source: str | None = "de", target: str = "en", **terms: str) -> Order:
    data = text.encode() if isinstance(text, str) else text
    return Order(FORMATS[kind], data, len(data), source, target, terms)


async def until(documents: Documents, handle: Handle, fits: Callable[[Progress], bool]) -> Progress:
    """How far a document is as soon as `fits` says so; asking reads the disk, so it is no idle loop."""
    async with asyncio.timeout(PATIENCE_S):
        while not fits(progress := await documents.look_up(handle.document_id, handle.key)):
            pass
    return progress


async def finished(documents: Documents, handle: Handle) -> Progress:
    return await until(documents, handle, lambda progress: progress.status in ("done", "error"))


async def begun(documents: Documents, handle: Handle) -> None:
    await until(documents, handle, lambda progress: progress.status == "translating")
