"""Several processes under torchrun: the same run as one process, and clear ends when one dies."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.training.runs import losses, wait_for_step
from training import train
from training.checkpoint import read_checkpoint
from training.train import main
from training.world import World

pytestmark = pytest.mark.slow


def torchrun(num_processes: int, *arguments: str) -> list[str]:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(num_processes)]
    return [*launcher, "-m", "tests.training.undrawn", *arguments]


def start(command: list[str]) -> "subprocess.Popen[str]":
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.getcwd()}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run(command: list[str]) -> str:
    process = start(command)
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    return out


def test_two_processes_train_as_one_does_and_either_number_resumes(config: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    # Dropout is on: it must not depend on which process computes a batch.
    common = [str(config), "--set", "optim.precision=fp32", "--set", "optim.accumulate=4"]
    common += ["--set", "optim.schedule=inverse_sqrt", "--set", "optim.ema_decay=0.9"]
    assert main([*common, "--set", f"run.dir={one}"]) == 0
    run(torchrun(2, *common, "--set", f"run.dir={two}", "--set", "optim.max_steps=4"))
    assert main([*common, "--set", f"run.dir={two}", "--resume", "--set", "optim.max_steps=6"]) == 0
    run(torchrun(2, *common, "--set", f"run.dir={two}", "--resume"))

    expected, found = losses(one), losses(two)
    assert [step for step, _ in found] == [step for step, _ in expected] == list(range(1, 9))
    assert [nll for _, nll in found] == pytest.approx([nll for _, nll in expected], abs=2e-4)
    tokens = [read_checkpoint(folder / "checkpoints" / "last").position.tokens for folder in (one, two)]
    assert tokens[0] == tokens[1]


def test_a_batch_for_every_process_is_asked_for(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(train, "join_world", lambda device: World(0, 2, 2, torch.device(device)))
    assert main([str(config), "--set", "optim.accumulate=3"]) == 2
    assert "optim.accumulate = 3 batches cannot be dealt out to 2 processes" in capsys.readouterr().err


def test_a_killed_process_ends_the_run_and_it_resumes(config: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    common = [str(config), "--set", "optim.max_steps=100000", "--set", "optim.accumulate=2"]
    common += ["--set", "data.max_validation_lines=2"]
    process = start(torchrun(2, *common))
    wait_for_step(process, folder, 6)
    children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=True).stdout
    ranks = sorted(
        int(pid) for pid in children.split() if b"tests.training.undrawn" in Path(f"/proc/{pid}/cmdline").read_bytes()
    )
    os.kill(ranks[-1], signal.SIGKILL)
    _, err = process.communicate(timeout=600)
    assert process.returncode != 0
    assert re.search(r"process \d of 2 has lost another one; go on from the last checkpoint with --resume", err), err
    last = json.loads((folder / "checkpoints" / "last" / "config.json").read_text())["position"]["step"]

    process = start(torchrun(2, *common, "--resume"))
    wait_for_step(process, folder, last + 6)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=600)
    stopped = read_checkpoint(folder / "checkpoints" / "last").position.step
    assert stopped >= last + 6
    assert not list((folder / "checkpoints").glob(".*")), "nothing half-written is left"
