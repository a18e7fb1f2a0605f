"""The database: made when needed, for us alone, whole or not at all, and in words when it cannot be used."""

import os
import re
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from server.errors import SettingsError, StorageError
from server.storage.database import NAME, Database
from server.storage.document_store import DocumentStore
from server.storage.tables import STEPS
from tests.server.storage.processes import run_all, run_and_kill

COUNT = "INSERT INTO usage VALUES (?, ?)"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


def callers(database: Database) -> list[str]:
    with database.reading("It") as connection:
        return [caller for (caller,) in connection.execute("SELECT caller FROM usage ORDER BY caller")]


def add(database: Database, caller: str) -> None:
    with database.writing("It") as connection:
        connection.execute(COUNT, (caller, 1))


def test_nothing_is_made_before_it_is_needed(folder: Path) -> None:
    database = Database(folder)
    database.prepare()
    assert callers(database) == []
    database.sync()
    database.tidy()
    database.close()
    assert not folder.exists()
    add(database, "a")
    assert callers(database) == callers(Database(folder)) == ["a"]


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o777 - 0o700])
def test_it_is_for_us_alone(folder: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        database = Database(folder)
        add(database, "a")
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {
        NAME: 0o600,
        f"{NAME}-wal": 0o600,
        f"{NAME}-shm": 0o600,
    }


def test_a_transaction_is_kept_as_a_whole_or_not_at_all(folder: Path) -> None:
    database = Database(folder)
    add(database, "kept")

    def fail() -> None:
        with database.writing("It") as connection:
            connection.execute(COUNT, ("lost", 1))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert callers(database) == ["kept"]


def test_what_is_wrong_with_our_own_words_is_not_called_a_fault_of_the_disk(folder: Path) -> None:
    with pytest.raises(StorageError, match="IntegrityError"), Database(folder).writing("It") as connection:
        connection.execute(COUNT, ("a", None))


def test_threads_take_turns(folder: Path) -> None:
    database = Database(folder)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: add(database, f"{i:03}"), range(100)))
    assert callers(database) == [f"{i:03}" for i in range(100)]


def add_many(folder: Path, number: int, barrier: Any) -> None:
    database = Database(folder)
    for i in range(50):
        add(database, f"{number}-{i:02}")


def test_processes_take_turns_also_in_making_it(folder: Path) -> None:
    run_all(add_many, folder, 3)
    assert callers(Database(folder)) == [f"{number}-{i:02}" for number in range(3) for i in range(50)]


def add_pairs(folder: Path, sender: Any) -> None:
    database = Database(folder)
    for i in range(100_000):
        with database.writing("It", lasting=i % 2 == 0) as connection:
            connection.execute(COUNT, (f"{i:06}-one", 1))
            connection.execute(COUNT, (f"{i:06}-two", 1))
        sender.send(i)


@pytest.mark.parametrize("num_told", [1, 7, 100])
def test_a_kill_loses_nothing_that_was_told_and_halves_nothing(folder: Path, num_told: int) -> None:
    told = run_and_kill(add_pairs, folder, num_told)
    found = callers(Database(folder))
    assert len(found) % 2 == 0
    assert len(found) // 2 in (len(told), len(told) + 1), "one may have been stored and not told"
    assert found == [f"{i:06}-{which}" for i in range(len(found) // 2) for which in ("one", "two")]


def test_one_of_a_later_version_is_refused_in_words(folder: Path) -> None:
    add(Database(folder), "a")
    with closing(sqlite3.connect(folder / NAME)) as connection:
        connection.execute(f"PRAGMA user_version = {len(STEPS) + 1}")
    says = f"--data {folder}: {NAME} cannot be used: it is of version {len(STEPS) + 1}, and this server knows "
    with pytest.raises(SettingsError, match=re.escape(says)):
        Database(folder).prepare()
    with closing(sqlite3.connect(folder / NAME)) as connection:
        assert connection.execute("SELECT * FROM usage").fetchall() == [("a", 1)]


@pytest.mark.parametrize("version", range(1, len(STEPS)))
def test_one_of_an_earlier_version_is_brought_to_ours(folder: Path, version: int) -> None:
    folder.mkdir()
    with closing(sqlite3.connect(folder / NAME)) as connection:
        for statement in ";".join(STEPS[:version]).split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {version}")
        row = ("0" * 32, "hash", "txt", "de", "en", 3, "anna", 1.0, 1.0, "done", 1, "", None, 4096)
        connection.execute(f"INSERT INTO documents VALUES ({', '.join('?' * len(row))})", row)
        connection.commit()
    Database(folder).prepare()
    store = DocumentStore(Database(folder), 1 << 20, 3600.0)
    assert (store.get("0" * 32).target, store.get("0" * 32).formality) == ("en", "default")


@pytest.mark.parametrize("damage", [b"Guten Tag. " * 1000, b""])
def test_what_is_no_database_is_refused_in_words(folder: Path, damage: bytes) -> None:
    folder.mkdir()
    (folder / NAME).write_bytes(damage)
    database = Database(folder)
    if damage:
        with pytest.raises(SettingsError, match=r"ferry\.db cannot be used: the database is damaged, and its operator"):
            database.prepare()
        with pytest.raises(StorageError, match="It could not be stored: the database is damaged"):
            add(database, "a")
        assert (folder / NAME).read_bytes() == damage
    else:  # a process was killed before it wrote anything
        add(database, "a")
        assert callers(database) == ["a"]


def test_damage_that_is_met_later_is_told_in_words_without_names(folder: Path) -> None:
    database = Database(folder)
    with database.writing("It") as connection:
        connection.executemany(COUNT, ((f"{i:040}", 1) for i in range(1000)))
    database.close()
    content = (folder / NAME).read_bytes()
    (folder / NAME).write_bytes(content[: 3 * 4096] + b"\xff" * (len(content) - 3 * 4096))
    damaged = Database(folder)
    with pytest.raises(StorageError, match="It could not be read: the database is damaged") as told:
        callers(damaged)
    assert str(folder) not in str(told.value)


def test_a_folder_that_cannot_be_made_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StorageError, match="It could not be stored: Not a directory; ask again later"):
        add(Database(tmp_path / "file" / "data"), "a")


def test_another_that_writes_for_too_long_is_told_in_words(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.storage.database.BUSY_S", 0.01)
    one, other = Database(folder), Database(folder)
    add(one, "a")
    assert callers(other) == ["a"]
    with one.writing("It"):
        with pytest.raises(StorageError, match="another replica has been writing for too long"):
            add(other, "b")
        assert callers(other) == ["a"], "reading waits for nobody"
    add(other, "b")


def test_the_disk_gets_back_what_removed_rows_took_and_no_file_has_them(folder: Path) -> None:
    database, secret = Database(folder), b"Geheimnis" * 300_000
    with database.writing("It") as connection:
        connection.execute("INSERT INTO files VALUES ('a', 0, ?)", (secret,))
    assert b"Geheimnis" in b"".join(path.read_bytes() for path in folder.iterdir())
    with database.writing("It") as connection:
        connection.execute("DELETE FROM files")
    database.tidy()
    assert b"Geheimnis" not in b"".join(path.read_bytes() for path in folder.iterdir())
    assert sum(path.stat().st_size for path in folder.iterdir()) < len(secret) / 10
    assert callers(database) == []


@pytest.mark.parametrize("lasting", [True, False])
def test_what_must_outlive_a_loss_of_power_waits_for_the_disk(folder: Path, lasting: bool) -> None:
    database = Database(folder)
    for each in (True, False, lasting):
        with database.writing("It", lasting=each) as connection:
            (level,) = connection.execute("PRAGMA synchronous").fetchone()
    assert level == (2 if lasting else 1)
