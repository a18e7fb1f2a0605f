"""Documents over the fake engine, and a way to wait for them that takes no longer than they do."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from server.documents.formats.registry import FORMATS
from server.documents.jobs import Documents, Handle, Order, Progress
from server.models.models import Models
from server.settings import ServeSettings
from server.translation.translator import Translator

PATIENCE_S = 60


@pytest.fixture
def settings(tmp_path: Path) -> ServeSettings:
    return ServeSettings(data=tmp_path / "data")


@pytest.fixture
def folder(settings: ServeSettings) -> Path:
    return settings.data / "documents"


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


def nobody_is_told() -> None:
    pytest.fail("the document was given up")
