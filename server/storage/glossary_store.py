"""The glossaries, one JSON file each. All of it touches the disk: call it in a thread.

A file is written beside its place, synced and renamed, so it is there whole or not at all. Nothing is kept in memory:
glossaries never change, and several processes may share the folder.
"""

import logging
import re
import threading
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from server.errors import GlossaryNotFoundError, InvalidRequestError, StorageError
from server.storage.disk import sync_folder, write_durably

MAX_GLOSSARIES = 1000
FORMAT = 1

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_log = logging.getLogger("ferry")


class GlossaryInfo(Struct, frozen=True):
    """What is told of a glossary; languages are codes of the models, `creation_time` is UTC with milliseconds."""

    glossary_id: str
    name: str
    ready: bool
    source_lang: str
    target_lang: str
    creation_time: str
    entry_count: int


class _Head(Struct, frozen=True):
    """A file without its entries; the decoder skips them."""

    format: int
    info: GlossaryInfo


class _File(_Head, frozen=True):
    entries: dict[str, str]


Head = TypeVar("Head", bound=_Head)


@dataclass(frozen=True)
class Glossary:
    """A glossary with its entries, source term to target term."""

    info: GlossaryInfo
    entries: Mapping[str, str]


class GlossaryStore:
    """The glossaries in `folder`, which is made when the first one is created."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._creating = threading.Lock()

    def create(self, name: str, source: str, target: str, entries: Mapping[str, str]) -> GlossaryInfo:
        """Store a glossary; when this returns it outlives the process.

        Raises:
            InvalidRequestError: there are too many.
            StorageError: nothing is stored.
        """
        created = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        info = GlossaryInfo(str(uuid.uuid4()), name, True, source, target, created, len(entries))
        content = msgspec.json.encode(_File(FORMAT, info, dict(entries)))
        with self._creating:
            if sum(1 for _ in self._paths()) >= MAX_GLOSSARIES:
                raise InvalidRequestError(f"There are {MAX_GLOSSARIES} glossaries, the most there may be; delete one.")
            try:
                if not self._folder.is_dir():
                    self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                    sync_folder(self._folder.parent)
                write_durably(self._path(info.glossary_id), content)
            except OSError as error:
                raise StorageError(f"The glossary could not be stored: {error.strerror}; ask again later.") from error
        return info

    def infos(self) -> list[GlossaryInfo]:
        """All glossaries, oldest first; a damaged file is left out and named in the log."""
        found: list[GlossaryInfo] = []
        for path in self._paths():
            try:
                found.append(_decode(path.read_bytes(), _Head).info)
            except FileNotFoundError:
                continue  # deleted since it was listed
            except msgspec.MsgspecError:
                _log.warning("glossary file %s is damaged and left out", path.name)
        return sorted(found, key=lambda info: (info.creation_time, info.glossary_id))

    def info(self, glossary_id: str) -> GlossaryInfo:
        """What is told of one glossary.

        Raises:
            GlossaryNotFoundError
        """
        return _decode(self._read(glossary_id), _Head).info

    def get(self, glossary_id: str) -> Glossary:
        """One glossary with its entries.

        Raises:
            GlossaryNotFoundError
        """
        file = _decode(self._read(glossary_id), _File)
        return Glossary(file.info, file.entries)

    def delete(self, glossary_id: str) -> None:
        """Remove one glossary.

        Raises:
            GlossaryNotFoundError
        """
        path = self._path(glossary_id)
        try:
            path.unlink()
        except FileNotFoundError as error:
            raise _not_found() from error
        sync_folder(self._folder)

    def _read(self, glossary_id: str) -> bytes:
        try:
            return self._path(glossary_id).read_bytes()
        except FileNotFoundError as error:
            raise _not_found() from error

    def _path(self, glossary_id: str) -> Path:
        """Where a glossary lies; what is not the id of one never gets near the file system."""
        if not _ID.fullmatch(glossary_id.lower()):
            raise _not_found()
        return self._folder / f"{glossary_id.lower()}.json"

    def _paths(self) -> Iterator[Path]:
        return (path for path in self._folder.glob("*.json") if _ID.fullmatch(path.stem))


def _not_found() -> GlossaryNotFoundError:
    return GlossaryNotFoundError("There is no glossary with this id.")


class GlossaryStores:
    """A store for each key, so that nobody sees what another key has; one for all who ask without."""

    def __init__(self, folder: Path) -> None:
        """`folder` has the files of those without a key, and a folder for each key's name."""
        self._folder = folder
        self._stores: dict[str, GlossaryStore] = {}

    def of(self, name: str) -> GlossaryStore:
        """The store of the key `name`; "" for those who ask without."""
        if name not in self._stores:
            # A name has no slash, and the prefix keeps it from being a file of its own or a way up.
            folder = self._folder / f"key-{name}" if name else self._folder
            self._stores[name] = GlossaryStore(folder)
        return self._stores[name]


def _decode(content: bytes, kind: type[Head]) -> Head:
    file = msgspec.json.decode(content, type=kind)
    if file.format != FORMAT:
        raise msgspec.ValidationError(f"format {file.format} is not {FORMAT}")
    return file
