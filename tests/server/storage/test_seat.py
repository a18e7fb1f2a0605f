"""Seats: one for each process, free as soon as it has ended, however it ended."""

import time
from pathlib import Path
from typing import Any

import pytest

from server.storage.seat import Seat
from tests.server.storage.processes import run_all, run_and_kill


def take(folder: Path, number: int, barrier: Any) -> int:
    taken = Seat(folder).take()
    barrier.wait(60)  # nobody goes before all have one
    return taken


def take_and_tell(folder: Path, sender: Any) -> None:
    seat = Seat(folder)
    sender.send(seat.take())
    time.sleep(600)


def test_each_process_has_its_own(tmp_path: Path) -> None:
    assert sorted(run_all(take, tmp_path, 3)) == [0, 1, 2]
    assert Seat(tmp_path).take() == 0, "all have ended"


def test_a_killed_process_has_none(tmp_path: Path) -> None:
    seat = Seat(tmp_path)
    assert seat.take() == 0
    [killed] = run_and_kill(take_and_tell, tmp_path, 1)
    assert killed == 1
    with seat.kept_free(killed) as is_free:
        assert is_free
        other = Seat(tmp_path)
        assert other.take() == 2, "nobody gets one that somebody is looking at"


def test_a_seat_that_is_taken_is_not_free(tmp_path: Path) -> None:
    one, other = Seat(tmp_path), Seat(tmp_path)
    number = one.take()
    with other.kept_free(number) as is_free:
        assert not is_free
    one.leave()
    with other.kept_free(number) as is_free:
        assert is_free


def test_a_folder_that_takes_no_file_is_told(tmp_path: Path) -> None:
    seat = Seat(tmp_path / "gone")
    with pytest.raises(FileNotFoundError):
        seat.take()
    with seat.kept_free(0) as is_free:
        assert not is_free, "who cannot look does not know"
