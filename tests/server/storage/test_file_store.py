"""LibreTranslate's files: few, not for long, each once, and the same for all replicas."""

import random
from pathlib import Path
from typing import Any

import pytest

from server.errors import FileNotThereError, StoreFullError
from server.storage import file_store
from server.storage.database import Database
from server.storage.file_store import FileStore
from tests.server.storage.processes import run_all


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "data")


def test_nothing_is_made_before_it_is_needed(database: Database) -> None:
    store = FileStore(database)
    store.sweep()
    with pytest.raises(FileNotThereError):
        store.take("a" * 32 + ".txt")
    assert not database.folder.exists()


def test_another_replica_gives_it_out_once(database: Database) -> None:
    one, other = FileStore(database), FileStore(Database(database.folder))
    name = one.put(b"12345", ".txt")
    assert other.num_bytes(name) == one.num_bytes(name) == 5
    assert other.take(name) == b"12345"
    for store in (one, other):
        for ask in (store.num_bytes, store.take):
            with pytest.raises(FileNotThereError, match="fetched already"):
                ask(name)


@pytest.mark.parametrize("name", ["", "brief.txt", "../a.txt", "\ud800" * 32 + ".txt", "%" * 32 + ".txt", "a" * 5000])
def test_what_is_no_name_of_ours_finds_nothing(database: Database, name: str) -> None:
    store = FileStore(database)
    store.put(b"a", ".txt")
    for ask in (store.num_bytes, store.take):
        with pytest.raises(FileNotThereError):
            ask(name)


def test_the_store_is_limited_in_size(database: Database) -> None:
    one, other = (FileStore(each, max_total_bytes=10) for each in (database, Database(database.folder)))
    names = [store.put(b"12345", ".txt") for store in (one, other)]
    for store in (one, other):
        with pytest.raises(StoreFullError, match="10 of 10 bytes"):
            store.put(b"1", ".txt")
    assert other.take(names[0]) == b"12345"
    assert one.num_bytes(one.put(b"12345", ".txt")) == 5


def test_the_store_is_limited_in_age(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(file_store.time, "monotonic", lambda: now)
    store = FileStore(database, max_total_bytes=10, max_age_s=60)
    name = store.put(b"1234567890", ".txt")
    now += 59
    store.sweep()
    assert store.num_bytes(name) == 10
    now += 2
    with pytest.raises(FileNotThereError):
        store.take(name)
    store.sweep()
    with database.reading("The file") as connection:
        assert connection.execute("SELECT count(*) FROM files").fetchone() == (0,)
    assert store.put(b"1234567890", ".txt")


def test_a_machine_that_began_anew_keeps_none(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_store.time, "monotonic", lambda: 5000.0)
    name = FileStore(database).put(b"a", ".txt")
    monkeypatch.setattr(file_store.time, "monotonic", lambda: 10.0)
    with pytest.raises(FileNotThereError):
        FileStore(database).take(name)


def take_all(folder: Path, number: int, barrier: Any) -> list[str]:
    store, taken = FileStore(Database(folder)), []
    names = (folder / "names").read_text().split()
    random.Random(number).shuffle(names)
    for name in names:
        try:
            assert store.take(name) == name.encode()
            taken.append(name)
        except FileNotThereError:
            pass
    return taken


def test_of_two_processes_that_race_one_gets_it(database: Database) -> None:
    store = FileStore(database)
    names = [store.put(b"", ".txt") for _ in range(40)]
    with database.writing("The file") as connection:
        connection.execute("UPDATE files SET content = CAST(name AS BLOB)")
    (database.folder / "names").write_text("\n".join(names))
    one, other = run_all(take_all, database.folder, 2)
    assert sorted(one + other) == sorted(names)
