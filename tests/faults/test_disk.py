"""A disk that takes no more: who asks is told, nothing is half written, and all goes on when there is room."""

import contextlib
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from server.storage.database import NAME
from tests.faults.rig import PATIENCE_S, Key, Server, wait_until
from tests.faults.test_signals import ENTRIES, usage

pytestmark = [pytest.mark.slow, pytest.mark.unmeasured]
# A file system of its own, which only the server sees; its arguments are where, and the command.
MOUNTED = ["unshare", "-Urm", "sh", "-c", 'mount -t tmpfs -o size=1m tmpfs "$0" && exec "$@"']


class FullTmpfs:
    """A tiny file system, filled to the last byte: ENOSPC."""

    def __init__(self, data: Path) -> None:
        data.mkdir()
        self.server = Server(data, wrapper=[*MOUNTED, str(data)])
        # Open, so that it stays when the server has ended.
        self._folder = os.open(f"/proc/{self.server.process.pid}/root{data}", os.O_RDONLY)
        self.data = Path(f"/proc/self/fd/{self._folder}")

    def fill(self) -> None:
        with (self.data / "filler").open("wb", buffering=0) as file, contextlib.suppress(OSError):
            for size in (4096, 1):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(b"x" * size)

    def make_room(self) -> None:
        (self.data / "filler").unlink()

    def close(self) -> None:
        self.server.close()
        os.close(self._folder)


class FullProcess:
    """A process that may not write files any more: EFBIG."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.server = Server(data)

    def fill(self) -> None:
        self._limit(0)

    def make_room(self) -> None:
        self._limit(resource.RLIM_INFINITY)

    def close(self) -> None:
        self.server.close()

    def _limit(self, num_bytes: int) -> None:
        resource.prlimit(self.server.process.pid, resource.RLIMIT_FSIZE, (num_bytes, resource.RLIM_INFINITY))


Disk = FullTmpfs | FullProcess
ENTRIES_OF_900_KB = "\n".join(f"word {i}\tWort {i:050}" for i in range(12_000))
REASONS = {FullTmpfs: "the disk is full", FullProcess: "the disk fails"}


@pytest.fixture(params=[FullTmpfs, FullProcess])
def disk(request: pytest.FixtureRequest, data: Path, tmp_path: Path) -> Iterator[Disk]:
    if request.param is FullTmpfs and subprocess.run([*MOUNTED, str(tmp_path), "true"], capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    disk: Disk = request.param(data)
    yield disk
    disk.close()


def upload(server: Server, text: str) -> httpx.Response:
    files = {"file": ("letter.txt", text.encode())}
    data = {"target_lang": "DE", "source_lang": "EN"}
    return httpx.post(f"{server.url}/v2/document", data=data, files=files, timeout=PATIENCE_S)


def ask_after(server: Server, answer: httpx.Response, more: str = "") -> httpx.Response:
    handle = answer.raise_for_status().json()
    key = {"document_key": handle["document_key"]}
    return httpx.post(f"{server.url}/v2/document/{handle['document_id']}{more}", data=key)


def wait_for_status(server: Server, answer: httpx.Response, status: str) -> dict[str, object]:
    wait_until(lambda: ask_after(server, answer).json()["status"] == status)
    return dict(ask_after(server, answer).json())


def stored(data: Path) -> list[object]:
    """What the database has, but for counts."""
    with copied(data) as folder, closing(sqlite3.connect(folder / NAME)) as connection:
        return [connection.execute(f"SELECT * FROM {name}").fetchall() for name in ("documents", "glossaries")]


@contextlib.contextmanager
def copied(data: Path) -> Iterator[Path]:
    """The database elsewhere: SQLite would follow the way into a file system that only the server sees, and miss it."""
    with tempfile.TemporaryDirectory() as folder:
        for path in data.glob(f"{NAME}*"):
            shutil.copy(path, folder)
        yield Path(folder)


def create(server: Server, **varied: str) -> httpx.Response:
    return httpx.post(f"{server.url}/v2/glossaries", json=ENTRIES | varied, timeout=PATIENCE_S)


def test_a_full_disk(disk: Disk, key: Key) -> None:
    server, reason = disk.server, REASONS[type(disk)]
    question, another = key.questions(2)
    create(server).raise_for_status()
    kept = upload(server, question.text)
    wait_for_status(server, kept, "done")
    before = stored(disk.data)
    disk.fill()
    # Neither fits, while something small may find room in the database's own journal.
    glossary, document = create(server, entries=ENTRIES_OF_900_KB), upload(server, "A dog. " * 130_000)
    assert (glossary.status_code, document.status_code) == (503, 503)
    assert glossary.json()["message"] == f"The glossary could not be stored: {reason}; ask again later."
    assert document.json()["message"] == f"The document could not be stored: {reason}; ask again later."
    server.check(another)
    if isinstance(disk, FullProcess):
        server.hear(f"The counts could not be stored: {reason}; ask again later. Counting goes on.")
    assert stored(disk.data) == before
    assert ask_after(server, kept, "/result").text == key.of_document(question.text)
    disk.make_room()
    create(server).raise_for_status()
    late = upload(server, another.text)
    wait_for_status(server, late, "done")
    assert ask_after(server, late, "/result").text == key.of_document(another.text)
    assert len(server.get("/v2/glossaries").json()["glossaries"]) == 2
    charged = len(question.text) + 2 * len(another.text)
    assert server.get("/v2/usage").json()["character_count"] == charged
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    with copied(disk.data) as folder:
        assert usage(folder) == charged


def test_a_translation_that_cannot_be_stored(key: Key, data: Path) -> None:
    disk = FullProcess(data)
    with disk.server as server:
        # Long enough that it is not done before the disk is full.
        questions = key.questions(40, 20)
        text = "\n".join(question.text for question in questions)
        lost = upload(server, text)
        wait_for_status(server, lost, "translating")
        disk.fill()
        fault = wait_for_status(server, lost, "error")
        assert "could not be stored" in str(fault["error_message"])
        assert server.get("/v2/usage").json()["character_count"] == 0
        files = {"file": ("letter.txt", questions[0].text.encode())}
        refused = httpx.post(
            f"{server.url}/translate_file", data={"source": "en", "target": "de"}, files=files, timeout=60
        )
        assert refused.status_code == 503
        assert "could not be stored" in refused.json()["error"]
        disk.make_room()
        late = upload(server, text)
        wait_for_status(server, late, "done")
        assert ask_after(server, late, "/result").text == key.of_document(text)
