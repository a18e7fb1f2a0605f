"""An output file that grows by whole lines beside its final name, survives a kill, and is continued, never guessed.

`OUTPUT.partial` holds the lines done so far: it is the progress. `OUTPUT.partial.json` says what they were made of;
a run with another input, bundle or option is refused. At the end the file takes its name; nothing is overwritten.
"""

import fcntl
import hashlib
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from server.errors import SettingsError
from server.storage.disk import sync_folder, write_durably

# A kill loses at most this much of the work; a sync costs some milliseconds.
SYNC_EVERY_S = 5.0
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class RunOrigin:
    """What the lines of an output are made of; two runs with the same origin give the same bytes."""

    input_bytes: int
    input_sha256: str
    bundle: str
    manifest_sha256: str
    source: str
    target: str
    beam_size: int
    length_penalty: float


class PartialFile:
    """The output while it is written; `num_lines` lines were there already when it was opened."""

    def __init__(self, output: Path, origin: RunOrigin) -> None:
        """Start, or continue, the output.

        Raises:
            SettingsError: the output exists, another run writes it, or it was begun from another origin.
        """
        if output.exists():
            raise SettingsError(f"--output {output} exists; it is not overwritten. Move it, or choose another name.")
        self._output = output
        self._path = output.with_name(output.name + ".partial")
        self._origin_path = output.with_name(output.name + ".partial.json")
        if self._path.exists():
            self._check_origin(origin)
        else:
            write_durably(self._origin_path, (json.dumps(asdict(origin), indent=2) + "\n").encode())
        self._file = self._open()
        self.num_lines = _cut_torn_line(self._file)
        self._synced = time.monotonic()

    def write(self, line: bytes) -> None:
        """Append one line."""
        self._file.write(line)
        if time.monotonic() - self._synced > SYNC_EVERY_S:
            self._sync()

    def finish(self) -> None:
        """Give the output its name.

        Raises:
            SettingsError: the output has come into being meanwhile; the lines stay beside it.
        """
        self._sync()
        self._file.close()
        if self._output.exists():
            raise SettingsError(f"--output {self._output} appeared meanwhile; the result is kept as {self._path}.")
        os.rename(self._path, self._output)
        self._origin_path.unlink()
        sync_folder(self._output.parent)

    def close(self) -> None:
        """Stop here; what is written stays, to be continued."""
        if not self._file.closed:
            self._sync()
            self._file.close()

    def _open(self) -> BinaryIO:
        file = open(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644), "r+b")  # noqa: SIM115 (closed by `close`)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise SettingsError(f"{self._path} is being written by another run; wait for it, or stop it.") from None
        return file

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._synced = time.monotonic()

    def _check_origin(self, origin: RunOrigin) -> None:
        try:
            begun: Any = json.loads(self._origin_path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            begun = {}
        wanted = asdict(origin)
        differing = [name for name in wanted if not isinstance(begun, dict) or begun.get(name) != wanted[name]]
        if differing:
            raise SettingsError(
                f"{self._path} was begun with another {', '.join(differing)}, so it cannot be continued. "
                f"Run with the same again, or delete it and {self._origin_path.name} to start over."
            )


def fingerprint(path: Path) -> tuple[int, str, int]:
    """Size in bytes, SHA-256 and number of lines of a file, in one pass."""
    digest, size, num_lines, last = hashlib.sha256(), 0, 0, b"\n"
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
            size += len(block)
            num_lines += block.count(b"\n")
            last = block[-1:]
    return size, digest.hexdigest(), num_lines + (last != b"\n")


def _cut_torn_line(file: BinaryIO) -> int:
    r"""Cut what follows the last `\n`, go to the end, and return how many lines there are."""
    num_lines = whole_bytes = position = 0
    while block := file.read(_BLOCK_BYTES):
        num_lines += block.count(b"\n")
        if b"\n" in block:
            whole_bytes = position + block.rindex(b"\n") + 1
        position += len(block)
    file.seek(whole_bytes)
    file.truncate()
    return num_lines
