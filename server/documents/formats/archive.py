"""Zip archives from strangers: checked before anything in them is unpacked, and never unpacked to the disk."""

import io
import zipfile
import zlib
from collections.abc import Mapping

from server.errors import InvalidDocumentError

MAX_ENTRIES = 5000
MAX_UNPACKED_BYTES = 256 << 20
# Xml of large tables is packed to a fiftieth; what claims more than this, and is not small, is made to harm.
MAX_RATIO = 200
_SMALL_BYTES = 1 << 20

_ENCRYPTED = 0x1
_ENTRY = b"PK\x01\x02"
# What the module raises for archives that are not as they should be, besides its own.
_DAMAGE = (zipfile.BadZipFile, zlib.error, ValueError, NotImplementedError, RuntimeError, OSError, EOFError)
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# The file format of old Office files, and of new ones that are encrypted as a whole.
_COMPOUND_FILE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


class Archive:
    """The entries of a zip archive, whose names are only ever names."""

    def __init__(self, data: bytes) -> None:
        """Check the directory of `data`.

        Raises:
            InvalidDocumentError: it is damaged, encrypted, or made to be too large once unpacked.
        """
        if data.startswith(_COMPOUND_FILE):
            raise InvalidDocumentError(
                "The file is protected with a password or in an old format; save it in a new one without a password."
            )
        self._zip = _open(data)
        self._entries = self._zip.infolist()
        _check(self._entries)

    @property
    def sizes(self) -> Mapping[str, int]:
        """The unpacked size of each entry in bytes, by its name."""
        return {entry.filename: entry.file_size for entry in self._entries}

    def read(self, name: str) -> bytes:
        """An entry, unpacked.

        Raises:
            InvalidDocumentError: the entry is damaged, or not as large as the directory says.
        """
        size = self._zip.getinfo(name).file_size
        try:
            with self._zip.open(name) as entry:
                # Never without a size: it would unpack all there is before it looks at what the directory says.
                content = entry.read(size + 1)
        except _DAMAGE as error:
            raise _damaged() from error
        if len(content) != size:
            raise _damaged()
        return content

    def head(self, name: str, num_bytes: int) -> bytes:
        """The beginning of an entry, unpacked.

        Raises:
            InvalidDocumentError: the entry is damaged.
        """
        try:
            with self._zip.open(name) as entry:
                return entry.read(num_bytes)
        except _DAMAGE as error:
            raise _damaged() from error

    def rewritten(self, replaced: Mapping[str, bytes]) -> bytes:
        """The archive with other content for some names; order, dates and all other content stay.

        Raises:
            InvalidDocumentError: an entry that stays is damaged.
        """
        output = io.BytesIO()
        with zipfile.ZipFile(output, "w") as archive:
            for entry in self._entries:
                content = replaced[entry.filename] if entry.filename in replaced else self.read(entry.filename)
                archive.writestr(_like(entry), content)
        return output.getvalue()


def _open(data: bytes) -> zipfile.ZipFile:
    # Python makes an object of every entry before we can count them; some of these may be of archives inside.
    if data.count(_ENTRY) > 4 * MAX_ENTRIES:
        raise InvalidDocumentError(f"The file has too many parts; {MAX_ENTRIES} is the most it may have.")
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except _DAMAGE as error:
        raise _damaged() from error


def _check(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MAX_ENTRIES:
        raise InvalidDocumentError(f"The file has {len(entries)} parts; {MAX_ENTRIES} is the most it may have.")
    if len({entry.filename for entry in entries}) < len(entries):
        raise InvalidDocumentError("The file has two parts with the same name; save it anew and send it again.")
    if any(entry.flag_bits & _ENCRYPTED for entry in entries):
        raise InvalidDocumentError("The file is encrypted; save it without a password and send it again.")
    if any(entry.compress_type not in _METHODS for entry in entries):
        raise InvalidDocumentError("The file is packed in an unusual way; save it anew and send it again.")
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MAX_UNPACKED_BYTES:
        raise InvalidDocumentError(
            f"The file unpacks to {unpacked} bytes; {MAX_UNPACKED_BYTES} is the most it may. Make its pictures smaller."
        )
    if any(entry.file_size > max(_SMALL_BYTES, MAX_RATIO * entry.compress_size) for entry in entries):
        raise InvalidDocumentError(f"A part of the file is packed to less than 1/{MAX_RATIO} of its size.")


def _like(entry: zipfile.ZipInfo) -> zipfile.ZipInfo:
    copy = zipfile.ZipInfo(entry.filename, entry.date_time)
    copy.compress_type, copy.comment = entry.compress_type, entry.comment
    copy.create_system, copy.external_attr = entry.create_system, entry.external_attr
    return copy


def _damaged() -> InvalidDocumentError:
    return InvalidDocumentError("The file is damaged: it is not a whole zip archive, as files of its kind are.")
