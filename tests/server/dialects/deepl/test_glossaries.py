"""The store of glossaries: durable, whole or not at all, and closed to paths."""

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from server.errors import GlossaryNotFoundError, InvalidRequestError, StorageError
from server.storage import glossary_store as glossaries
from server.storage.glossary_store import GlossaryStore

ENTRIES = {"Hund": "dog", "Haus": "house"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "glossaries"


@pytest.fixture
def store(folder: Path) -> GlossaryStore:
    return GlossaryStore(folder)


def test_nothing_is_made_before_it_is_needed(store: GlossaryStore, folder: Path) -> None:
    assert store.infos() == []
    with pytest.raises(GlossaryNotFoundError):
        store.get("96ab91fd-e715-41a1-adeb-5d701f84a483")
    assert not folder.parent.exists()


def test_what_is_stored_is_there_for_the_next_process(store: GlossaryStore, folder: Path) -> None:
    created = store.create("mine", "de", "en", ENTRIES)
    assert (created.name, created.source_lang, created.target_lang, created.entry_count) == ("mine", "de", "en", 2)
    again = GlossaryStore(folder)
    assert again.info(created.glossary_id) == created
    assert again.infos() == [created]
    assert list(again.get(created.glossary_id.upper()).entries.items()) == list(ENTRIES.items())
    assert [path.name for path in folder.iterdir()] == [f"{created.glossary_id}.json"]
    assert folder.stat().st_mode & 0o077 == 0


def test_what_is_deleted_is_gone(store: GlossaryStore, folder: Path) -> None:
    kept, gone = store.create("kept", "de", "en", ENTRIES), store.create("gone", "de", "en", ENTRIES)
    store.delete(gone.glossary_id)
    assert store.infos() == [kept]
    for ask in (store.get, store.info, store.delete):
        with pytest.raises(GlossaryNotFoundError):
            ask(gone.glossary_id)


@pytest.mark.parametrize("glossary_id", ["../secret", "..", "", "secret", "/etc/passwd", "96ab91fd\n", "*"])
def test_no_id_leads_out_of_the_folder(store: GlossaryStore, folder: Path, glossary_id: str) -> None:
    store.create("mine", "de", "en", ENTRIES)
    stored = next(folder.iterdir()).read_bytes()
    for secret in (folder.parent / "secret.json", folder / "secret.json"):
        secret.write_bytes(stored)
    for ask in (store.get, store.info, store.delete):
        with pytest.raises(GlossaryNotFoundError):
            ask(glossary_id)
    assert (folder / "secret.json").exists()
    assert len(store.infos()) == 1


def test_a_file_that_could_not_be_written_leaves_nothing(
    store: GlossaryStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    kept = store.create("kept", "de", "en", ENTRIES)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="could not be stored: No space left on device; ask again later"):
        store.create("lost", "de", "en", ENTRIES)
    assert [path.stem for path in folder.iterdir()] == [kept.glossary_id]


def test_content_is_synced_before_it_is_renamed(store: GlossaryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: done.append("sync"))
    rename = Path.rename
    monkeypatch.setattr(Path, "rename", lambda path, target: (done.append("rename"), rename(path, target))[1])
    store.create("first", "de", "en", ENTRIES)
    assert done[-3:] == ["sync", "rename", "sync"]


def test_a_damaged_file_does_not_hide_the_others(
    store: GlossaryStore, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept, damaged = store.create("kept", "de", "en", ENTRIES), store.create("my-secret-name", "de", "en", ENTRIES)
    path = folder / f"{damaged.glossary_id}.json"
    path.write_bytes(path.read_bytes()[:-40])
    newer = folder / "96ab91fd-e715-41a1-adeb-5d701f84a483.json"
    newer.write_bytes((folder / f"{kept.glossary_id}.json").read_bytes().replace(b'"format":1', b'"format":2'))
    assert store.infos() == [kept]
    assert f"{damaged.glossary_id}.json is damaged" in caplog.text
    assert newer.name in caplog.text
    assert "my-secret-name" not in caplog.text


def test_there_may_only_be_so_many(store: GlossaryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glossaries, "MAX_GLOSSARIES", 3)

    def create(number: int) -> bool:
        try:
            store.create(str(number), "de", "en", ENTRIES)
        except InvalidRequestError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(create, range(8))) == 3
    with pytest.raises(InvalidRequestError, match="There are 3 glossaries"):
        store.create("one more", "de", "en", ENTRIES)
    store.delete(store.infos()[0].glossary_id)
    store.create("one more", "de", "en", ENTRIES)
