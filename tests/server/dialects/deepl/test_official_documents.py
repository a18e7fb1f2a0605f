"""Documents with the official `deepl` client and a real server process, which is also killed."""

import io
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace

import deepl
import pytest

from server.documents.runner import MAX_ATTEMPTS
from server.storage.database import Database
from server.text.tokenizer import Tokenizer
from tests.server.documents.builders import make_docx, paragraph, run, styled, texts
from tests.server.test_serve import Process


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client asks again at once, not after five seconds, and never sends anything twice."""
    monkeypatch.setattr(deepl.http_client, "max_network_retries", 0)
    monkeypatch.setattr("deepl.translator.time", SimpleNamespace(time=time.time, sleep=lambda seconds: None))


@pytest.fixture(scope="module")
def url(tokenizer_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("documents")
    process = Process(tokenizer_file, folder, "--port=0", f"--data={folder / 'data'}", "--grace-s=1")
    try:
        yield process.wait_until_ready()
        until_ready = len(process.said)
        with Database(folder / "data").reading("All") as connection:
            assert connection.execute("SELECT * FROM documents").fetchall() == []
            assert connection.execute("SELECT * FROM contents").fetchall() == []
    finally:
        process.process.terminate()
        process.wait()
    assert process.process.returncode == 0
    assert "Traceback" not in process.said
    assert "Hund" not in process.said[until_ready:]


@pytest.fixture
def client(url: str) -> Iterator[deepl.DeepLClient]:
    with closing(deepl.DeepLClient("test-key", server_url=url, send_platform_info=False)) as client:
        yield client


def test_a_file(client: deepl.DeepLClient, tmp_path: Path) -> None:
    source, target = tmp_path / "Brief des Hundes.docx", tmp_path / "letter.docx"
    source.write_bytes(
        make_docx(paragraph(run("Der "), run("Hund", "<w:b/>"), run(" läuft.")), header1=paragraph(run("Kopf")))
    )
    status = client.translate_document_from_filepath(source, target, source_lang="DE", target_lang="EN-US")
    assert (status.done, status.billed_characters) == (True, 19)
    assert texts(target.read_bytes()) == ["Der Hund läuft."]
    assert styled(target.read_bytes(), "b") == ["Hund"]


def test_bytes_without_a_name(client: deepl.DeepLClient, tokenizer: Tokenizer) -> None:
    output = io.BytesIO()
    client.translate_document(io.BytesIO(b"the dog\n"), output, source_lang="EN", target_lang="DE")
    assert output.getvalue().decode() == tokenizer.decode(tokenizer.encode("the dog")[::-1]) + "\n"
    word = make_docx(paragraph(run("Der Hund")))
    output = io.BytesIO()
    client.translate_document(io.BytesIO(word), output, target_lang="EN-US", source_lang="DE", filename="a.docx")
    assert texts(output.getvalue()) == ["Der Hund"]


def test_a_large_file(client: deepl.DeepLClient) -> None:
    data = "".join(f"Der Hund {i} läuft durch den Park.\n" for i in range(60_000)).encode()
    assert len(data) > 2 << 20, "not in memory, but in a temporary file"
    handle = client.translate_document_upload(io.BytesIO(data[:200_000]), source_lang="DE", target_lang="EN-US")
    status = client.translate_document_wait_until_done(handle, timeout_s=120)
    assert status.done
    output = io.BytesIO()
    client.translate_document_download(handle, output, chunk_size=1 << 16)
    assert output.getvalue() == data[:200_000]


def test_a_glossary(client: deepl.DeepLClient) -> None:
    glossary = client.create_glossary("mine", "DE", "EN", {"Hund": "hound"})
    output = io.BytesIO()
    client.translate_document(io.BytesIO(b"Der Hund"), output, source_lang="DE", target_lang="EN-US", glossary=glossary)
    assert output.getvalue() == b"Der hound"


def test_errors(client: deepl.DeepLClient, tmp_path: Path) -> None:
    for name, says in (("a.pdf", "Invalid file"), ("a.docx", "damaged")):
        (tmp_path / name).write_bytes(b"nothing")
        with pytest.raises(deepl.DeepLException, match=f"Bad request, message: .*{says}"):
            client.translate_document_from_filepath(tmp_path / name, tmp_path / f"to{name}", target_lang="DE")
    (tmp_path / "a.txt").write_bytes(b"a")
    with pytest.raises(deepl.DeepLException, match="comes back as it was sent"):
        client.translate_document_from_filepath(tmp_path / "a.txt", tmp_path / "b.pdf", target_lang="DE")
    with pytest.raises(deepl.DeepLException, match="413"):
        client.translate_document_upload(b"a" * (11 << 20), filename="a.txt", target_lang="DE")
    for ask in (client.translate_document_get_status, client.translate_document_download):
        with pytest.raises(deepl.DeepLException, match="Not found"):
            ask(deepl.DocumentHandle("0" * 32, "0" * 64))


@pytest.mark.unmeasured
def test_documents_survive_kill_9(tokenizer_file: Path, tmp_path: Path) -> None:
    """One document is never answered by the engine. It is in the way at each start, until it is given up."""
    handles: list[deepl.DocumentHandle] = []
    for _ in range(MAX_ATTEMPTS):
        with serving(tokenizer_file, tmp_path) as client:
            if not handles:
                handles += [
                    client.translate_document_upload(text, filename="a.txt", source_lang="DE", target_lang="EN-US")
                    for text in (b"Warte.", b"Der Hund.")
                ]
            give_up = time.monotonic() + 60
            while (found := client.translate_document_get_status(handles[0])).status.value != "translating":
                assert time.monotonic() < give_up, found.error_message
            assert client.translate_document_get_status(handles[1]).status.value == "queued"
    with serving(tokenizer_file, tmp_path) as client:
        assert client.translate_document_wait_until_done(handles[1], timeout_s=60).done
        failed = client.translate_document_get_status(handles[0])
        assert (failed.ok, "stopped 3 times" in (failed.error_message or "")) == (False, True)
        output = io.BytesIO()
        client.translate_document_download(handles[1], output)
        assert output.getvalue() == b"Der Hund."


@contextmanager
def serving(tokenizer_file: Path, folder: Path) -> Iterator[deepl.DeepLClient]:
    """A client of a server that is killed in the end, however that comes."""
    process = Process(tokenizer_file, folder, "--port=0", f"--data={folder / 'data'}")
    try:
        with closing(deepl.DeepLClient("test-key", server_url=process.wait_until_ready())) as client:
            yield client
    finally:
        process.process.kill()
        process.wait()
