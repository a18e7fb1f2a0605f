"""Counts of characters: summed over replicas, kept over restarts, and a limit that nobody passes."""

import asyncio
import logging
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from server.errors import QuotaExceededError, StorageError
from server.storage import usage as usage_module
from server.storage.database import Database
from server.storage.usage import Usage
from tests.server.storage.processes import run_all, run_and_kill


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def usage(folder: Path) -> Usage:
    return Usage(Database(folder))


async def charge(usage: Usage, num_chars: int, limit: int | None) -> bool:
    """Whether so many are granted."""
    try:
        async with usage.charged("anna", num_chars, limit):
            await asyncio.sleep(0)
    except QuotaExceededError:
        return False
    return True


def test_nothing_is_made_before_it_is_needed(usage: Usage, folder: Path) -> None:
    async def ask() -> None:
        async with usage.kept():
            assert await usage.count("anna") == 0

    run(ask())
    assert not folder.exists()


@pytest.mark.parametrize("limit", [None, 100])
def test_what_fails_costs_nothing(usage: Usage, limit: int | None) -> None:
    async def ask() -> None:
        async with usage.charged("anna", 30, limit):
            pass
        for fault in (ZeroDivisionError, asyncio.CancelledError):
            with pytest.raises(fault):
                async with usage.charged("anna", 70, limit):
                    raise fault
        assert await usage.count("anna") == 30
        assert await charge(usage, 70, limit)
        assert await usage.count("anna") == 100

    run(ask())


def test_a_limit_says_what_is_left(usage: Usage) -> None:
    async def ask() -> None:
        assert await charge(usage, 60, 100)
        with pytest.raises(QuotaExceededError, match="quota of 100 characters has 40 left; this request has 41"):
            async with usage.charged("anna", 41, 100):
                pytest.fail("it was granted")
        assert await charge(usage, 40, 100)
        assert await charge(usage, 0, 100)
        with pytest.raises(QuotaExceededError, match="has 0 left"):
            async with usage.charged("anna", 0, 50):
                pytest.fail("it was granted")

    run(ask())


def test_what_was_counted_without_a_limit_counts_when_there_is_one(usage: Usage) -> None:
    async def ask() -> None:
        assert await charge(usage, 90, None)
        assert not await charge(usage, 20, 100)
        assert await charge(usage, 10, 100)

    run(ask())


def test_a_request_that_is_given_up_while_it_is_counted_costs_nothing(usage: Usage) -> None:
    async def ask() -> None:
        for _ in range(20):
            task = asyncio.create_task(charge(usage, 10, 1000))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert await usage.count("anna") == 0
        assert await charge(usage, 1000, 1000)

    run(ask())


def test_counts_outlive_the_process(usage: Usage, folder: Path) -> None:
    async def ask() -> None:
        async with usage.kept():
            usage.add("anna", 12)
        assert await Usage(Database(folder)).count("anna") == 12

    run(ask())


def test_replicas_sum_up_and_see_each_other_soon(usage: Usage, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_module, "WRITE_EVERY_S", 0.01)
    other = Usage(Database(folder))

    async def ask() -> None:
        async with usage.kept(), other.kept(), asyncio.timeout(60):
            for _ in range(5):
                assert await charge(usage, 3, None)
                assert await charge(other, 4, None)
            assert await usage.count("anna") >= 15
            while not await usage.count("anna") == await other.count("anna") == 35:
                await asyncio.sleep(0.01)

    run(ask())


def test_what_is_given_back_here_may_be_had_there(usage: Usage, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_module, "WRITE_EVERY_S", 600)
    other = Usage(Database(folder))

    async def ask() -> None:
        async with usage.kept(), other.kept(), asyncio.timeout(60):
            await asyncio.sleep(0)  # the one that writes has begun to wait
            begun = usage.charged("anna", 100, 100)
            await begun.__aenter__()
            assert not await charge(other, 1, 100)
            await begun.__aexit__(ZeroDivisionError, None, None)
            while not await charge(other, 100, 100):
                await asyncio.sleep(0.01)

    run(ask())


def ask_for_more(folder: Path, number: int, barrier: Any) -> int:
    """Ask for twice the limit, many requests at a time; what was granted."""
    usage = Usage(Database(folder))

    async def ask() -> int:
        async with usage.kept():
            sizes = [7 + (i + number) % 5 for i in range(200)]
            granted = await asyncio.gather(*(charge(usage, size, 1000) for size in sizes))
            return sum(size for size, is_granted in zip(sizes, granted, strict=True) if is_granted)

    return asyncio.run(ask())


def test_a_limit_of_1000_holds_over_two_processes_and_is_used_up(folder: Path) -> None:
    granted = run_all(ask_for_more, folder, 2)
    # Nothing is refused that fits: what is left is less than the smallest.
    assert 1000 - 7 < sum(granted) <= 1000

    async def check() -> None:
        assert await Usage(Database(folder)).count("anna") == sum(granted)

    run(check())


def ask_and_tell(folder: Path, sender: Any) -> None:
    usage = Usage(Database(folder))

    async def ask() -> None:
        async with usage.kept():
            while await charge(usage, 10, 10_000):
                sender.send(10)

    asyncio.run(ask())


def test_a_kill_gives_nobody_more_than_the_limit(folder: Path) -> None:
    told = run_and_kill(ask_and_tell, folder, 20)
    told += run_and_kill(ask_and_tell, folder, 20)

    async def check() -> None:
        usage = Usage(Database(folder))
        assert sum(told) <= await usage.count("anna") <= sum(told) + 20, "one of each may have been counted in vain"
        while await charge(usage, 10, 10_000):
            told.append(10)
        assert sum(told) <= 10_000 == await usage.count("anna")

    run(check())


def test_a_disk_that_takes_nothing_stops_nobody_without_a_limit(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage_module, "WRITE_EVERY_S", 0.001)
    (tmp_path / "file").write_text("no folder")
    usage = Usage(Database(tmp_path / "file"))

    async def ask() -> None:
        async with usage.kept(), asyncio.timeout(60):
            assert await charge(usage, 12, None)
            while not caplog.records:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.05)
            with pytest.raises(StorageError, match="counts could not be stored"):
                await charge(usage, 12, 1000)
            (tmp_path / "file").unlink()  # now there is room
            assert await charge(usage, 988, 1000)
            assert await usage.count("anna") == 1000

    with caplog.at_level(logging.DEBUG, "ferry"):
        run(ask())
    assert len(caplog.records) == 1, "it is said once"
    assert "Counting goes on." in caplog.text
    assert "anna" not in caplog.text
