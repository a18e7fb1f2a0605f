"""Files that are there whole or not at all: written beside their place, synced and renamed."""

import os
from contextlib import suppress
from pathlib import Path

ASIDE = ".new"


def write_durably(path: Path, content: bytes) -> None:
    """Write a file that only we can read, or none.

    Raises:
        OSError: the disk did not take it; a file that was there before still is.
    """
    aside = path.with_name(path.name + ASIDE)
    try:
        with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.rename(path)
    except BaseException:
        with suppress(OSError):
            aside.unlink()
        raise
    sync_folder(path.parent)


def make_folder(folder: Path) -> None:
    """Make a folder that only we can read, if it is not there."""
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename or a removal in `folder` last."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
