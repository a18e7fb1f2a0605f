"""What Ferry kept in files of its own before there was a database: taken over once, then put aside, never deleted.

    usage.json  documents/ID.{json,source,terms,result}  glossaries/ID.json  glossaries/key-NAME/ID.json

The same may lie in folders `replica-*`, one for each replica of a machine.
"""

import logging
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from server.storage.tables import ADD_USAGE, INSERT_CONTENT, INSERT_DICTIONARY, INSERT_DOCUMENT, INSERT_GLOSSARY

ASIDE = "before-database"
_FORMAT = 1
_DOCUMENT = re.compile(r"[0-9a-f]{32}\.json")
_GLOSSARY = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.json")

_log = logging.getLogger("ferry")


class _OldDocument(Struct):
    format: int
    document_id: str
    key_hash: str
    kind: str
    source: str | None
    target: str
    num_chars: int
    accepted: float
    changed: float
    status: str = "queued"
    attempts: int = 0
    fault: str = ""


class _OldInfo(Struct):
    glossary_id: str
    name: str
    source_lang: str
    target_lang: str
    creation_time: str
    entry_count: int


class _OldGlossary(Struct):
    format: int
    info: _OldInfo
    entries: dict[str, str]


@dataclass
class _Counts:
    documents: int = 0
    glossaries: int = 0
    damaged: int = 0


def has_old_files(folder: Path) -> bool:
    """Whether there is anything to take over."""
    return any(_found(folder))


def read_old_files(connection: sqlite3.Connection, folder: Path) -> None:
    """Take over what is there, within a transaction of the caller's; what is damaged is left out and told in the log.

    Raises:
        OSError: a file cannot be read; without it the start would lose something.
    """
    counts = _Counts()
    for root in _roots(folder):
        _read_usage(connection, root / "usage.json", counts)
        for path in sorted((root / "documents").glob("*.json")):
            if _DOCUMENT.fullmatch(path.name):
                _read_document(connection, path, counts)
        for path in sorted(_glossaries(root)):
            _read_glossary(connection, path, counts)
    if any(_found(folder)):
        _log.info(
            "%d documents and %d glossaries of older files are in the database now, %d files were damaged",
            counts.documents,
            counts.glossaries,
            counts.damaged,
        )


def put_aside(folder: Path) -> None:
    """Move what was taken over out of the way; what cannot be moved stays, and is not read again."""
    for path in list(_found(folder)):
        try:
            (folder / ASIDE).mkdir(mode=0o700, exist_ok=True)
            target = folder / ASIDE / path.name
            while target.exists():
                target = target.with_name(target.name + ".again")
            path.rename(target)
            _log.info("%s is in %s now; the database has it", path.name, ASIDE)
        except OSError as error:
            _log.warning("%s is not read any more, and cannot be put aside: %s", path.name, error.strerror)


def _roots(folder: Path) -> list[Path]:
    return [folder, *sorted(path for path in folder.glob("replica-*") if path.is_dir())]


def _found(folder: Path) -> Iterator[Path]:
    """What has old files in it, right under `folder`."""
    for root in _roots(folder):
        parts = [root / "usage.json"] if (root / "usage.json").is_file() else []
        parts += [root / "documents"] if any(map(_DOCUMENT.fullmatch, _names(root / "documents"))) else []
        parts += [root / "glossaries"] if any(_glossaries(root)) else []
        yield from parts if root == folder else parts and [root]


def _names(folder: Path) -> Iterator[str]:
    return (path.name for path in folder.glob("*.json"))


def _glossaries(root: Path) -> Iterator[Path]:
    for pattern in ("*.json", "key-*/*.json"):
        yield from (path for path in (root / "glossaries").glob(pattern) if _GLOSSARY.fullmatch(path.name))


def _read_usage(connection: sqlite3.Connection, path: Path, counts: _Counts) -> None:
    try:
        connection.executemany(ADD_USAGE, msgspec.json.decode(path.read_bytes(), type=dict[str, int]).items())
    except (FileNotFoundError, NotADirectoryError):
        return
    except ValueError:
        _tell_damaged("usage.json", "counting begins anew", counts)


def _read_document(connection: sqlite3.Connection, path: Path, counts: _Counts) -> None:
    try:
        old = msgspec.json.decode(path.read_bytes(), type=_OldDocument)
        _check(old.format, old.document_id, path)
        content, terms = b"", "{}"
        if old.status == "queued":
            content, terms = path.with_suffix(".source").read_bytes(), path.with_suffix(".terms").read_text("utf-8")
            msgspec.json.decode(terms, type=dict[str, str])
        elif old.status == "done":
            content = path.with_suffix(".result").read_bytes()
    except (ValueError, FileNotFoundError):
        _tell_damaged("the record of a document", "the document is forgotten", counts)
        return
    num_bytes = -(-(len(content) + 4096) // 4096) * 4096
    values: list[Any] = [old.document_id, old.key_hash, old.kind, old.source, old.target, old.num_chars, None]
    values += [old.accepted, old.changed, old.status, old.attempts, old.fault, None, "default", num_bytes]
    if connection.execute(_or_ignore(INSERT_DOCUMENT), values).rowcount and old.status != "error":
        connection.execute(INSERT_CONTENT, (old.document_id, terms, content))
    counts.documents += 1


def _read_glossary(connection: sqlite3.Connection, path: Path, counts: _Counts) -> None:
    try:
        old = msgspec.json.decode(path.read_bytes(), type=_OldGlossary)
        _check(old.format, old.info.glossary_id, path)
    except ValueError:
        _tell_damaged(f"glossary file {path.name}", "it is left out", counts)
        return
    owner = path.parent.name.removeprefix("key-") if path.parent.name.startswith("key-") else ""
    info = old.info
    connection.execute(_or_ignore(INSERT_GLOSSARY), (info.glossary_id, owner, info.name, info.creation_time))
    values = (info.glossary_id, info.source_lang, info.target_lang, info.entry_count)
    connection.execute(INSERT_DICTIONARY, (*values, msgspec.json.encode(old.entries)))
    counts.glossaries += 1


def _check(format: int, name: str, path: Path) -> None:
    if format != _FORMAT or name != path.stem:
        raise ValueError


def _or_ignore(insert: str) -> str:
    """Replicas of a machine had the same glossaries, by a link."""
    return insert.replace("INSERT", "INSERT OR IGNORE", 1)


def _tell_damaged(what: str, so: str, counts: _Counts) -> None:
    _log.error("%s is damaged; %s, and what there was is put aside", what, so)
    counts.damaged += 1
