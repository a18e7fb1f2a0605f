"""Documents in the background: one after another, on the disk, fetched once, and none stops the others."""

import asyncio
import logging
import resource
import stat
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest

from server.documents.formats.registry import FORMATS
from server.documents.jobs import Documents, Handle
from server.documents.runner import MAX_ATTEMPTS
from server.errors import (
    DocumentNotFoundError,
    DocumentNotReadyError,
    EngineStoppedError,
    InvalidRequestError,
    StorageError,
    StoreFullError,
)
from server.models.models import Models
from server.settings import ServeSettings
from server.storage import document_store as store_module
from server.storage.database import Database
from server.translation.translator import Translator
from tests.server.conftest import MakeModel
from tests.server.documents.conftest import begun, finished, open_documents, order, rows
from tests.server.fakes import FakeEngine


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


async def asked(engine: FakeEngine, documents: Documents, handle: Handle) -> None:
    """Wait until the engine has been asked; looking at the document reads the disk, so this is no idle loop."""
    async with asyncio.timeout(60):
        while not engine.sources:
            await documents.look_up(handle.document_id, handle.key)


@pytest.fixture
def held(make_model: MakeModel) -> FakeEngine:
    return FakeEngine(hold=True)


@pytest.fixture
def slow(make_model: MakeModel, held: FakeEngine, settings: ServeSettings) -> Translator:
    return Translator(Models((make_model(held),)), settings.limits)


def test_the_life_of_a_document(settings: ServeSettings, slow: Translator, held: FakeEngine) -> None:
    async def live() -> None:
        documents = open_documents(settings)
        async with documents.running(slow):
            handle = await documents.accept(order("Der Hund.\nDas Haus.\n"), "anna")
            await begun(documents, handle)
            with pytest.raises(DocumentNotReadyError):
                await documents.take(handle.document_id, handle.key)
            second = await documents.accept(order("Zwei."), "anna")
            assert (await documents.look_up(second.document_id, second.key)).status == "queued"
            held.release()
            held.hold = False
            progress = await finished(documents, handle)
            assert (progress.status, progress.num_chars, progress.fault) == ("done", 20, "")
            await finished(documents, second)
            kind, data = await documents.take(handle.document_id, handle.key)
            assert (kind, data) == (FORMATS["txt"], b"Der Hund.\nDas Haus.\n")
            for ask in (documents.take, documents.look_up):
                with pytest.raises(DocumentNotFoundError):
                    await ask(handle.document_id, handle.key)
            await documents.take(second.document_id, second.key)

    run(live())
    assert rows(settings) == rows(settings, "SELECT * FROM contents") == []
    assert stat.S_IMODE(settings.data.stat().st_mode) == 0o700


def test_what_is_cancelled_is_translated_no_further(
    settings: ServeSettings, slow: Translator, held: FakeEngine
) -> None:
    told: list[str] = []

    async def live() -> None:
        documents = open_documents(settings, told)
        async with documents.running(slow):
            long = await documents.accept(order("".join(f"Satz {n}.\n" for n in range(2000))), "anna")
            waiting = await documents.accept(order("Zwei."), "bert")
            await asked(held, documents, long)
            with pytest.raises(DocumentNotFoundError):
                await documents.cancel(waiting.document_id, long.key)
            await documents.cancel(waiting.document_id, waiting.key)
            await documents.cancel(long.document_id, long.key)
            for handle in (long, waiting):
                with pytest.raises(DocumentNotFoundError):
                    await documents.look_up(handle.document_id, handle.key)
            held.release()
            held.hold = False
            third = await documents.accept(order("Drei."), "anna")
            assert (await finished(documents, third)).status == "done"
            await documents.cancel(third.document_id, third.key)

    run(live())
    assert told == ["bert"]  # somebody had begun with the others
    assert len(held.sources) < 1000  # not all of the long one
    assert rows(settings) == rows(settings, "SELECT * FROM contents") == []


def test_only_one_gets_it(settings: ServeSettings, translator: Translator) -> None:
    async def live() -> None:
        documents = open_documents(settings)
        async with documents.running(translator):
            handle = await documents.accept(order("Haus."), "anna")
            await finished(documents, handle)
            asked = [documents.take(handle.document_id, handle.key) for _ in range(8)]
            found = await asyncio.gather(*asked, return_exceptions=True)
            assert sum(isinstance(each, tuple) for each in found) == 1
            assert sum(isinstance(each, DocumentNotFoundError) for each in found) == 7

    run(live())


def test_ids_and_keys(settings: ServeSettings, translator: Translator) -> None:
    async def live() -> None:
        documents = open_documents(settings)
        handle = await documents.accept(order("Haus."), "anna")
        other = await documents.accept(order("Haus."), "anna")
        assert handle.key.encode() not in b"".join(path.read_bytes() for path in settings.data.iterdir())
        before = rows(settings, "SELECT * FROM documents")
        wrong = [
            handle.document_id[:-1],
            f"../documents/{handle.document_id}",
            f"{handle.document_id}\n",
            "",
            "*",
            "a\0",
        ]
        for document_id, key in [
            (handle.document_id, other.key),
            (handle.document_id, ""),
            (handle.document_id, "\ud800"),
            (other.document_id, handle.key),
            *((each, handle.key) for each in wrong),
        ]:
            with pytest.raises(DocumentNotFoundError):
                await documents.look_up(document_id, key)
            with pytest.raises(DocumentNotFoundError):
                await documents.take(document_id, key)
        assert rows(settings, "SELECT * FROM documents") == before

    run(live())


def test_a_shutdown_leaves_documents_for_the_next_start(
    settings: ServeSettings, slow: Translator, held: FakeEngine, translator: Translator
) -> None:
    async def live() -> list[Handle]:
        documents = open_documents(settings)
        async with documents.running(slow):
            handles = [await documents.accept(order(f"Haus {i}."), "anna") for i in range(3)]
            await asked(held, documents, handles[0])
        assert held.futures[0].cancelled()
        assert (await documents.look_up(handles[0].document_id, handles[0].key)).status == "queued"
        return handles

    async def again(handles: list[Handle]) -> None:
        documents = open_documents(settings)
        async with documents.running(translator):
            for i, handle in enumerate(handles):
                await finished(documents, handle)
                assert (await documents.take(handle.document_id, handle.key))[1] == f"Haus {i}.".encode()

    run(again(asyncio.run(live())))


def test_many_shutdowns_are_no_reason_to_give_up(
    settings: ServeSettings, slow: Translator, held: FakeEngine, translator: Translator
) -> None:
    async def live() -> None:
        documents = open_documents(settings)
        handle = await documents.accept(order("Haus."), "anna")
        for _ in range(MAX_ATTEMPTS + 1):
            async with documents.running(slow):
                await asked(held, documents, handle)
                held.sources.clear()
        async with documents.running(translator):
            assert (await finished(documents, handle)).status == "done"

    run(live())


def test_a_document_that_stops_the_server_each_time_is_given_up(settings: ServeSettings, make_model: MakeModel) -> None:
    engine = FakeEngine(refusal=EngineStoppedError("stopped"))
    translator = Translator(Models((make_model(engine),)), settings.limits)
    told: list[str] = []

    async def live() -> None:
        documents = open_documents(settings, told)
        handle = await documents.accept(order("Haus."), "bert")
        for _ in range(MAX_ATTEMPTS):
            await asyncio.wait_for(documents._worker.work(translator), 60)
            assert (await documents.look_up(handle.document_id, handle.key)).status == "queued"
        engine.refusal = None
        async with documents.running(translator):
            progress = await finished(documents, handle)
            assert (progress.status, told) == ("error", ["bert"])
            assert "stopped 3 times" in progress.fault
            better = await documents.accept(order("Haus."), "anna")
            assert (await finished(documents, better)).status == "done"

    run(live())


def test_one_that_fails_does_not_stop_the_others(
    settings: ServeSettings, translator: Translator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []
    secret = "".join(("Ge", "heim"))  # a traceback shows lines of code
    real = translator.translate

    async def translate(texts: Any, options: Any) -> Any:
        if "Unser" in texts[0]:
            raise RuntimeError(secret)
        if "Ihr" in texts[0]:
            raise InvalidRequestError("it is yours")
        return await real(texts, options)

    monkeypatch.setattr(translator, "translate", translate)

    async def live() -> None:
        documents = open_documents(settings, told)
        async with documents.running(translator):
            ours = await documents.accept(order("Unser Fehler."), "ours")
            yours = await documents.accept(order("Ihr Fehler."), "yours")
            good = await documents.accept(order("Haus."), "anna")
            assert (await finished(documents, good)).status == "done"
            progress = await finished(documents, ours)
            assert (progress.status, progress.fault) == (
                "error",
                "The server failed on this document; its log says where.",
            )
            assert (await finished(documents, yours)).fault == "it is yours"
            with pytest.raises(DocumentNotFoundError, match="it is yours"):
                await documents.take(yours.document_id, yours.key)

    with caplog.at_level(logging.DEBUG, "ferry"):
        run(live())
    assert told == ["ours", "yours"]
    assert "RuntimeError" in caplog.text
    assert secret not in caplog.text
    assert "Fehler" not in caplog.text


def test_old_documents_are_forgotten(
    settings: ServeSettings, translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def live() -> None:
        documents = open_documents(replace(settings, document_ttl_s=60))
        async with documents.running(translator):
            handle = await documents.accept(order("Haus."), "anna")
            await finished(documents, handle)
        waiting = await documents.accept(order("Zwei."), "anna")
        real = store_module.time.time()
        monkeypatch.setattr(store_module.time, "time", lambda: real + 59)
        documents._store.sweep()
        await documents.look_up(handle.document_id, handle.key)
        monkeypatch.setattr(store_module.time, "time", lambda: real + 61)
        documents._store.sweep()
        with pytest.raises(DocumentNotFoundError):
            await documents.look_up(handle.document_id, handle.key)
        assert (await documents.look_up(waiting.document_id, waiting.key)).status == "queued"

    run(live())
    assert len(rows(settings)) == len(rows(settings, "SELECT * FROM contents")) == 1, "of the one that waits"


def test_the_store_is_limited_in_size(settings: ServeSettings) -> None:
    async def live() -> None:
        documents = open_documents(replace(settings, max_stored_bytes=40_000))
        await documents.accept(order("x" * 20_000), "anna")
        before = rows(settings)
        with pytest.raises(StoreFullError, match="of 40000 bytes"):
            await documents.accept(order("x" * 20_000), "anna")
        assert rows(settings) == before
        await documents.accept(order("x"), "anna")

    run(live())


def test_the_store_is_limited_in_number(settings: ServeSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "MAX_DOCUMENTS", 2)

    async def live() -> None:
        documents = open_documents(settings)
        for _ in range(2):
            await documents.accept(order("x"), "anna")
        with pytest.raises(StoreFullError, match="2 documents"):
            await documents.accept(order("x"), "anna")

    run(live())


class SmallFiles:
    """No file may grow beyond some bytes, as on a full disk."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes

    def __enter__(self) -> None:
        self._before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self._max_bytes, self._before[1]))

    def __exit__(self, *_: object) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)


@pytest.mark.parametrize("max_bytes", [0, 100, 5000])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_full_disk_leaves_nothing_half_written(settings: ServeSettings, max_bytes: int, is_first: bool) -> None:
    async def live() -> None:
        documents = open_documents(settings)
        if not is_first:
            await documents.accept(order("x"), "anna")
        with SmallFiles(max_bytes), pytest.raises(StorageError, match="could not be stored: the disk fails; ask again"):
            await documents.accept(order("x" * 6000), "anna")
        await documents.accept(order("x" * 6000), "anna")
        assert len(rows(settings)) == len(rows(settings, "SELECT * FROM contents")) == 2 - is_first

    run(live())


def test_a_disk_that_is_full_when_the_translation_is_done(
    settings: ServeSettings, slow: Translator, held: FakeEngine
) -> None:
    told: list[str] = []

    async def live() -> None:
        documents = open_documents(settings, told)
        async with documents.running(slow):
            handle = await documents.accept(order("Haus."), "bert")
            await asked(held, documents, handle)
            with SmallFiles(0):
                held.release()
                progress = await finished(documents, handle)
            assert (progress.status, told) == ("error", ["bert"])
            assert "could not be stored" in progress.fault
        held.hold = False
        later = open_documents(settings)
        async with later.running(slow):
            assert (await finished(later, handle)).status == "done", "it is tried again after a restart"

    run(live())


def test_a_document_that_is_gone_is_not_brought_back(
    settings: ServeSettings, slow: Translator, held: FakeEngine
) -> None:
    async def live() -> Handle:
        documents = open_documents(settings)
        async with documents.running(slow):
            handle = await documents.accept(order("Haus."), "anna")
            await asked(held, documents, handle)
            with Database(settings.data).writing("The document") as connection:
                connection.execute("DELETE FROM documents")
            held.hold = False
            held.release()
            other = await documents.accept(order("Zwei."), "anna")
            assert (await finished(documents, other)).status == "done"
        return other

    other = asyncio.run(live())
    assert rows(settings) == [(other.document_id, "done")]


def test_nothing_is_made_before_it_is_needed(settings: ServeSettings, translator: Translator) -> None:
    async def live() -> None:
        async with open_documents(settings).running(translator):
            await asyncio.sleep(0)

    run(live())
    assert not settings.data.exists()
