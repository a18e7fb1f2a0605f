"""The store of glossaries: durable, whole or not at all, each owner's own, and closed to what is no id."""

import json
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from server.errors import GlossaryNotFoundError, InvalidRequestError
from server.storage import glossary_store as glossaries
from server.storage.database import NAME, Database
from server.storage.glossary_store import DictionaryInfo, GlossaryStore
from server.storage.tables import STEPS

DE_EN = ("de", "en")
ENTRIES = {"Hund": "dog", "Haus": "house"}
ANNA, BERT = "anna", "bert"
EN_DE = ("en", "de")
UNKNOWN = "96ab91fd-e715-41a1-adeb-5d701f84a483"


def each_way(store: GlossaryStore) -> list[Callable[[str, str], object]]:
    """All ways to ask for one glossary, by its owner and id."""
    return [
        store.info,
        lambda owner, glossary_id: store.entries(owner, glossary_id, DE_EN),
        lambda owner, glossary_id: store.put(owner, glossary_id, {DE_EN: {"a": "b"}}, keep=True),
        lambda owner, glossary_id: store.delete_dictionary(owner, glossary_id, DE_EN),
        store.delete,
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def store(folder: Path) -> GlossaryStore:
    return GlossaryStore(Database(folder))


def test_nothing_is_made_before_it_is_needed(store: GlossaryStore, folder: Path) -> None:
    assert store.infos(ANNA) == []
    with pytest.raises(GlossaryNotFoundError):
        store.info(ANNA, UNKNOWN)
    assert not folder.exists()


def test_what_is_stored_is_there_for_the_next_process(store: GlossaryStore, folder: Path) -> None:
    created = store.create(ANNA, "mine", {DE_EN: ENTRIES})
    assert (created.name, created.dictionaries) == ("mine", (DictionaryInfo("de", "en", 2),))
    again = GlossaryStore(Database(folder))
    assert again.info(ANNA, created.glossary_id) == created
    assert again.infos(ANNA) == [created]
    assert list(again.entries(ANNA, created.glossary_id.upper(), DE_EN).items()) == list(ENTRIES.items())
    assert folder.stat().st_mode & 0o077 == 0


def test_what_is_deleted_is_gone(store: GlossaryStore, folder: Path) -> None:
    kept, gone = store.create(ANNA, "kept", {DE_EN: ENTRIES}), store.create(ANNA, "gone", {DE_EN: ENTRIES})
    store.delete(ANNA, gone.glossary_id)
    assert store.infos(ANNA) == [kept]
    for ask in each_way(store):
        with pytest.raises(GlossaryNotFoundError):
            ask(ANNA, gone.glossary_id)


@pytest.mark.parametrize("glossary_id", ["../secret", "..", "", "/etc/passwd", "96ab91fd\n", "*", "%", "\ud800"])
def test_what_is_no_id_finds_nothing(store: GlossaryStore, glossary_id: str) -> None:
    store.create(ANNA, "mine", {DE_EN: ENTRIES})
    for ask in each_way(store):
        with pytest.raises(GlossaryNotFoundError):
            ask(ANNA, glossary_id)
    assert len(store.infos(ANNA)) == 1


def test_each_owner_has_its_own(store: GlossaryStore) -> None:
    mine, theirs = store.create(ANNA, "mine", {DE_EN: ENTRIES}), store.create("", "theirs", {DE_EN: ENTRIES})
    assert (store.infos(ANNA), store.infos(""), store.infos(BERT)) == ([mine], [theirs], [])
    for owner, glossary_id in ((BERT, mine.glossary_id), (ANNA, theirs.glossary_id), ("", mine.glossary_id)):
        for ask in each_way(store):
            with pytest.raises(GlossaryNotFoundError):
                ask(owner, glossary_id)
    assert store.entries(ANNA, mine.glossary_id, DE_EN) == ENTRIES


def test_another_process_sees_it_at_once(store: GlossaryStore, folder: Path) -> None:
    other = GlossaryStore(Database(folder))
    assert other.infos(ANNA) == []
    created = store.create(ANNA, "mine", {DE_EN: ENTRIES})
    assert other.entries(ANNA, created.glossary_id, DE_EN) == ENTRIES
    other.delete(ANNA, created.glossary_id)
    assert store.infos(ANNA) == []


def test_there_may_only_be_so_many(store: GlossaryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glossaries, "MAX_GLOSSARIES", 3)

    def create(number: int) -> bool:
        try:
            store.create(ANNA, str(number), {DE_EN: ENTRIES})
        except InvalidRequestError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(create, range(8))) == 3
    with pytest.raises(InvalidRequestError, match="There are 3 glossaries"):
        store.create(ANNA, "one more", {DE_EN: ENTRIES})
    store.delete(ANNA, store.infos(ANNA)[0].glossary_id)
    store.create(ANNA, "one more", {DE_EN: ENTRIES})


def test_a_glossary_has_a_dictionary_for_each_direction(store: GlossaryStore) -> None:
    created = store.create(ANNA, "mine", {EN_DE: {"dog": "Hund"}, DE_EN: ENTRIES})
    assert created.dictionaries == (DictionaryInfo("de", "en", 2), DictionaryInfo("en", "de", 1))
    assert store.entries(ANNA, created.glossary_id, EN_DE) == {"dog": "Hund"}
    store.delete_dictionary(ANNA, created.glossary_id, EN_DE)
    assert store.info(ANNA, created.glossary_id).dictionaries == (DictionaryInfo("de", "en", 2),)
    for ask in (store.entries, store.delete_dictionary):
        with pytest.raises(GlossaryNotFoundError, match="no dictionary for en-de"):
            ask(ANNA, created.glossary_id, EN_DE)


def test_entries_are_added_or_replaced_and_the_name_is_changed(store: GlossaryStore) -> None:
    glossary_id = store.create(ANNA, "mine", {DE_EN: ENTRIES}).glossary_id
    changed = store.put(ANNA, glossary_id, {DE_EN: {"Haus": "home", "Maus": "mouse"}}, keep=True, name="ours")
    assert (changed.name, changed.dictionaries) == ("ours", (DictionaryInfo("de", "en", 3),))
    assert store.entries(ANNA, glossary_id, DE_EN) == {"Hund": "dog", "Haus": "home", "Maus": "mouse"}
    changed = store.put(ANNA, glossary_id, {DE_EN: {"Maus": "mouse"}, EN_DE: {"dog": "Hund"}}, keep=False)
    assert (changed.name, [each.entry_count for each in changed.dictionaries]) == ("ours", [1, 1])
    assert store.entries(ANNA, glossary_id, DE_EN) == {"Maus": "mouse"}
    assert store.put(ANNA, glossary_id, {}, keep=True, name="theirs").name == "theirs"


def test_a_deleted_glossary_leaves_no_dictionary(store: GlossaryStore, folder: Path) -> None:
    store.delete(ANNA, store.create(ANNA, "mine", {DE_EN: ENTRIES, EN_DE: ENTRIES}).glossary_id)
    with Database(folder).reading("It") as connection:
        assert connection.execute("SELECT count(*) FROM dictionaries").fetchone() == (0,)


def test_a_database_of_glossaries_of_one_direction_is_taken_over(folder: Path) -> None:
    folder.mkdir()
    with closing(sqlite3.connect(folder / NAME)) as connection:
        for statement in STEPS[0].split(";"):
            connection.execute(statement)
        values = (UNKNOWN, ANNA, "mine", "de", "en", "2026-01-02T03:04:05.678Z", 2, json.dumps(ENTRIES).encode())
        connection.execute("INSERT INTO glossaries VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
        connection.execute("PRAGMA user_version = 1")
        connection.commit()
    store = GlossaryStore(Database(folder))
    [info] = store.infos(ANNA)
    assert (info.glossary_id, info.name, info.creation_time) == (UNKNOWN, "mine", "2026-01-02T03:04:05.678Z")
    assert info.dictionaries == (DictionaryInfo("de", "en", 2),)
    assert store.entries(ANNA, UNKNOWN, DE_EN) == ENTRIES
