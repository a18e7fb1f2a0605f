"""Documents over HTTP: uploaded, asked after and fetched as clients of the dialect do, refused where they are wrong."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.app import build_app
from server.models.models import Models
from server.settings import ServeSettings
from server.storage.database import Database
from server.text.tokenizer import Tokenizer
from server.web import upload as upload_module
from server.web.upload import MAX_FIELD_BYTES, MAX_FIELDS
from tests.server.conftest import MakeModel
from tests.server.dialects.deepl.conftest import KEY, refused
from tests.server.dialects.deepl.test_routes import GLOSSARY
from tests.server.documents.builders import make_docx, paragraph, run, texts
from tests.server.fakes import FakeEngine

INTO_ENGLISH = {"source_lang": "DE", "target_lang": "EN-US"}
SRT = "1\r\n00:00:01,000 --> 00:00:02,000\r\n<i>Der Hund</i>\r\nläuft.\r\n"
DOCX_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

Ask = Callable[..., Coroutine[Any, Any, httpx.Response]]


@asynccontextmanager
async def served(models: Models, settings: ServeSettings) -> AsyncIterator[httpx.AsyncClient]:
    """The application, its lifespan open for as long as the client is."""
    app = build_app(models, settings)
    async with app.router.lifespan_context(app) as state:

        async def with_state(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, "state": dict(state or {})}, receive, send)

        transport = httpx.ASGITransport(with_state)
        async with httpx.AsyncClient(transport=transport, base_url="http://ferry", headers=KEY) as client:
            yield client


@pytest.fixture
def settings(data: Path) -> ServeSettings:
    return ServeSettings(data=data)


async def upload(client: httpx.AsyncClient, name: str, content: bytes | str, **fields: str) -> httpx.Response:
    file = content.encode() if isinstance(content, str) else content
    return await client.post("/v2/document", data={**INTO_ENGLISH, **fields}, files={"file": (name, file)})


async def status(client: httpx.AsyncClient, handle: dict[str, str]) -> dict[str, Any]:
    body = {"document_key": handle["document_key"]}
    answer = await client.post(f"/v2/document/{handle['document_id']}", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert found["document_id"] == handle["document_id"]
    return found


async def result(client: httpx.AsyncClient, handle: dict[str, str]) -> httpx.Response:
    return await client.post(
        f"/v2/document/{handle['document_id']}/result", json={"document_key": handle["document_key"]}
    )


async def translated(client: httpx.AsyncClient, name: str, content: bytes | str, **fields: str) -> httpx.Response:
    """The result of a document, once it is done."""
    accepted = await upload(client, name, content, **fields)
    assert accepted.status_code == 200, accepted.text
    async with asyncio.timeout(60):
        while (found := await status(client, accepted.json()))["status"] in ("queued", "translating"):
            assert set(found) <= {"document_id", "status", "seconds_remaining"}
    assert found["status"] == "done", found
    return await result(client, accepted.json())


def test_the_life_of_a_document(models: Models, settings: ServeSettings, make_model: MakeModel) -> None:
    engine = FakeEngine(hold=True)

    async def live() -> None:
        async with served(Models((make_model(engine),)), settings) as client:
            accepted = await upload(client, "../../brief.txt", "Der Hund läuft.\r\n")
            assert (accepted.status_code, set(accepted.json())) == (200, {"document_id", "document_key"})
            handle = accepted.json()
            async with asyncio.timeout(60):
                while not engine.sources:
                    await asyncio.sleep(0)
            assert (await status(client, handle))["status"] == "translating"
            refused(await result(client, handle), 503, "not translated yet")
            engine.release()
            async with asyncio.timeout(60):
                while (found := await status(client, handle))["status"] != "done":
                    pass
            assert found == {"document_id": handle["document_id"], "status": "done", "billed_characters": 15}
            answer = await result(client, handle)
            assert (answer.status_code, answer.content) == (200, "Der Hund läuft.\r\n".encode())
            assert answer.headers["content-type"] == "text/plain"
            assert answer.headers["content-disposition"] == 'attachment; filename="translated.txt"'
            assert answer.headers["x-content-type-options"] == "nosniff"
            refused(await result(client, handle), 404)
            usage = (await client.get("/v2/usage")).json()
            assert usage["character_count"] == 15

    asyncio.run(live())


def test_every_format(models: Models, settings: ServeSettings) -> None:
    page = "<!DOCTYPE html><p>Der <b>Hund</b> läuft.</p>"
    word = make_docx(paragraph(run("Der "), run("Hund", "<w:b/>"), run(" läuft.")))
    files = [
        ("a.txt", "Der Hund.\n".encode("utf-16"), "text/plain", "translated.txt"),
        ("file", page.encode(), "text/html", "translated.html"),
        ("a.SRT", SRT.encode(), "application/x-subrip", "translated.srt"),
        ("file", word, DOCX_TYPE, "translated.docx"),
        ("a.tsv", b"Hund\tHund\n", "text/csv", "translated.csv"),
    ]

    async def live() -> None:
        async with served(models, settings) as client:
            for name, data, media_type, attached in files:
                answer = await translated(client, name, data, formality="default", output_format="")
                assert answer.headers["content-type"] == media_type
                assert attached in answer.headers["content-disposition"]
                assert answer.content == data or texts(answer.content) == texts(data)

    asyncio.run(live())


def test_the_other_direction(models: Models, settings: ServeSettings, tokenizer: Tokenizer) -> None:
    async def live() -> None:
        async with served(models, settings) as client:
            answer = await translated(client, "a.txt", "the dog\n\nthe house\n", source_lang="en", target_lang="de")
            dog, house = (tokenizer.decode(tokenizer.encode(text)[::-1]) for text in ("the dog", "the house"))
            assert answer.content.decode() == f"{dog}\n\n{house}\n"

    asyncio.run(live())


def test_an_old_encoding_that_is_said(models: Models, settings: ServeSettings) -> None:
    async def live() -> None:
        async with served(models, settings) as client:
            text = "Der Hund läuft für 5 € über die Straße.\r\n"
            answer = await translated(client, "a.txt", text.encode("cp1252"), encoding="Windows-1252")
            assert answer.content.decode() == text

    asyncio.run(live())


def test_a_glossary(models: Models, settings: ServeSettings) -> None:
    async def live() -> None:
        async with served(models, settings) as client:
            created = (await client.post("/v2/glossaries", json=GLOSSARY)).json()["glossary_id"]
            answer = await translated(client, "a.txt", "Der Hund.", glossary_id=created)
            assert answer.text == "Der dog."
            other = await upload(client, "a.txt", "a", source_lang="EN", target_lang="DE", glossary_id=created)
            refused(other, 400, "No dictionary found for language pair")

    asyncio.run(live())


@pytest.mark.parametrize(
    ("name", "content", "fields", "code", "says"),
    [
        ("a.exe", b"a", {}, 400, "Invalid file: its format is not supported; there are: .txt"),
        ("a.pdf", b"%PDF", {}, 400, "Invalid file: its format is not supported: a pdf"),
        ("a.docx", b"PK\x03\x04", {}, 400, "damaged"),
        ("a.txt", b"\xe4", {}, 400, "save it in UTF-8"),
        ("a.txt", b"a", {"target_lang": "XX"}, 400, "'target_lang'"),
        ("a.txt", b"a", {"source_lang": "XX"}, 400, "'source_lang'"),
        ("a.txt", b"a", {"target_lang": "DE"}, 400, "'de' to 'de'"),
        ("a.txt", b"a", {"target_lang": ""}, 400, "'target_lang' not specified"),
        ("a.txt", b"a", {"formality": "more"}, 400, "'formality' is not supported"),
        ("a.txt", b"a", {"output_format": "pdf"}, 400, "comes back as it was sent, as txt"),
        ("a.txt", b"a", {"output_format": "docx"}, 400, "comes back as it was sent"),
        ("a.txt", b"a", {"columns": "1"}, 400, "only those of csv"),
        ("a.csv", b"a", {"columns": "2"}, 400, "Invalid columns"),
        ("a.txt", b"\xe4", {}, 400, "say in the field 'encoding'"),
        ("a.txt", b"\xe4", {"encoding": "utf-8"}, 400, "not text in utf-8"),
        ("a.txt", b"a", {"encoding": "rot13"}, 400, "Invalid encoding"),
        ("a.html", b"a", {"encoding": "windows-1252"}, 400, "a file of html says its own"),
        ("a.txt", b"a", {"glossary_id": "nope"}, 400, "Invalid glossary id"),
        ("a.txt", b"a", {"style_id": "mine"}, 400, "no style rules"),
        ("a.txt", b"a", {"source_lang": "", "glossary_id": "nope"}, 400, "requires the 'source_lang'"),
        ("a.txt", b"a" * 2000, {}, 413, "1024 bytes"),
        ("a.txt", b"a" * (2 << 20), {}, 413, "1024 bytes"),
        ("a.txt", b"a" * 101, {}, 456, "quota of 100"),
        ("a.txt", b"a", {"x": "y" * (MAX_FIELD_BYTES + 1)}, 400, "short fields"),
        ("a.txt", b"a", {f"x{i}": "y" for i in range(MAX_FIELDS)}, 400, "short fields"),
    ],
)
def test_what_is_refused(
    models: Models,
    settings: ServeSettings,
    data: Path,
    name: str,
    content: bytes,
    fields: dict[str, str],
    code: int,
    says: str,
) -> None:
    async def live() -> None:
        async with served(models, replace(settings, max_document_bytes=1024, character_limit=100)) as client:
            refused(await upload(client, name, content, **fields), code, says)
            assert (await client.get("/v2/usage")).json()["character_count"] == 0

    asyncio.run(live())
    with Database(data).reading("The document") as connection:
        assert connection.execute("SELECT count(*) FROM documents").fetchone() == (0,)


@pytest.mark.parametrize("output", ["txt", ".TXT", "Txt"])
def test_its_own_format_may_be_asked_for(models: Models, settings: ServeSettings, output: str) -> None:
    async def live() -> None:
        async with served(models, settings) as client:
            assert (await translated(client, "a.txt", "Hund", output_format=output)).text == "Hund"
            renamed = await translated(client, "file", SRT, output_format="srt", filename="b.srt")
            assert renamed.content == SRT.encode()

    asyncio.run(live())


def test_forms_that_are_none(models: Models, settings: ServeSettings) -> None:
    async def live() -> None:
        async with served(models, settings) as client:
            refused(await client.post("/v2/document", json=INTO_ENGLISH), 400, "multipart/form-data")
            kind = {"Content-Type": "multipart/form-data; boundary=b"}
            refused(await client.post("/v2/document", content=b"--c\r\n", headers=kind), 400, "not valid multipart")
            # All of the body has come when it turns out to be wrong.
            kind = {"Content-Type": "multipart/form-data; boundary=b"}
            refused(await client.post("/v2/document", content=b"--b\r\n0.01--b--\r\n", headers=kind), 400, "not valid")
            kind = {"Content-Type": "multipart/form-data"}
            refused(await client.post("/v2/document", content=b"--c\r\n", headers=kind), 400, "not valid multipart")
            part = {"target_lang": (None, "EN")}
            refused(await client.post("/v2/document", files=part), 400, "'file' not specified")
            two = [("file", ("a.txt", b"a")), ("file", ("b.txt", b"b"))]
            refused(await client.post("/v2/document", data=INTO_ENGLISH, files=two), 400, "with one file")

    asyncio.run(live())


def test_a_large_body_is_never_kept(models: Models, settings: ServeSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[int] = []
    real = upload_module.MultiPartParser.on_part_data

    def counted(self: Any, data: bytes, start: int, end: int) -> None:
        kept.append(end - start)
        real(self, data, start, end)

    monkeypatch.setattr(upload_module.MultiPartParser, "on_part_data", counted)

    async def body() -> AsyncIterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
        for _ in range(64):
            yield b"a" * (1 << 20)

    async def live() -> None:
        async with served(models, replace(settings, max_document_bytes=1024)) as client:
            kind = {"Content-Type": "multipart/form-data; boundary=b"}
            refused(await client.post("/v2/document", content=body(), headers=kind), 413, "1024 bytes")
            assert sum(kept) <= 2 << 20
            kept.clear()
            length = {**kind, "Content-Length": str(64 << 20)}
            refused(await client.post("/v2/document", content=body(), headers=length), 413, "1024 bytes")
            assert kept == []

    asyncio.run(live())


def test_wrong_ids_and_keys(models: Models, settings: ServeSettings) -> None:
    async def live() -> None:
        async with served(models, settings) as client:
            handle = (await upload(client, "a.txt", "Hund")).json()
            path = f"/v2/document/{handle['document_id']}"
            for one in (path, f"{path}/result"):
                refused(await client.post(one, json={"document_key": "0" * 64}), 404, "no such document")
                refused(await client.post(one, json={}), 400, "'document_key' not specified")
                refused(await client.post(one, json={"document_key": "x" * 5000}), 413)
            for wrong in ("0" * 32, "a", "%00"):
                key = {"document_key": handle["document_key"]}
                refused(await client.post(f"/v2/document/{wrong}", json=key), 404, "no such document")
                refused(await client.post(f"/v2/document/{wrong}/result", json=key), 404, "no such document")
            assert (await client.post("/v2/document/..%2F..%2Fx", json=key)).status_code == 404
            found = await client.get(path, params={"document_key": handle["document_key"]})
            assert found.json()["status"] in ("queued", "translating", "done")
            assert (
                await client.post(path.upper().replace("/V2/DOCUMENT", "/v2/document"), data=key)
            ).status_code == 200

    asyncio.run(live())


def test_a_full_store_is_busy(models: Models, settings: ServeSettings) -> None:
    async def live() -> None:
        async with served(models, replace(settings, max_stored_bytes=1024)) as client:
            answer = await upload(client, "a.txt", "Hund")
            refused(answer, 429, "of 1024 bytes")
            assert answer.headers["retry-after"] == "60"
            assert (await client.get("/v2/usage")).json()["character_count"] == 0

    asyncio.run(live())


def test_what_fails_is_not_charged(settings: ServeSettings, make_model: MakeModel) -> None:
    async def live() -> None:
        word = make_docx(paragraph(run("Der Hund "), run("läuft. " * 20, "<w:b/>")))
        async with served(Models((make_model(FakeEngine()),)), replace(settings, max_text_chars=50)) as client:
            handle = (await upload(client, "a.docx", word)).json()
            async with asyncio.timeout(60):
                while (found := await status(client, handle))["status"] != "error":
                    pass
            assert "too long" in found["error_message"]
            assert set(found) == {"document_id", "status", "error_message"}
            refused(await result(client, handle), 404, "too long")
            assert (await client.get("/v2/usage")).json()["character_count"] == 0

    asyncio.run(live())


def test_what_is_in_its_target_language_is_told_and_not_charged(models: Models, settings: ServeSettings) -> None:
    async def live() -> None:
        text = "The dog is in the garden, and the children are playing with it.\n" * 3
        async with served(models, settings) as client:
            handle = (await upload(client, "a.txt", text, source_lang="")).json()
            async with asyncio.timeout(60):
                while (found := await status(client, handle))["status"] not in ("error", "done"):
                    pass
            assert found["error_message"] == "Source and target language are equal."
            assert (await client.get("/v2/usage")).json()["character_count"] == 0

    asyncio.run(live())


def test_nothing_of_a_client_is_a_label_or_a_line(
    models: Models, settings: ServeSettings, caplog: pytest.LogCaptureFixture
) -> None:
    async def live() -> str:
        async with served(models, settings) as client:
            await translated(client, "geheim.txt", "Geheim ist das.", filename="")
            await upload(client, "geheim.docx", b"PK\x03\x04 geheim", auth_key="geheim")
            await upload(client, "geheim.xyz", b"geheim")
            return (await client.get("/metrics")).text

    with caplog.at_level(logging.DEBUG):
        lines = asyncio.run(live())
    assert 'route="/v2/document/{document_id}"' in lines
    mine = "\n".join(record.getMessage() for record in caplog.records if record.name == "ferry")
    assert not re.search("(?i)geheim", lines + mine)
