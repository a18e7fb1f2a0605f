"""The glossaries, each owned by the name of a key. All of it touches the disk: call it in a thread.

Nothing is kept in memory, since several processes share them. A glossary has a dictionary for each of its directions.
"""

import re
import sqlite3
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from server.errors import GlossaryNotFoundError, InvalidRequestError
from server.storage.database import Database
from server.storage.tables import INSERT_DICTIONARY, INSERT_GLOSSARY

MAX_GLOSSARIES = 1000

# Source and target, the models' codes.
Direction = tuple[str, str]
# Source terms, and what each must become.
Entries = Mapping[str, str]

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_INFO = "glossary_id, name, creation_time"
_THIS = "WHERE glossary_id = ? AND source_lang = ? AND target_lang = ?"
_WHAT = "The glossary"


class DictionaryInfo(Struct, frozen=True):
    """What is told of the dictionary of one direction."""

    source_lang: str
    target_lang: str
    entry_count: int


class GlossaryInfo(Struct, frozen=True):
    """What is told of a glossary; `creation_time` is UTC with milliseconds, dictionaries are by their directions."""

    glossary_id: str
    name: str
    creation_time: str
    dictionaries: tuple[DictionaryInfo, ...]


class GlossaryStore:
    """The glossaries of all owners, of whom none sees what another has; those who ask without a key are one, ""."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, owner: str, name: str, dictionaries: Mapping[Direction, Entries]) -> GlossaryInfo:
        """Store a glossary; when this returns it outlives the process.

        Args:
            owner: the name of the key that may use it; "" for all who ask without one.
            name: for people.
            dictionaries: the entries of each direction.

        Raises:
            InvalidRequestError: there are too many.
            StorageError: nothing is stored.
        """
        created = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        glossary_id = str(uuid.uuid4())
        with self._database.writing(_WHAT) as connection:
            count = connection.execute("SELECT count(*) FROM glossaries WHERE owner = ?", (owner,)).fetchone()[0]
            if count >= MAX_GLOSSARIES:
                raise InvalidRequestError(f"There are {MAX_GLOSSARIES} glossaries, the most there may be; delete one.")
            connection.execute(INSERT_GLOSSARY, (glossary_id, owner, name, created))
            for direction, entries in dictionaries.items():
                _put(connection, glossary_id, direction, entries)
            return _read(connection, owner, glossary_id)

    def infos(self, owner: str) -> list[GlossaryInfo]:
        """All glossaries of an owner, oldest first.

        Raises:
            StorageError: they cannot be read.
        """
        query = f"SELECT {_INFO} FROM glossaries WHERE owner = ? ORDER BY creation_time, glossary_id"
        with self._database.reading("The glossaries") as connection:
            return [_info(connection, *row) for row in connection.execute(query, (owner,)).fetchall()]

    def info(self, owner: str, glossary_id: str) -> GlossaryInfo:
        """What is told of one glossary.

        Raises:
            GlossaryNotFoundError: the owner has none with this id.
            StorageError: it cannot be read.
        """
        with self._database.reading(_WHAT) as connection:
            return _read(connection, owner, glossary_id)

    def entries(self, owner: str, glossary_id: str, direction: Direction) -> Entries:
        """The entries of one direction.

        Args:
            owner: of the glossary.
            glossary_id: of the glossary.
            direction: the models' codes.

        Raises:
            GlossaryNotFoundError: the owner has none with this id, or it has no such dictionary.
            StorageError: it cannot be read.
        """
        with self._database.reading(_WHAT) as connection:
            known = _read(connection, owner, glossary_id).glossary_id
            row = connection.execute(f"SELECT entries FROM dictionaries {_THIS}", (known, *direction)).fetchone()
        if row is None:
            raise _no_dictionary(direction)
        return msgspec.json.decode(row[0], type=dict[str, str])

    def put(
        self, owner: str, glossary_id: str, dictionaries: Mapping[Direction, Entries], *, keep: bool, name: str = ""
    ) -> GlossaryInfo:
        """Store dictionaries, and a new name, of a glossary that is there; all or nothing.

        Args:
            owner: of the glossary.
            glossary_id: of the glossary.
            dictionaries: the entries of each direction.
            keep: what a direction has already stays, but for the terms that are given anew.
            name: the glossary's new name; empty leaves it.

        Raises:
            GlossaryNotFoundError: the owner has none with this id.
            StorageError: nothing is stored.
        """

        def change(connection: sqlite3.Connection, known: str) -> None:
            if name:
                connection.execute("UPDATE glossaries SET name = ? WHERE glossary_id = ?", (name, known))
            for direction, entries in dictionaries.items():
                query = f"SELECT entries FROM dictionaries {_THIS}"
                row = connection.execute(query, (known, *direction)).fetchone() if keep else None
                before = msgspec.json.decode(row[0], type=dict[str, str]) if row else {}
                _put(connection, known, direction, {**before, **entries})

        return self._change(owner, glossary_id, change)

    def delete_dictionary(self, owner: str, glossary_id: str, direction: Direction) -> None:
        """Remove the dictionary of one direction.

        Args:
            owner: of the glossary.
            glossary_id: of the glossary.
            direction: the models' codes.

        Raises:
            GlossaryNotFoundError: the owner has none with this id, or it has no such dictionary.
            StorageError: it is still there.
        """

        def change(connection: sqlite3.Connection, known: str) -> None:
            if connection.execute(f"DELETE FROM dictionaries {_THIS}", (known, *direction)).rowcount == 0:
                raise _no_dictionary(direction)

        self._change(owner, glossary_id, change)

    def delete(self, owner: str, glossary_id: str) -> None:
        """Remove one glossary.

        Raises:
            GlossaryNotFoundError: the owner has none with this id.
            StorageError: it is still there.
        """
        self.info(owner, glossary_id)  # a database is not made to find nothing in it
        with self._database.writing(_WHAT) as connection:
            known = _read(connection, owner, glossary_id).glossary_id
            connection.execute("DELETE FROM glossaries WHERE glossary_id = ?", (known,))

    def _change(self, owner: str, glossary_id: str, change: Callable[[sqlite3.Connection, str], Any]) -> GlossaryInfo:
        """`change` a glossary that is there; what it is then."""
        self.info(owner, glossary_id)
        with self._database.writing(_WHAT) as connection:
            change(connection, _read(connection, owner, glossary_id).glossary_id)
            return _read(connection, owner, glossary_id)


def _put(connection: sqlite3.Connection, glossary_id: str, direction: Direction, entries: Entries) -> None:
    values = (glossary_id, *direction, len(entries), msgspec.json.encode(dict(entries)))
    connection.execute(INSERT_DICTIONARY, values)


def _read(connection: sqlite3.Connection, owner: str, glossary_id: str) -> GlossaryInfo:
    wanted = glossary_id.lower()
    query = f"SELECT {_INFO} FROM glossaries WHERE owner = ? AND glossary_id = ?"
    row = connection.execute(query, (owner, wanted)).fetchone() if _ID.fullmatch(wanted) else None
    if row is None:
        raise GlossaryNotFoundError("There is no glossary with this id.")
    return _info(connection, *row)


def _info(connection: sqlite3.Connection, glossary_id: str, name: str, creation_time: str) -> GlossaryInfo:
    query = "SELECT source_lang, target_lang, entry_count FROM dictionaries WHERE glossary_id = ? ORDER BY 1, 2"
    dictionaries = (DictionaryInfo(*row) for row in connection.execute(query, (glossary_id,)))
    return GlossaryInfo(glossary_id, name, creation_time, tuple(dictionaries))


def _no_dictionary(direction: Direction) -> GlossaryNotFoundError:
    return GlossaryNotFoundError(f"The glossary has no dictionary for {'-'.join(direction)}.")
