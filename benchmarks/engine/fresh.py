"""One system in a fresh process: how long until its first translation, and how much memory it takes.

    python -m engine.fresh JOB.json

Run by `measure`. The process imports what its system needs and no more: PyTorch is hidden from CTranslate2, which would
import it if it is installed, and no tokenizer is loaded. Files are in the system's cache by then, for all alike.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.work import BenchmarkError, Fresh, Group, Ids


@dataclass(frozen=True)
class Job:
    """What a fresh process does: open a system, translate `sources[0]`, then all of them.

    Attributes:
        model: the bundle, the converted model or the checkpoint, whichever the system reads.
        compute_type, pieces: for CTranslate2.
    """

    system: str
    model: str
    threads: int
    beam_size: int
    length_penalty: float
    limit: int
    suppressed_ids: tuple[int, ...]
    sources: tuple[Ids, ...]
    compute_type: str
    pieces: tuple[str, ...]


@dataclass(frozen=True)
class Lived:
    """What a fresh process tells: `first_at` by the clock that all processes share."""

    first_at: float
    peak_bytes: int
    resident_bytes: int


def measure(job: Job, times: int, folder: Path) -> Fresh:
    """Run `times` processes, one after another.

    Raises:
        BenchmarkError: a process failed; the message has the end of what it said.
    """
    path = folder / f"{job.system}.json"
    path.write_text(json.dumps(asdict(job)), encoding="utf-8")
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]),
        "OMP_NUM_THREADS": str(job.threads),
    }
    seconds, lives = [], []
    for _ in range(times):
        started = time.monotonic()
        command = [sys.executable, "-m", "engine.fresh", str(path)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise BenchmarkError(f"{job.system} failed in a process of its own:\n{done.stderr[-2000:]}")
        lives.append(Lived(**json.loads(done.stdout.splitlines()[-1])))
        seconds.append(lives[-1].first_at - started)
    last = lives[-1]
    return Fresh(statistics.median(seconds), tuple(seconds), last.peak_bytes, last.resident_bytes)


def live(job: Job) -> Lived:
    """Do what `job` says, in this process."""
    first = Group(job.sources[:1], job.limit)
    everything = Group(job.sources, job.limit)
    if job.system == "ferry":
        from engine.systems import Ferry
        from server.bundle import read_bundle

        ferry = Ferry(read_bundle(Path(job.model)), job.threads, job.length_penalty)
        ferry.translate(first, job.beam_size)
        first_at = time.monotonic()
        ferry.translate(everything, job.beam_size)
    elif job.system == "ctranslate2":
        sys.modules["torch"] = None  # type: ignore[assignment]
        from engine.ct2 import Choice, CTranslate2

        peer = CTranslate2(
            Path(job.model), job.compute_type, job.threads, job.pieces, job.suppressed_ids, job.length_penalty
        )
        peer.load([everything])
        peer.translate(first, job.beam_size)
        first_at = time.monotonic()
        peer.choice = Choice(1, job.threads, 1024, "tokens")
        peer.translate(everything, job.beam_size)
    else:
        from engine.eager import Eager
        from training.checkpoint import read_checkpoint

        eager = Eager(read_checkpoint(Path(job.model)).model, job.threads, job.suppressed_ids)
        eager.translate(first, job.beam_size)
        first_at = time.monotonic()
        eager.translate(everything, job.beam_size)
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    peak, resident = (1024 * int(status[name].split()[0]) for name in ("VmHWM", "VmRSS"))
    return Lived(first_at, peak, resident)


def read_job(path: Path) -> Job:
    """The job in a JSON file."""
    data = json.loads(path.read_text(encoding="utf-8"))
    lists = {name: tuple(data[name]) for name in ("suppressed_ids", "pieces")}
    return Job(**data | lists | {"sources": tuple(map(tuple, data["sources"]))})


if __name__ == "__main__":
    print(json.dumps(asdict(live(read_job(Path(sys.argv[1]))))))
