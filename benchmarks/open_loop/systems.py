"""The systems that can be measured, and a running one: its processes, their memory and processor time."""

import os
import shlex
import signal
import subprocess
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from open_loop.adapters import ADAPTERS

START_S = 120.0
STOP_S = 15.0
HERTZ = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class System:
    """A row of `systems.toml`; `command` and `env` have holes.

    Attributes:
        metrics: path of Prometheus' figures, if it has Ferry's.
        in_run: it is started in a folder of its own.
    """

    about: str
    adapter: str
    command: str
    env: Mapping[str, str]
    metrics: str = ""
    in_run: bool = False


def read_systems(path: Path) -> dict[str, System]:
    """All systems of a TOML file, by name."""
    rows = tomllib.loads(path.read_text("utf-8"))
    systems = {name: System(**{"env": {}} | row) for name, row in rows.items()}
    for name, system in systems.items():
        if system.adapter not in ADAPTERS:
            raise ValueError(f"{path}: {name} has adapter {system.adapter}; there are {', '.join(ADAPTERS)}")
    return systems


class Running:
    """A system that runs on `cores`; stopped, with all its processes, when the block ends."""

    def __init__(self, system: System, holes: Mapping[str, str], cores: Sequence[int], folder: Path) -> None:
        """
        Args:
            holes: all but `port` and `run`.
            cores: where it may run; empty is anywhere.
            folder: for its log, and its own files in `run`.
        """
        run = folder / "run"
        (run / "db").mkdir(parents=True)
        port = free_port()
        filled = {**holes, "port": str(port), "run": str(run)}
        pin = ["taskset", "-c", ",".join(map(str, cores))] if cores else []
        command = [part.format_map(filled) for part in shlex.split(system.command)]
        env = {**os.environ, **{name: value.format_map(filled) for name, value in system.env.items()}}
        self.system, self.url, self.cores = system, f"http://127.0.0.1:{port}", cores
        self._log = folder / "log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*pin, *command],
                cwd=run if system.in_run else None,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )

    def __enter__(self) -> "Running":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def translate(self, text: str, source: str, target: str) -> str:
        """One sentence, alone."""
        adapter = ADAPTERS[self.system.adapter]
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + adapter.path, adapter.encode(text, source, target), headers)
        with urllib.request.urlopen(request, timeout=60) as response:
            return adapter.read(response.read())

    def wait(self, text: str, source: str, target: str) -> None:
        """Until it translates `text`.

        Raises:
            RuntimeError: it ended, or did not in `START_S`.
        """
        end = time.monotonic() + START_S
        while time.monotonic() < end and self._process.poll() is None:
            try:
                self.translate(text, source, target)
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        tail = self._log.read_text("utf-8", "replace")[-2000:]
        raise RuntimeError(f"{self.system.about} does not translate; it said:\n{tail}")

    def metrics(self) -> str:
        """Its figures for Prometheus; empty if it has none."""
        if not self.system.metrics:
            return ""
        with urllib.request.urlopen(self.url + self.system.metrics, timeout=60) as response:
            return str(response.read(), "utf-8")

    def memory_bytes(self) -> int:
        """Of all its processes; what they share is counted once."""
        return sum(_memory_bytes(pid) for pid in self._pids())

    def cpu_s(self) -> float:
        """Processor time of all its processes so far."""
        return sum(_cpu_s(pid) for pid in self._pids())

    def _pids(self) -> list[int]:
        found, rest = [], [self._process.pid]
        while rest:
            pid = rest.pop()
            found.append(pid)
            try:
                for task in Path("/proc", str(pid), "task").iterdir():
                    rest += map(int, (task / "children").read_text().split())
            except OSError:
                continue  # it has ended
        return found


def _memory_bytes(pid: int) -> int:
    try:
        lines = Path("/proc", str(pid), "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def _cpu_s(pid: int) -> float:
    try:
        fields = Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / HERTZ


def busy_s(cores: Sequence[int]) -> float:
    """Time that cores (empty: all) were not idle so far, also while the host of a virtual machine had them."""
    total = 0
    for line in Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        if name.startswith("cpu") and name != "cpu" and (not cores or int(name[3:]) in cores):
            user, nice, system, _idle, _waiting, *others = map(int, fields[:8])
            total += user + nice + system + sum(others)
    return total / HERTZ


def free_port() -> int:
    """One that nobody listens on."""
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
