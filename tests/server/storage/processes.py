"""Processes of their own, over the same folder: real replicas, as far as storage is concerned."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from multiprocessing.context import SpawnProcess
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

PATIENCE_S = 120.0
_SPAWN = multiprocessing.get_context("spawn")

# What a process does: with the folder, its number, and a place where all of them meet before they begin.
Work = Callable[[Path, int, Barrier], Any]


def run_all(work: Work, folder: Path, num_processes: int) -> list[Any]:
    """What `work` gives in each of several processes that begin at the same moment."""
    barrier, answers = _SPAWN.Barrier(num_processes), _SPAWN.SimpleQueue()
    processes = [_SPAWN.Process(target=_work, args=(work, folder, i, barrier, answers)) for i in range(num_processes)]
    for process in processes:
        process.start()
    found = [answers.get() for _ in processes]
    _join(processes)
    return found


def run_and_kill(work: Callable[[Path, Any], None], folder: Path, num_told: int) -> list[Any]:
    """Run `work`, which tells and tells, and kill it when it has told so much; what it told."""
    receiver, sender = _SPAWN.Pipe(duplex=False)
    process = _SPAWN.Process(target=work, args=(folder, sender))
    process.start()
    told = [receiver.recv() for _ in range(num_told)]
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join(PATIENCE_S)
    sender.close()
    while receiver.poll():
        try:
            told.append(receiver.recv())
        except EOFError:
            break
    return told


def _work(work: Work, folder: Path, number: int, barrier: Barrier, answers: Any) -> None:
    barrier.wait(PATIENCE_S)
    answers.put(work(folder, number, barrier))


def _join(processes: Sequence[SpawnProcess]) -> None:
    for process in processes:
        process.join(PATIENCE_S)
        assert process.exitcode == 0
