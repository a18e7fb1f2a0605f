"""The server under test: a real `ferry-serve` on loopback, and what the system and its metrics say of it."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import aiohttp

START_S = 120.0
# At the end it may finish what it does.
STOP_S = 30.0

_SAMPLE = re.compile(r"^(\w+)(?:\{[^}]*\})? (\S+)$", re.M)


@dataclass(frozen=True)
class Usage:
    """What the process holds now, as /proc tells."""

    rss_bytes: int
    num_descriptors: int
    num_threads: int


class Server:
    """`ferry-serve`; its standard error goes to a file, of which `hear` reads."""

    def __init__(self, models: Path, folder: Path, flags: Sequence[str], core: int | None = None) -> None:
        """
        Args:
            folder: for its data and its log.
            core: the one it is pinned to; None leaves it where it may run.
        """
        command = [] if core is None else ["taskset", "-c", str(core)]
        command += [sys.executable, "-m", "server.serve", "--port=0", f"--models={models}", f"--data={folder / 'data'}"]
        self._log = folder / "serve.log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen([*command, *flags], stdin=subprocess.DEVNULL, stderr=log)
        self.url = ""

    def __enter__(self) -> "Server":
        try:
            self.url = self.hear("ready on ").split("ready on ")[1]
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @property
    def said(self) -> list[str]:
        """What it has written so far."""
        return self._log.read_text("utf-8", "replace").splitlines()

    def hear(self, words: str, after: int = 0) -> str:
        """The first line with `words` from line number `after` on, which may still come."""
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            found = self._find((words,), after)
            if found is not None:
                return found
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"the server did not say {words!r}, but:\n" + "\n".join(self.said))

    async def reload(self, answers: Sequence[str] = ("reloaded: ", "stay as they were")) -> str:
        """SIGHUP; the line that says how it went."""
        before = len(self.said)
        self.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            found = self._find(answers, before)
            if found is not None:
                return found
            await asyncio.sleep(0.1)
        raise RuntimeError("the server did not answer SIGHUP")

    def usage(self) -> Usage:
        """What it holds now."""
        folder = Path("/proc", str(self.process.pid))
        status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
        return Usage(
            1024 * int(status["VmRSS"].split()[0]), len(os.listdir(folder / "fd")), int(status["Threads"].strip())
        )

    def cpu_s(self) -> tuple[float, float]:
        """Processor time so far of the whole process, and of its event loop (the main thread)."""
        folder = Path("/proc", str(self.process.pid))
        return _cpu_s(folder / "stat"), _cpu_s(folder / "task" / folder.name / "stat")

    def _find(self, wanted: Sequence[str], after: int) -> str | None:
        return next((line for line in self.said[after:] if any(words in line for words in wanted)), None)


def _cpu_s(path: Path) -> float:
    fields = path.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def read_metrics(session: aiohttp.ClientSession, url: str) -> dict[str, float]:
    """What /metrics says now, by name; labels are added up."""
    async with session.get(f"{url}/metrics") as response:
        return parse_metrics(await response.text())


def parse_metrics(text: str) -> dict[str, float]:
    """Samples by name, those with labels added up."""
    totals: dict[str, float] = {}
    for name, value in _SAMPLE.findall(text):
        totals[name] = totals.get(name, 0.0) + float(value)
    return totals
