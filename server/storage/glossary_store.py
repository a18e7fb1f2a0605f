"""The glossaries, each owned by the name of a key. All of it touches the disk: call it in a thread.

Nothing is kept in memory: glossaries never change, and several processes share them.
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from server.errors import GlossaryNotFoundError, InvalidRequestError
from server.storage.database import Database
from server.storage.schema import INSERT_GLOSSARY

MAX_GLOSSARIES = 1000

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_INFO = "glossary_id, name, 1, source_lang, target_lang, creation_time, entry_count"
_WHAT = "The glossary"


class GlossaryInfo(Struct, frozen=True):
    """What is told of a glossary; languages are codes of the models, `creation_time` is UTC with milliseconds."""

    glossary_id: str
    name: str
    ready: bool
    source_lang: str
    target_lang: str
    creation_time: str
    entry_count: int


@dataclass(frozen=True)
class Glossary:
    """A glossary with its entries, source term to target term."""

    info: GlossaryInfo
    entries: Mapping[str, str]


class GlossaryStore:
    """The glossaries of all owners, of whom none sees what another has; those who ask without a key are one, ""."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, owner: str, name: str, source: str, target: str, entries: Mapping[str, str]) -> GlossaryInfo:
        """Store a glossary; when this returns it outlives the process.

        Raises:
            InvalidRequestError: there are too many.
            StorageError: nothing is stored.
        """
        created = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        info = GlossaryInfo(str(uuid.uuid4()), name, True, source, target, created, len(entries))
        encoded = msgspec.json.encode(dict(entries))
        with self._database.writing(_WHAT) as connection:
            count = connection.execute("SELECT count(*) FROM glossaries WHERE owner = ?", (owner,)).fetchone()[0]
            if count >= MAX_GLOSSARIES:
                raise InvalidRequestError(f"There are {MAX_GLOSSARIES} glossaries, the most there may be; delete one.")
            values = (info.glossary_id, owner, name, source, target, created, len(entries), encoded)
            connection.execute(INSERT_GLOSSARY, values)
        return info

    def infos(self, owner: str) -> list[GlossaryInfo]:
        """All glossaries of an owner, oldest first.

        Raises:
            StorageError: they cannot be read.
        """
        query = f"SELECT {_INFO} FROM glossaries WHERE owner = ? ORDER BY creation_time, glossary_id"
        with self._database.reading("The glossaries") as connection:
            return [_info(row) for row in connection.execute(query, (owner,))]

    def info(self, owner: str, glossary_id: str) -> GlossaryInfo:
        """What is told of one glossary.

        Raises:
            GlossaryNotFoundError: the owner has none with this id.
            StorageError: it cannot be read.
        """
        return _info(self._find(_INFO, owner, glossary_id))

    def get(self, owner: str, glossary_id: str) -> Glossary:
        """One glossary with its entries.

        Raises:
            GlossaryNotFoundError: the owner has none with this id.
            StorageError: it cannot be read.
        """
        *info, entries = self._find(f"{_INFO}, entries", owner, glossary_id)
        return Glossary(_info(info), msgspec.json.decode(entries, type=dict[str, str]))

    def delete(self, owner: str, glossary_id: str) -> None:
        """Remove one glossary.

        Raises:
            GlossaryNotFoundError: the owner has none with this id.
            StorageError: it is still there.
        """
        self.info(owner, glossary_id)
        with self._database.writing(_WHAT) as connection:
            query = "DELETE FROM glossaries WHERE owner = ? AND glossary_id = ?"
            if connection.execute(query, (owner, glossary_id.lower())).rowcount == 0:
                raise _not_found()

    def _find(self, columns: str, owner: str, glossary_id: str) -> tuple[Any, ...]:
        if not _ID.fullmatch(glossary_id.lower()):
            raise _not_found()
        with self._database.reading(_WHAT) as connection:
            query = f"SELECT {columns} FROM glossaries WHERE owner = ? AND glossary_id = ?"
            row: tuple[Any, ...] | None = connection.execute(query, (owner, glossary_id.lower())).fetchone()
        if row is None:
            raise _not_found()
        return row


def _info(row: Sequence[Any]) -> GlossaryInfo:
    identity, name, ready, *rest = row
    return GlossaryInfo(identity, name, bool(ready), *rest)


def _not_found() -> GlossaryNotFoundError:
    return GlossaryNotFoundError("There is no glossary with this id.")
