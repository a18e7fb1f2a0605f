"""Zip archives, as OPUS-MT gives its models: the files of a model out of one, and nothing that leads elsewhere."""

import stat
import zipfile
from pathlib import Path, PurePosixPath

from export.errors import ExportError

MAX_FILES = 1000
MAX_BYTES = 8 << 30
MODEL_SUFFIXES = (".npz", ".bin", ".spm", ".bpe", ".yml", ".json", ".safetensors", ".sh", ".md", ".txt", "")


def unpack_archive(archive: Path, folder: Path) -> Path:
    """Unpack the model in `archive` into `folder`, an empty one; the folder that has it.

    Raises:
        ExportError: it is damaged, too large, or has paths that lead out of it; nothing that it names is written then.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = [entry for entry in opened.infolist() if not entry.is_dir()]
            _check(archive, entries)
            for entry in entries:
                if PurePosixPath(entry.filename).suffix in MODEL_SUFFIXES:
                    _write(opened, entry, folder / entry.filename)
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise ExportError(f"{archive} cannot be read as a zip archive: {error}") from None
    inside = [each for each in folder.iterdir() if each.is_dir()]
    return inside[0] if len(inside) == 1 and not any(each.is_file() for each in folder.iterdir()) else folder


def _check(archive: Path, entries: list[zipfile.ZipInfo]) -> None:
    for entry in entries:
        path = PurePosixPath(entry.filename)
        odd = path.is_absolute() or ".." in path.parts or "\\" in entry.filename or ":" in entry.filename
        if odd or stat.S_ISLNK(entry.external_attr >> 16):
            raise ExportError(f"{archive} has {entry.filename!r}, which leads out of it; it is not unpacked")
    total = sum(entry.file_size for entry in entries)
    if len(entries) > MAX_FILES or total > MAX_BYTES:
        raise ExportError(
            f"{archive} has {len(entries)} files of {total / 1e9:.1f} GB; at most {MAX_FILES} and "
            f"{MAX_BYTES / 1e9:.1f} GB are unpacked"
        )


def _write(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> None:
    """No more than the entry says that it has, whatever is in it: zipfile stops there, and compares the checksum."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with opened.open(entry) as source, path.open("xb") as file:
        while chunk := source.read(1 << 20):
            file.write(chunk)
