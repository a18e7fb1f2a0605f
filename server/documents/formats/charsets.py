"""Bytes to text and back, byte for byte: what a mark at the beginning says, else UTF-8."""

import codecs
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from server.errors import InvalidDocumentError

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# What a page may say of itself; other names of Python's codecs are no encodings of text files.
_DECLARED = re.compile(rb"""<meta[^>]{1,200}?charset\s*=\s*["']?\s*([A-Za-z0-9_\-]{1,20})""", re.I)
_XML_DECLARED = re.compile(rb"""<\?xml[^>]{1,200}?encoding\s*=\s*["']([A-Za-z0-9_\-]{1,20})["']""")
_ALLOWED = re.compile(
    r"utf-8|us-ascii|iso-8859-\d{1,2}|windows-125\d|koi8-[ru]|shift_jis|euc-jp|euc-kr|gbk|gb18030|big5"
)
_DECLARATION_BYTES = 1024


class Writable(Protocol):
    """A piece of language in a file."""

    def write(self, text: str) -> str:
        """The piece with another text."""


@dataclass(frozen=True)
class Decoded:
    """A text, and the mark and encoding with which it was written."""

    text: str
    mark: bytes
    encoding: str

    def encode(self, text: str, errors: str = "replace") -> bytes:
        """Another text as this one was written."""
        return self.mark + text.encode(self.encoding, errors)


def decode_text(data: bytes) -> Decoded:
    """The text of `data`.

    Raises:
        InvalidDocumentError: it is not text in UTF-8 or marked UTF-16.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decode(data, mark, encoding)
    return _decode(data, b"", "utf-8")


def recode(data: bytes, encoding: str) -> bytes:
    """Text in an old encoding as UTF-8. Which one it is has to be said: letters are too alike to guess it from.

    Args:
        data: of a file.
        encoding: as its writer calls it, in any case.

    Raises:
        InvalidDocumentError: we do not know the encoding, or the file is in another one.
    """
    name = encoding.strip().lower()
    if not _ALLOWED.fullmatch(name):
        raise InvalidDocumentError(
            "Invalid encoding: it must be utf-8, iso-8859-1 to 16, windows-1250 to 1258, koi8-r, koi8-u, shift_jis, "
            "euc-jp, euc-kr, gbk, gb18030 or big5."
        )
    try:
        return data.decode(name).encode()
    except (UnicodeDecodeError, LookupError) as error:
        raise InvalidDocumentError(
            f"The file is not text in {name}; say another encoding, or save it in UTF-8."
        ) from error


def rewrite_parts(data: bytes, cut: Callable[[str], Iterable[str | Writable]], texts: Sequence[str]) -> bytes:
    """A file of text with other texts, written as it was.

    Args:
        data: of the file.
        cut: takes it apart into what is kept, as it is, and what is language; together they are the file.
        texts: as many as there is language.
    """
    waiting, decoded = iter(texts), decode_text(data)
    parts = (part if isinstance(part, str) else part.write(next(waiting)) for part in cut(decoded.text))
    return decoded.encode("".join(parts))


def decode_page(data: bytes) -> Decoded:
    """The text of a page of html, which may say its encoding itself.

    Raises:
        InvalidDocumentError: it is text neither in the encoding that it declares nor in UTF-8.
    """
    declared = _DECLARED.search(data[:_DECLARATION_BYTES])
    name = declared.group(1).decode("ascii").lower() if declared else "utf-8"
    if any(data.startswith(mark) for mark, _ in _MARKS) or name == "utf-8" or not _ALLOWED.fullmatch(name):
        return decode_text(data)
    # Browsers read both names as windows-1252, but that lacks a few bytes.
    names = ("windows-1252", "iso-8859-1") if name in ("iso-8859-1", "us-ascii") else (name,)
    for each in names:
        try:
            text = data.decode(each)
        except (UnicodeDecodeError, LookupError):
            continue
        if text.encode(each) == data:
            return Decoded(text, b"", each)
    return decode_text(data)


def decode_xml(data: bytes) -> Decoded:
    """The text of an xml file, which may say its encoding itself.

    Raises:
        InvalidDocumentError: it is text neither in the encoding that it declares nor in UTF-8.
    """
    declared = _XML_DECLARED.match(data[:_DECLARATION_BYTES])
    name = declared.group(1).decode("ascii").lower() if declared else "utf-8"
    if any(data.startswith(mark) for mark, _ in _MARKS) or not _ALLOWED.fullmatch(name):
        return decode_text(data)
    try:
        decoded = Decoded(data.decode(name), b"", name)
    except (UnicodeDecodeError, LookupError):
        return decode_text(data)
    return decoded if decoded.encode(decoded.text) == data else decode_text(data)


def _decode(data: bytes, mark: bytes, encoding: str) -> Decoded:
    try:
        return Decoded(data[len(mark) :].decode(encoding), mark, encoding)
    except UnicodeDecodeError as error:
        raise InvalidDocumentError(
            "The file is not text in UTF-8 or marked UTF-16; save it in UTF-8 and send it again, or say in the field "
            "'encoding' what it is in, such as windows-1252."
        ) from error
