"""The store of glossaries: durable, whole or not at all, each owner's own, and closed to what is no id."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from server.errors import GlossaryNotFoundError, InvalidRequestError
from server.storage import glossary_store as glossaries
from server.storage.database import Database
from server.storage.glossary_store import GlossaryStore

ENTRIES = {"Hund": "dog", "Haus": "house"}
ANNA, BERT = "anna", "bert"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def store(folder: Path) -> GlossaryStore:
    return GlossaryStore(Database(folder))


def test_nothing_is_made_before_it_is_needed(store: GlossaryStore, folder: Path) -> None:
    assert store.infos(ANNA) == []
    with pytest.raises(GlossaryNotFoundError):
        store.get(ANNA, "96ab91fd-e715-41a1-adeb-5d701f84a483")
    assert not folder.exists()


def test_what_is_stored_is_there_for_the_next_process(store: GlossaryStore, folder: Path) -> None:
    created = store.create(ANNA, "mine", "de", "en", ENTRIES)
    assert (created.name, created.source_lang, created.target_lang, created.entry_count) == ("mine", "de", "en", 2)
    again = GlossaryStore(Database(folder))
    assert again.info(ANNA, created.glossary_id) == created
    assert again.infos(ANNA) == [created]
    assert list(again.get(ANNA, created.glossary_id.upper()).entries.items()) == list(ENTRIES.items())
    assert folder.stat().st_mode & 0o077 == 0


def test_what_is_deleted_is_gone(store: GlossaryStore, folder: Path) -> None:
    kept, gone = store.create(ANNA, "kept", "de", "en", ENTRIES), store.create(ANNA, "gone", "de", "en", ENTRIES)
    store.delete(ANNA, gone.glossary_id)
    assert store.infos(ANNA) == [kept]
    for ask in (store.get, store.info, store.delete):
        with pytest.raises(GlossaryNotFoundError):
            ask(ANNA, gone.glossary_id)


@pytest.mark.parametrize("glossary_id", ["../secret", "..", "", "/etc/passwd", "96ab91fd\n", "*", "%", "\ud800"])
def test_what_is_no_id_finds_nothing(store: GlossaryStore, glossary_id: str) -> None:
    store.create(ANNA, "mine", "de", "en", ENTRIES)
    for ask in (store.get, store.info, store.delete):
        with pytest.raises(GlossaryNotFoundError):
            ask(ANNA, glossary_id)
    assert len(store.infos(ANNA)) == 1


def test_each_owner_has_its_own(store: GlossaryStore) -> None:
    mine, theirs = store.create(ANNA, "mine", "de", "en", ENTRIES), store.create("", "theirs", "de", "en", ENTRIES)
    assert (store.infos(ANNA), store.infos(""), store.infos(BERT)) == ([mine], [theirs], [])
    for owner, glossary_id in ((BERT, mine.glossary_id), (ANNA, theirs.glossary_id), ("", mine.glossary_id)):
        for ask in (store.get, store.info, store.delete):
            with pytest.raises(GlossaryNotFoundError):
                ask(owner, glossary_id)
    assert store.get(ANNA, mine.glossary_id).entries == ENTRIES


def test_another_process_sees_it_at_once(store: GlossaryStore, folder: Path) -> None:
    other = GlossaryStore(Database(folder))
    assert other.infos(ANNA) == []
    created = store.create(ANNA, "mine", "de", "en", ENTRIES)
    assert other.get(ANNA, created.glossary_id).entries == ENTRIES
    other.delete(ANNA, created.glossary_id)
    assert store.infos(ANNA) == []


def test_there_may_only_be_so_many(store: GlossaryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glossaries, "MAX_GLOSSARIES", 3)

    def create(number: int) -> bool:
        try:
            store.create(ANNA, str(number), "de", "en", ENTRIES)
        except InvalidRequestError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(create, range(8))) == 3
    with pytest.raises(InvalidRequestError, match="There are 3 glossaries"):
        store.create(ANNA, "one more", "de", "en", ENTRIES)
    store.delete(ANNA, store.infos(ANNA)[0].glossary_id)
    store.create(ANNA, "one more", "de", "en", ENTRIES)
