"""Files of older versions of Ferry: taken over once, whole ones alone, and put aside."""

import json
import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from server.errors import DocumentNotFoundError, GlossaryNotFoundError, SettingsError
from server.storage import old_files
from server.storage.database import NAME, Database
from server.storage.document_store import DocumentStore
from server.storage.glossary_store import GlossaryStore
from server.storage.old_files import ASIDE
from server.storage.record import hash_document_key
from tests.server.storage.processes import run_all

DE_EN = ("de", "en")
ENTRIES = {"Hund": "dog", "Haus": "house"}


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def write_document(folder: Path, number: int, status: str, **varied: Any) -> str:
    """As version 0.1 wrote it."""
    document_id = f"{number:032x}"
    record = {
        "format": 1,
        "document_id": document_id,
        "key_hash": hash_document_key("k"),
        "kind": "txt",
        "source": "de",
    }
    record |= {"target": "en", "num_chars": 4, "accepted": 1000.0 + number, "changed": 4e9, "status": status}
    write(folder / "documents" / f"{document_id}.json", record | {"attempts": 0, "fault": ""} | varied)
    if status == "queued":
        write(folder / "documents" / f"{document_id}.source", b"Haus \xff")
        write(folder / "documents" / f"{document_id}.terms", ENTRIES)
    if status == "done":
        write(folder / "documents" / f"{document_id}.result", b"house \xff")
    return document_id


def write_glossary(folder: Path, number: int, **varied: Any) -> str:
    """As version 0.1 wrote it."""
    glossary_id = f"00000000-0000-0000-0000-{number:012x}"
    info = {"glossary_id": glossary_id, "name": f"mine {number}", "ready": True, "source_lang": "de"}
    info |= {"target_lang": "en", "creation_time": "2026-01-02T03:04:05.678Z", "entry_count": 2}
    write(folder / f"{glossary_id}.json", {"format": 1, "info": info, "entries": ENTRIES} | varied)
    return glossary_id


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


def counts(folder: Path) -> dict[str, int]:
    with closing(sqlite3.connect(folder / NAME)) as connection:
        return dict(connection.execute("SELECT * FROM usage"))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_everything_is_taken_over_and_put_aside(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(folder / "usage.json", {"": 5, "weblate": 12})
    waiting, done = write_document(folder, 1, "queued", attempts=2), write_document(folder, 2, "done")
    failed = write_document(folder, 3, "error", fault="it is too long")
    everybodys = write_glossary(folder / "glossaries", 1)
    weblates = write_glossary(folder / "glossaries" / "key-weblate", 2)
    write(folder / "notes.txt", b"not ours")
    before = contents(folder)
    with caplog.at_level(logging.INFO, "ferry"):
        database = Database(folder)
        database.prepare()
    assert "3 documents and 2 glossaries of older files are in the database now, 0 files were damaged" in caplog.text
    documents, glossaries = DocumentStore(database, 1 << 30, 86_400.0), GlossaryStore(database)
    documents.work()
    assert documents.get(waiting).fits("k")
    assert documents.get(failed).fault == "it is too long"
    assert documents.take(done) == b"house \xff"
    claim = documents.claim()
    assert claim is not None
    assert (claim.record.document_id, claim.source, claim.terms) == (waiting, b"Haus \xff", ENTRIES)
    assert (claim.record.source, claim.record.target, claim.record.attempts) == ("de", "en", 3)
    assert documents.claim() is None
    assert list(glossaries.entries("", everybodys, DE_EN).items()) == list(ENTRIES.items())
    [info] = glossaries.infos("weblate")
    assert (info.glossary_id, info.name, info.creation_time) == (weblates, "mine 2", "2026-01-02T03:04:05.678Z")
    assert counts(folder) == {"": 5, "weblate": 12}
    kept = {name.removeprefix(f"{ASIDE}/"): content for name, content in contents(folder).items()}
    assert before.items() <= kept.items(), "nothing is deleted"
    assert {path.name for path in folder.iterdir()} - {ASIDE, "notes.txt"} == {
        NAME,
        f"{NAME}-wal",
        f"{NAME}-shm",
        "ferry.seat-0",
    }


def test_it_happens_once(folder: Path) -> None:
    write(folder / "usage.json", {"a": 1})
    done = write_document(folder, 1, "done")
    DocumentStore(Database(folder), 1 << 30, 86_400.0).take(done)
    # As if the process had been killed before it put the files aside.
    for path in (folder / ASIDE).iterdir():
        path.rename(folder / path.name)
    again = Database(folder)
    again.prepare()
    with pytest.raises(DocumentNotFoundError):
        DocumentStore(again, 1 << 30, 86_400.0).get(done)
    assert counts(folder) == {"a": 1}
    assert (folder / ASIDE / "usage.json").exists()
    write(folder / "usage.json", {"a": 9})
    Database(folder).prepare()
    assert counts(folder) == {"a": 1}, "who has a database keeps it"
    assert json.loads((folder / ASIDE / "usage.json.again").read_text()) == {"a": 9}


def test_replicas_with_a_folder_each_become_one(folder: Path) -> None:
    shared = write_glossary(folder / "glossaries", 1)
    for number, name in enumerate(("replica-8001", "replica-8002"), 1):
        write(folder / name / "usage.json", {"a": number, name: 1})
        write_document(folder / name, number, "done")
        (folder / name / "glossaries").symlink_to(folder / "glossaries")
    database = Database(folder)
    database.prepare()
    assert counts(folder) == {"a": 3, "replica-8001": 1, "replica-8002": 1}
    assert [info.glossary_id for info in GlossaryStore(database).infos("")] == [shared]
    documents = DocumentStore(database, 1 << 30, 86_400.0)
    assert [documents.take(f"{number:032x}") for number in (1, 2)] == [b"house \xff"] * 2
    assert {path.name for path in (folder / ASIDE).iterdir()} == {"glossaries", "replica-8001", "replica-8002"}


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"a": "b"}', b'{"a": 1.5}', b"\xff", b""])
def test_damaged_counts_are_put_aside(folder: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    write(folder / "usage.json", content)
    glossary_id = write_glossary(folder / "glossaries", 1)
    database = Database(folder)
    database.prepare()
    assert counts(folder) == {}
    assert GlossaryStore(database).entries("", glossary_id, DE_EN) == ENTRIES
    assert "usage.json is damaged; counting begins anew" in caplog.text
    assert (folder / ASIDE / "usage.json").read_bytes() == content


def test_damaged_documents_and_glossaries_are_put_aside(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    good = write_document(folder, 1, "done")
    write(folder / "documents" / f"{2:032x}.json", b"{not json")
    write_document(folder, 3, "done", format=2)
    (folder / "documents" / f"{write_document(folder, 4, 'queued')}.source").unlink()
    write(folder / "documents" / f"{write_document(folder, 5, 'queued')}.terms", b"half")
    (folder / "documents" / f"{write_document(folder, 6, 'done')}.result").unlink()
    write(folder / "documents" / f"{7:032x}.source", b"half")
    kept = write_glossary(folder / "glossaries", 1)
    newer = write_glossary(folder / "glossaries", 2, format=2)
    torn = write_glossary(folder / "glossaries", 3)
    path = folder / "glossaries" / f"{torn}.json"
    path.write_bytes(path.read_bytes()[:-40])
    before = contents(folder)
    database = Database(folder)
    database.prepare()
    documents, glossaries = DocumentStore(database, 1 << 30, 86_400.0), GlossaryStore(database)
    assert documents.take(good) == b"house \xff"
    for number in range(2, 8):
        with pytest.raises(DocumentNotFoundError):
            documents.get(f"{number:032x}")
    assert [info.glossary_id for info in glossaries.infos("")] == [kept]
    with pytest.raises(GlossaryNotFoundError):
        glossaries.info("", newer)
    assert caplog.text.count("the document is forgotten") == 5
    assert f"glossary file {torn}.json is damaged" in caplog.text
    assert f"glossary file {newer}.json is damaged" in caplog.text
    assert "mine" not in caplog.text
    assert {f"{ASIDE}/{name}": content for name, content in before.items()}.items() <= contents(folder).items()


def prepare(folder: Path, number: int, barrier: Any) -> dict[str, int]:
    Database(folder).prepare()
    return counts(folder)


def test_two_that_start_at_once_take_over_once(folder: Path) -> None:
    write(folder / "usage.json", {"a": 7})
    for number in range(50):
        write_document(folder, number, "done")
    assert run_all(prepare, folder, 3) == [{"a": 7}] * 3
    assert [path.name for path in (folder / ASIDE).iterdir() if path.name == "usage.json"] == ["usage.json"]
    with Database(folder).reading("All") as connection:
        assert connection.execute("SELECT count(*) FROM documents").fetchone() == (50,)


def test_what_cannot_be_read_stops_the_start_and_nothing_is_begun(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_glossary(folder / "glossaries", 1)
    path = write(folder / "usage.json", {"a": 7})
    with monkeypatch.context() as patch:

        def forbidden(path: Path) -> bytes:
            raise PermissionError(13, "Permission denied")

        patch.setattr(Path, "read_bytes", forbidden)
        with pytest.raises(SettingsError, match=r"ferry\.db cannot be used: Permission denied"):
            Database(folder).prepare()
    assert path.exists()
    Database(folder).prepare()
    assert counts(folder) == {"a": 7}


def test_what_cannot_be_moved_is_told_and_read_no_more(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A volume of its own, say."""
    write_glossary(folder / "glossaries", 1)

    def busy(path: Path, target: Path) -> None:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(old_files.Path, "rename", busy)
    for _ in range(2):
        database = Database(folder)
        database.prepare()
        assert len(GlossaryStore(database).infos("")) == 1
    assert "glossaries is not read any more, and cannot be put aside: Device or resource busy" in caplog.text
