"""What can happen to a request, made to happen: each function opens applications and asks them in one situation."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from unittest.mock import Mock

import pytest

from server.errors import EngineStoppedError, StorageError, StoreFullError
from server.storage.document_store import DocumentStore
from server.storage.file_store import FileStore
from server.storage.glossary_store import GlossaryStore
from tests.server.fakes import FakeEngine
from tests.server.openapi.calls import (
    CALLS,
    CREATE_DICTIONARIES,
    CREATE_GLOSSARY,
    DEEPL,
    DEEPL_FORM,
    EVERY_CALL,
    FILE,
    LIBRE,
    NATIVE,
    TEXT,
    TRANSLATE_FILE,
    UNKNOWN,
    UNKNOWN_GLOSSARY,
    UPLOAD,
    Call,
    call_of_file,
    calls_of_dictionaries,
    calls_of_document,
    calls_of_glossary,
)
from tests.server.openapi.stage import Broken, Stage
from tests.server.openapi.witness import Witness

Situation = Callable[[Stage], Awaitable[None]]

_TRANSLATE = Call("POST", "/v1/translate", {"json": NATIVE})
_GET_TRANSLATE = Call("GET", "/translate")
_JSON, _MULTIPART = {"Content-Type": "application/json"}, {"Content-Type": "multipart/form-data; boundary=b"}
_STORING: tuple[tuple[Call, type, str], ...] = (
    (UPLOAD, DocumentStore, "add"),
    (TRANSLATE_FILE, FileStore, "put"),
    (CREATE_GLOSSARY, GlossaryStore, "create"),
    (CREATE_DICTIONARIES, GlossaryStore, "create"),
)
_LONG = {"Content-Length": str(1 << 40)}


async def ask_as_clients_do(stage: Stage) -> None:
    """All goes well, with every option that changes an answer's shape."""
    async with stage.open() as witness:
        for call in CALLS:
            answer = await witness.ask("all is well", call)
            assert answer.status_code < 300 or call.template == "/suggest", answer.text
        glossary = (await witness.ask("all is well", CREATE_GLOSSARY)).json()["glossary_id"]
        for template, body in _varied(glossary):
            answer = await witness.ask("options", Call("POST", template, {"json": body}))
            assert answer.status_code == 200, answer.text
        file = (await witness.ask("all is well", TRANSLATE_FILE)).json()["translatedFileUrl"].rpartition("/")[2]
        await witness.ask("all is well", call_of_file(file))
        for call in calls_of_glossary(glossary):
            await witness.ask("all is well", call)
        glossary = (await witness.ask("all is well", CREATE_DICTIONARIES)).json()["glossary_id"]
        for call in calls_of_dictionaries(glossary):
            answer = await witness.ask("all is well", call)
            assert answer.status_code < 300, answer.text
        for i in (2, 3, 4):
            calls = await _upload(witness)
            await _wait_until_done(witness, calls[1])
            await witness.ask("all is well", calls[i])


def _varied(glossary: str) -> list[tuple[str, dict[str, Any]]]:
    told = {"scores": True, "segments": True, "alignments": True, "marks": True, "num_alternatives": 1}
    return [
        ("/v1/translate", {"text": [TEXT, ""], "target": "en", **told}),
        ("/v1/translate", {**NATIVE, "stream": True}),
        ("/v1/translate", {**NATIVE, **told, "glossary_ids": [glossary]}),
        ("/v2/translate", {**DEEPL, "glossary_id": glossary, "model_type": "latency_optimized", "tag_handling": "xml"}),
        ("/translate", {**LIBRE, "source": "auto", "alternatives": 1}),
        ("/language/translate/v2", {"q": TEXT, "target": "en", "model": "nmt"}),
        ("/kiss", {"to": "en", "texts": [TEXT, ""]}),
        ("/translate", {**LIBRE, "q": [TEXT], "source": "auto", "alternatives": 1}),
    ]


async def _upload(witness: Witness) -> tuple[Call, ...]:
    handle = (await witness.ask("all is well", UPLOAD)).json()
    return calls_of_document(handle["document_id"], handle["document_key"])


async def _wait_until_done(witness: Witness, status: Call) -> None:
    async with asyncio.timeout(60):
        while (await witness.ask("all is well", status)).json()["status"] != "done":
            await asyncio.sleep(0)


async def stream_into_a_failure(stage: Stage) -> None:
    """What fails after the first piece is the last line."""

    class Failing(FakeEngine):
        def submit(self, source_ids, options, **others):  # type: ignore[no-untyped-def]
            self.hold = bool(self.sources)
            future = super().submit(source_ids, options, **others)
            if not future.done():
                future.set_exception(EngineStoppedError("the engine has failed"))
            return future

    async with stage.open(Failing()) as witness:
        body = {**NATIVE, "text": f"{TEXT} {TEXT}x.", "stream": True}
        answer = await witness.ask("fails while it streams", _TRANSLATE, json=body)
        assert answer.text.splitlines()[-1].startswith('{"error"')


async def ask_without_a_key(stage: Stage) -> None:
    """No key, and one that nobody has."""
    if not stage.with_keys:
        return
    for situation, key in (("no key", None), ("a wrong key", "no")):
        async with stage.open(key=key) as witness:
            for call in EVERY_CALL:
                await witness.ask(situation, call)


async def ask_for_too_much(stage: Stage) -> None:
    """Over a key's rate, and over the characters that the key, or anybody, may have translated."""
    async with stage.open(character_limit=1) as witness:
        for call in CALLS:
            await witness.ask("the characters of all are used up", call)
    if not stage.with_keys:
        return
    async with stage.open(limits="requests_per_minute = 1\n") as witness:
        # The first may pass, and so may the second if a minute begins just then; never all three.
        for call in (each for each in CALLS for _ in range(3)):
            await witness.ask("too often", call)
    async with stage.open(limits="character_limit = 1\n") as witness:
        for call in CALLS:
            await witness.ask("the characters of the key are used up", call)


async def ask_what_is_wrong(stage: Stage) -> None:
    """Bodies that cannot be read, are empty, or ask for what there is not."""
    async with stage.open(max_text_chars=20) as witness:
        for call in EVERY_CALL:
            await witness.ask("not JSON", call, content=b"{", headers=_JSON)
            await witness.ask("no form", call, content=b"x", headers=_MULTIPART)
            await witness.ask("no content", call)
            await witness.ask("no body", call, content=b"")
            await witness.ask("too large", call, content=b"x", headers=_LONG | _JSON)
            await witness.ask("too large", call, content=b"x", headers=_LONG | _MULTIPART)
        for text in ("", "a" * 21):
            await witness.ask("wrong text", _GET_TRANSLATE, params={"q": text} if text else {})
        await witness.ask(
            "wrong target", Call("GET", "/language/translate/v2/languages"), params={"target": ["de", "en"]}
        )
        guest = Call("POST", "/translate", is_guest=True)
        await witness.ask("too long", guest, json={"from": "de", "to": "en", "text": "a" * 21})
        await witness.ask("wrong type", Call("GET", "/v2/languages"), params={"type": "both"})
        await witness.ask("wrong resource", Call("GET", "/v3/languages"), params={"resource": "voice"})
        await witness.ask("wrong entries", CREATE_GLOSSARY, json={**CREATE_GLOSSARY.content["json"], "entries": "a"})
        lost = {"glossary_id": UNKNOWN_GLOSSARY}
        await witness.ask("no such glossary", Call("POST", "/v2/translate"), json={**DEEPL, **lost})
        await witness.ask(
            "no such glossary", _TRANSLATE, json={**NATIVE, "text": "a", "glossary_ids": [UNKNOWN_GLOSSARY]}
        )
        await witness.ask("no such glossary", UPLOAD, data={**DEEPL_FORM, **lost}, files=FILE)


async def ask_for_what_is_not_there(stage: Stage) -> None:
    """Ids and names that nobody was told."""
    async with stage.open() as witness:
        for call in UNKNOWN:
            assert (await witness.ask("not there", call)).status_code == 404
        for call in (*calls_of_glossary("not-an-id"), *calls_of_dictionaries("not-an-id")):
            assert (await witness.ask("no id", call)).status_code == 400


async def send_without_end(stage: Stage) -> None:
    """A body that does not come."""

    async def endless() -> AsyncIterator[bytes]:
        yield b"-"
        await asyncio.Event().wait()

    async with stage.open(client_timeout_s=0.1) as witness:
        await asyncio.gather(
            *(
                witness.ask("a slow client", call, content=endless(), headers=headers)
                for call in EVERY_CALL
                for headers in (_JSON, _MULTIPART)
            )
        )


async def ask_a_busy_server(stage: Stage) -> None:
    """A full queue, and answers that do not come in time."""
    async with stage.open(FakeEngine(hold=True, capacity=0)) as witness:
        for call in CALLS:
            await witness.ask("a full queue", call)
    async with stage.open(FakeEngine(hold=True), deadline_s=0.02) as witness:
        for call in CALLS:
            await witness.ask("the deadline", call)


async def ask_before_it_is_ready(stage: Stage) -> None:
    """A document that is not translated yet."""
    engine = FakeEngine(hold=True)
    async with stage.open(engine) as witness:
        for call in await _upload(witness):
            await witness.ask("not translated yet", call)
        engine.release()


async def ask_a_stopped_engine(stage: Stage) -> None:
    """An engine that has failed."""
    engine = FakeEngine(refusal=EngineStoppedError("the engine has failed"))
    engine.failed = True
    async with stage.open(engine) as witness:
        for call in CALLS:
            await witness.ask("a stopped engine", call)


async def ask_while_it_ends(stage: Stage) -> None:
    """The grace period of a server that is shut down is over."""
    async with stage.open(ending=True) as witness:
        for call in EVERY_CALL:
            await witness.ask("the server ends", call)


async def ask_what_is_broken(stage: Stage) -> None:
    """What only we can have broken."""
    async with stage.open() as witness:
        witness.state.update({name: Broken() for name in witness.state})
        for call in EVERY_CALL:
            await witness.ask("a fault of ours", call)


async def store_too_much(stage: Stage) -> None:
    """Stores that are full, and stores whose disk takes nothing."""
    async with stage.open(max_stored_bytes=1024) as witness:
        await witness.ask("a full store", UPLOAD)
    async with stage.open() as witness:
        faults = [(StorageError("no disk"), each) for each in _STORING]
        for error, (call, store, method) in [(StoreFullError("full"), _STORING[1]), *faults]:
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(store, method, Mock(side_effect=error))
                await witness.ask(str(error), call)


EVERY_SITUATION: tuple[Situation, ...] = (
    ask_as_clients_do,
    stream_into_a_failure,
    ask_without_a_key,
    ask_for_too_much,
    ask_what_is_wrong,
    ask_for_what_is_not_there,
    send_without_end,
    ask_a_busy_server,
    ask_before_it_is_ready,
    ask_a_stopped_engine,
    ask_while_it_ends,
    ask_what_is_broken,
    store_too_much,
)
