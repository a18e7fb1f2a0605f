"""The store of documents between processes: claimed by one, taken over from who was killed, fetched once."""

import random
import resource
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from server.errors import DocumentNotFoundError, StorageError, StoreFullError
from server.storage.database import Database
from server.storage.document_store import DocumentStore
from server.storage.record import Record, hash_key
from tests.server.storage.processes import run_all, run_and_kill


def open_store(folder: Path, max_bytes: int = 1 << 30) -> DocumentStore:
    """The store as another replica has it; it translates."""
    store = DocumentStore(Database(folder), max_bytes, 86_400.0)
    store.work()
    return store


def add(store: DocumentStore, source: bytes = b"Haus") -> str:
    document_id = uuid.uuid4().hex
    now = time.time()
    store.add(Record(document_id, hash_key("k"), "txt", None, "en", 4, "anna", now, now), source, {"Hund": "dog"})
    return document_id


def claimed(store: DocumentStore) -> str | None:
    claim = store.claim()
    return claim and claim.record.document_id


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@contextmanager
def nothing_may_be_written() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_nothing_is_made_before_it_is_needed(folder: Path) -> None:
    store = open_store(folder)
    assert store.claim() is None
    store.sweep()
    with pytest.raises(DocumentNotFoundError):
        store.take("0" * 32)
    store.leave()
    assert not folder.exists()


def test_a_document_is_claimed_by_one_and_fetched_from_any(folder: Path) -> None:
    one, other = open_store(folder), open_store(folder)
    document_id = add(one)
    claim = other.claim()
    assert claim is not None
    assert (claim.source, claim.terms, claim.record.attempts) == (b"Haus", {"Hund": "dog"}, 1)
    assert one.claim() is other.claim() is None
    assert one.get(document_id) == claim.record
    with pytest.raises(DocumentNotFoundError):
        one.finish(document_id, b"not mine")
    with pytest.raises(DocumentNotFoundError):
        one.take(document_id)
    other.finish(document_id, b"house")
    assert (one.get(document_id).status, one.get(document_id).seat) == ("done", None)
    assert one.take(document_id) == b"house"
    for store in (one, other):
        for ask in (store.get, store.take):
            with pytest.raises(DocumentNotFoundError):
                ask(document_id)


def test_the_one_that_waits_longest_is_first(folder: Path) -> None:
    store = open_store(folder)
    added = [add(store) for _ in range(3)]
    assert [claimed(store) for _ in range(4)] == [*added, None]


def test_one_that_fails_says_why_and_keeps_no_text(folder: Path) -> None:
    one, other = open_store(folder), open_store(folder)
    document_id = add(one, b"Geheimnis")
    assert claimed(one) == document_id
    one.fail(document_id, "it is too long")
    assert (other.get(document_id).status, other.get(document_id).fault) == ("error", "it is too long")
    with pytest.raises(DocumentNotFoundError):
        other.take(document_id)
    with pytest.raises(DocumentNotFoundError):
        one.fail(document_id, "again")
    one._database.tidy()
    assert b"Geheimnis" not in b"".join(path.read_bytes() for path in folder.iterdir())


def test_who_leaves_lets_others_go_on_as_if_it_had_not_begun(folder: Path) -> None:
    one, other = open_store(folder), open_store(folder)
    document_id = add(one)
    assert claimed(one) == document_id
    one.leave()
    assert one.claim() is None, "it works no more"
    again = other.claim()
    assert again is not None
    assert (again.record.document_id, again.record.attempts) == (document_id, 1)
    with pytest.raises(DocumentNotFoundError):
        one.finish(document_id, b"too late")


def test_whose_engine_stopped_lets_others_try(folder: Path) -> None:
    one, other = open_store(folder), open_store(folder)
    document_id = add(one)
    assert claimed(one) == document_id
    one.release(document_id)
    again = other.claim()
    assert again is not None
    assert again.record.attempts == 2


def claim_and_tell(folder: Path, sender: Any) -> None:
    sender.send(claimed(open_store(folder)))
    time.sleep(600)


def test_what_a_killed_process_had_begun_is_taken_over(folder: Path) -> None:
    living, starting = open_store(folder), open_store(folder)
    first, second = add(living), add(living)
    assert claimed(living) == first
    for attempt in range(1, 4):
        assert run_and_kill(claim_and_tell, folder, 1) == [second]
        assert living.get(second).attempts == attempt
    for store in (living, starting):  # one that runs, or one that has just begun
        claim = store.claim()
        if store is living:
            assert claim is not None
            assert (claim.record.document_id, claim.record.attempts) == (second, 4)
        else:
            assert claim is None, "both are somebody's who lives"


def test_one_that_starts_again_goes_on(folder: Path) -> None:
    document_id = add(open_store(folder))
    assert run_and_kill(claim_and_tell, folder, 1) == [document_id]
    assert claimed(open_store(folder)) == document_id


def claim_all(folder: Path, number: int, barrier: Any) -> list[str]:
    store, mine = open_store(folder), []
    while (document_id := claimed(store)) is not None:
        mine.append(document_id)
    barrier.wait(60)  # or what is claimed would be free again
    return mine


def test_processes_that_race_claim_each_document_once(folder: Path) -> None:
    store = open_store(folder)
    added = [add(store) for _ in range(30)]
    claims = run_all(claim_all, folder, 3)
    assert sorted(document_id for mine in claims for document_id in mine) == sorted(added)


def take_all(folder: Path, number: int, barrier: Any) -> list[str]:
    store, taken = open_store(folder), []
    with store._database.reading("All") as connection:
        document_ids = [document_id for (document_id,) in connection.execute("SELECT document_id FROM documents")]
    barrier.wait(60)
    random.Random(number).shuffle(document_ids)
    for document_id in document_ids:
        try:
            assert store.take(document_id) == document_id.encode()
            taken.append(document_id)
        except DocumentNotFoundError:
            pass
    return taken


def test_of_processes_that_race_one_gets_the_result(folder: Path) -> None:
    store = open_store(folder)
    added = [add(store) for _ in range(30)]
    for document_id in added:
        assert claimed(store) == document_id
        store.finish(document_id, document_id.encode())
    one, other = run_all(take_all, folder, 2)
    assert sorted(one + other) == sorted(added)


def add_and_tell(folder: Path, sender: Any) -> None:
    store = open_store(folder)
    while True:
        sender.send(add(store, b"x" * 100_000))


def test_a_kill_loses_no_document_that_was_accepted_and_halves_none(folder: Path) -> None:
    told = run_and_kill(add_and_tell, folder, 5)
    store, found = open_store(folder), []
    while (claim := store.claim()) is not None:
        assert claim.source == b"x" * 100_000
        found.append(claim.record.document_id)
    assert found[: len(told)] == told
    assert len(found) <= len(told) + 1, "one may have been stored and not told"


def test_the_limit_of_size_holds_for_all_replicas_together(folder: Path) -> None:
    one, other = open_store(folder, 40_000), open_store(folder, 40_000)
    first = add(one, b"x" * 20_000)
    for store in (one, other):
        with pytest.raises(StoreFullError, match="take 20480 of 40000 bytes"):
            add(store, b"x" * 20_000)
    assert claimed(other) == first
    other.finish(first, b"x" * 30_000)
    with pytest.raises(StoreFullError, match="take 32768 of 40000 bytes"):
        add(one, b"x" * 10_000)
    one.take(first)
    add(other, b"x" * 30_000)


def test_a_disk_that_takes_nothing_gives_out_a_result_once(folder: Path) -> None:
    store = open_store(folder)
    document_id = add(store)
    assert claimed(store) == document_id
    store.finish(document_id, b"house")
    with nothing_may_be_written():
        with pytest.raises(StorageError, match="The document could not be stored: the disk fails"):
            add(store)
        assert store.take(document_id) == b"house"
        for ask in (store.get, store.take):
            with pytest.raises(DocumentNotFoundError):
                ask(document_id)
        with pytest.raises(StorageError):
            store.sweep()
    store.sweep()
    with pytest.raises(DocumentNotFoundError):
        open_store(folder).get(document_id)
