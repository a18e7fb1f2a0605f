"""What several tests of runs ask of them."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from training.report import read_metrics

# `ferry-train` as a process of its own, without curves.
UNDRAWN = (sys.executable, "-m", "tests.training.undrawn")


def losses(run: Path) -> list[tuple[int, float]]:
    """Step and training loss of every event."""
    return [(e["step"], e["nll"]) for e in read_metrics(run / "metrics.jsonl") if e["event"] == "train"]


def wait_for_step(process: "subprocess.Popen[Any]", run: Path, step: int) -> None:
    """Wait until the run that `process` trains has logged `step`."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        events = read_metrics(run / "metrics.jsonl")
        if events and events[-1]["step"] >= step:
            return
        if process.poll() is not None:
            raise ChildProcessError(f"ended with {process.returncode} before step {step}")
        time.sleep(0.1)
    raise TimeoutError(f"step {step} was not reached")
