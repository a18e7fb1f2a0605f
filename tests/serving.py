"""A real server with the bundled model, a process of its own, for tests that ask it as its users do."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]


@contextmanager
def serving(data: Path, *argv: str) -> Iterator[str]:
    """The URL of a server that keeps its data in `data`."""
    command = [sys.executable, "-m", "server.serve", "--port=0", f"--models={ROOT / 'models'}", f"--data={data}", *argv]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stderr is not None
    said = ""
    try:
        while not (ready := re.search(r"ready on (http://\S+)", said)):
            line = process.stderr.readline()
            assert line, said
            said += line
        yield ready[1]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
