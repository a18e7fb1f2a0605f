"""Files: translated while their clients wait, and fetched once."""

import asyncio
import io
import re
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from server.app import build_app
from server.errors import StoreFullError
from server.models.models import Models
from server.storage import file_store, storage
from server.storage.database import NAME
from server.storage.file_store import FileStore
from server.text.tokenizer import Tokenizer
from tests.server.dialects.libre.conftest import refused, reversed_ids
from tests.server.documents.builders import make_docx, paragraph, run, texts
from tests.server.test_app import SETTINGS, Site
from tests.server.test_serve import Process

FILE = {"file": ("brief.txt", "Guten Morgen.\r\n\r\nDer Hund läuft.\n".encode())}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def storing(models: Models, data: Path) -> Site:
    """The application with a folder that can be looked into."""
    return Site(models, replace(SETTINGS, data=data))


def num_files(data: Path) -> int:
    """How many wait to be fetched."""
    if not data.exists():
        return 0
    with closing(sqlite3.connect(data / NAME)) as connection:
        count: int = connection.execute("SELECT count(*) FROM files").fetchone()[0]
    return count


def upload(site: Site, **fields: Any) -> httpx.Response:
    body = {"source": "de", "target": "en", "api_key": "k", **fields}
    return site.ask("POST", "/translate_file", data=body, files=FILE)


def test_a_file_is_translated_and_fetched_once(storing: Site, data: Path) -> None:
    site = storing
    url = upload(site).json()["translatedFileUrl"]
    assert re.fullmatch(r"http://ferry/download_file/[\w-]{32}\.txt", url)
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert num_files(data) == 1

    head = site.ask("HEAD", url)
    answer = site.ask("GET", url)
    assert head.status_code == answer.status_code == 200
    assert head.headers["content-length"] == answer.headers["content-length"] == str(len(FILE["file"][1]))
    assert answer.content == FILE["file"][1], "also its line ends"
    assert answer.headers["content-type"] == "text/plain"
    assert answer.headers["content-disposition"] == 'attachment; filename="translated.txt"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert num_files(data) == 0
    refused(site.ask("GET", url), 404, "fetched already")
    assert site.ask("HEAD", url).status_code == 404


def test_a_file_has_a_language_to_be_detected(site: Site) -> None:
    url = upload(site, source="auto").json()["translatedFileUrl"]
    assert site.ask("GET", url).content == FILE["file"][1]


def test_names_are_random(site: Site) -> None:
    urls = [upload(site).json()["translatedFileUrl"] for _ in range(3)]
    assert len(set(urls)) == 3
    refused(site.ask("GET", urls[0].replace(".txt", "")), 404, "no such file")
    assert site.ask("GET", urls[0]).status_code == 200


@pytest.mark.parametrize(
    "name", ["brief.txt", "..%2F..%2F..%2Fetc%2Fpasswd", "%2Fetc%2Fpasswd", "%2E%2E", "%00.txt", ".", "a" * 5000]
)
def test_no_path_comes_from_a_client(site: Site, name: str) -> None:
    upload(site)
    assert site.ask("GET", f"/download_file/{name}").status_code == 404


def test_files_of_other_formats(site: Site, tokenizer: Tokenizer) -> None:
    dog = reversed_ids(tokenizer, "the dog")
    word = make_docx(paragraph(run("the dog")) * 5, header1=paragraph(run("the dog")))  # more than texts may be asked
    files = [
        ("a.html", b"<p>the dog", f"<p>{dog}".encode(), "text/html"),
        (
            "a.srt",
            b"1\n0:0:1,0 --> 0:0:2,0\nthe dog\n",
            f"1\n0:0:1,0 --> 0:0:2,0\n{dog}\n".encode(),
            "application/x-subrip",
        ),
        ("a.json", b'{"a": "the dog"}', f'{{"a": "{dog}"}}'.encode(), "application/json"),
        ("a.yml", b"a: the dog", f"a: {dog}".encode(), "application/yaml"),
        ("a.docx", word, None, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ]
    for name, data, expected, media_type in files:
        form = {"source": "en", "target": "de"}
        answer = site.ask("POST", "/translate_file", data=form, files={"file": (name, data)})
        assert answer.status_code == 200, answer.text
        found = site.ask("GET", answer.json()["translatedFileUrl"])
        assert found.headers["content-type"] == media_type
        assert found.content == expected if expected else texts(found.content) == [dog] * 5
        same = site.ask("POST", "/translate_file", data={**form, "target": "en"}, files={"file": (name, data)})
        assert site.ask("GET", same.json()["translatedFileUrl"]).content == data


def test_columns_of_a_table(site: Site, tokenizer: Tokenizer) -> None:
    form = {"source": "en", "target": "de", "columns": "2"}
    table = {"file": ("a.csv", b"id,name,note\nyes,the dog,yes\n")}
    answer = site.ask("POST", "/translate_file", data=form, files=table)
    found = site.ask("GET", answer.json()["translatedFileUrl"])
    assert found.content == f"id,name,note\nyes,{reversed_ids(tokenizer, 'the dog')},yes\n".encode()
    refused(site.ask("POST", "/translate_file", data={**form, "columns": "9"}, files=table), 400, "Invalid columns")


def test_a_file_may_be_larger_than_a_body_but_not_than_a_document(models: Models) -> None:
    site = Site(models, replace(SETTINGS, max_document_bytes=5000))
    data = b"<!--" + b"x" * 4000 + b"--><p>Hund"
    form = {"source": "de", "target": "en"}
    assert len(data) > SETTINGS.max_body_bytes
    assert site.ask("POST", "/translate_file", data=form, files={"file": ("a.html", data)}).status_code == 200
    refused(site.ask("POST", "/translate_file", data=form, files={"file": ("a.html", data * 2)}), 400, "5000 bytes")


def test_an_old_encoding_that_is_said(site: Site) -> None:
    text = "1\n00:00:01,000 --> 00:00:02,000\nDer Hund läuft.\n"
    form, file = {"source": "de", "target": "en"}, {"file": ("a.srt", text.encode("iso-8859-1"))}
    refused(site.ask("POST", "/translate_file", data=form, files=file), 400, "say in the field 'encoding'")
    answer = site.ask("POST", "/translate_file", data={**form, "encoding": "iso-8859-1"}, files=file)
    assert site.ask("GET", answer.json()["translatedFileUrl"]).content.decode() == text


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
def test_encodings_of_text(site: Site, encoding: str) -> None:
    file = {"file": ("a.TXT", "Der Hund läuft.".encode(encoding))}
    answer = site.ask("POST", "/translate_file", data={"source": "de", "target": "en"}, files=file)
    assert site.ask("GET", answer.json()["translatedFileUrl"]).content == file["file"][1]


@pytest.mark.parametrize(
    ("file", "fields", "says"),
    [
        (None, {}, "missing file parameter"),
        (("../../a.exe", b"a"), {}, "format is not supported; there are: .txt"),
        (("a.pdf", b"a"), {}, "format is not supported"),
        (("a.txt", b"\xff\xfe\xff"), {}, "not text in UTF-8"),
        (("a.txt", b"\xe4"), {}, "not text in UTF-8"),
        (("a.txt", b"a" * 501), {}, "request (501) exceeds text limit (500)"),
        (("a.txt", b"a"), {"target": "tlh"}, "tlh is not supported"),
        (("a.txt", b"a"), {"source": ""}, "missing source parameter"),
    ],
)
def test_files_that_are_refused(storing: Site, data: Path, file: Any, fields: dict[str, str], says: str) -> None:
    sent = {"files": {"file": file}} if file else {}
    answer = storing.ask("POST", "/translate_file", data={"source": "de", "target": "en", **fields}, **sent)
    refused(answer, 400, says)
    assert num_files(data) == 0


def test_two_files_at_once(site: Site) -> None:
    two = [("file", ("a.txt", io.BytesIO(b"a"))), ("file", ("b.txt", io.BytesIO(b"b")))]
    answer = site.ask("POST", "/translate_file", data={"source": "de", "target": "en"}, files=two)
    refused(answer, 400, "with one file")


def test_a_full_store_is_busy(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise StoreFullError("full")

    monkeypatch.setattr(FileStore, "put", full)
    refused(upload(site), 429, "full")


def test_a_file_that_nobody_fetches_goes_by_itself(models: Models, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(storage, "SWEEP_S", 0.05)
    settings = replace(SETTINGS, data=tmp_path / "data")
    app = build_app(models, settings)

    async def ask() -> None:
        async with app.router.lifespan_context(app) as state:

            async def with_state(scope: Any, receive: Any, send: Any) -> None:
                await app({**scope, "state": dict(state or {})}, receive, send)

            transport = httpx.ASGITransport(with_state)
            async with httpx.AsyncClient(transport=transport, base_url="http://ferry") as client:
                answer = await client.post("/translate_file", data={"source": "de", "target": "en"}, files=FILE)
                assert answer.status_code == 200
            assert num_files(settings.data) == 1
            later = time.monotonic() + file_store.MAX_AGE_S + 1
            monkeypatch.setattr(file_store, "time", SimpleNamespace(monotonic=lambda: later))
            async with asyncio.timeout(60):
                while num_files(settings.data):
                    await asyncio.sleep(0.05)

    asyncio.run(ask())


@pytest.fixture(scope="module")
def url(tokenizer_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    process = Process(tokenizer_file, tmp_path_factory.mktemp("bundle"), "--port=0", "--grace-s=1", "--deadline-s=60")
    yield process.wait_until_ready()
    until_ready = len(process.said)
    process.process.terminate()
    assert process.wait() == 0
    assert not re.search("Hund|station|Traceback|the-key", process.said[until_ready:])
