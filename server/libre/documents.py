"""Documents that can be translated: bytes to the texts in them, and back with other texts.

One function per kind of file, found by the end of the file's name; nothing else in the dialect knows kinds.
"""

import codecs
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from server.errors import InvalidRequestError


@dataclass(frozen=True)
class Document:
    """The texts of a document in order, and `write`, which takes as many and gives the bytes of the same document."""

    texts: tuple[str, ...]
    write: Callable[[Sequence[str]], bytes]


@dataclass(frozen=True)
class DocumentKind:
    """A kind of file: how it is read, and what HTTP calls it."""

    read: Callable[[bytes], Document]
    media_type: str


def _read_plain(data: bytes) -> Document:
    marked = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidRequestError("The file is not text in UTF-8; save it in UTF-8 and send it again") from error
    return Document((text,), lambda texts: texts[0].encode())


KINDS = {".txt": DocumentKind(_read_plain, "text/plain; charset=utf-8")}


def find_suffix(filename: str) -> str:
    """The key in `KINDS` for a file of this name.

    Raises:
        InvalidRequestError: naming the kinds that there are.
    """
    suffix = PurePath(filename).suffix.lower()
    if suffix not in KINDS:
        raise InvalidRequestError(f"Invalid request: file format not supported; there are: {', '.join(KINDS)}")
    return suffix
