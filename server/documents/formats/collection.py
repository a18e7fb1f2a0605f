"""Zip archives of documents: each file of a format that we know is translated, the others come out as they are.

One level: an archive inside is refused, except where it is a document itself, such as a docx.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from server.documents.formats.archive import MAX_UNPACKED_BYTES, Archive
from server.documents.formats.format import Format, Section
from server.errors import InvalidDocumentError

# Whoever packs more than this wants each for itself, and to hear of each.
MAX_FILES = 500
_ZIP = b"PK\x03\x04"


@dataclass(frozen=True)
class _Member:
    """A file of an archive; `number` is told to who sent it, since its name is nobody else's business."""

    number: int
    name: str
    format: Format
    data: bytes

    @property
    def unpacked_bytes(self) -> int:
        """How large it is once its own parts are unpacked."""
        return sum(Archive(self.data).sizes.values()) if self.data.startswith(_ZIP) else len(self.data)

    def read(self) -> list[str]:
        """Its texts."""
        try:
            return self.format.read(self.data)
        except InvalidDocumentError as error:
            raise InvalidDocumentError(
                f"Document {self.number + 1} of the archive, a {self.format.name}: {error}"
            ) from error


Find = Callable[[str], Format | None]


def build_collection(find: Find) -> Format:
    """The format of archives.

    Args:
        find: the format of a file of this name; None if it has none.
    """
    collection = _Collection(find)
    return Format(
        "zip",
        "application/zip",
        None,
        "sentences",
        collection.read,
        collection.write,
        collection.declare,
        collection.sections,
    )


class _Collection:
    def __init__(self, find: Find) -> None:
        self._find = find

    def read(self, data: bytes) -> list[str]:
        return [text for _, texts in self.sections(data) for text in texts]

    def sections(self, data: bytes) -> list[Section]:
        return [(each.format, each.read()) for each in self._members(Archive(data))]

    def write(self, data: bytes, texts: Sequence[str]) -> bytes:
        archive = Archive(data)
        waiting = iter(texts)
        replaced: dict[str, bytes] = {}
        for each in self._members(archive):
            num_texts = len(each.read())
            replaced[each.name] = each.format.write(each.data, [*islice(waiting, num_texts)])
        return archive.rewritten(replaced)

    def declare(self, data: bytes, target: str) -> bytes:
        archive = Archive(data)
        return archive.rewritten({each.name: each.format.declare(each.data, target) for each in self._members(archive)})

    def _members(self, archive: Archive) -> Iterator[_Member]:
        """The files that are translated."""
        found = [(name, format) for name in archive.sizes if (format := self._find_in(archive, name)) is not None]
        if len(found) > MAX_FILES:
            raise InvalidDocumentError(f"The archive has {len(found)} documents; {MAX_FILES} is the most it may have.")
        if not found:
            raise InvalidDocumentError("The archive has no file that can be translated.")
        unpacked = 0
        for number, (name, format) in enumerate(found):
            member = _Member(number, name, format, archive.read(name))
            unpacked += member.unpacked_bytes
            if unpacked > MAX_UNPACKED_BYTES:
                raise InvalidDocumentError(
                    f"The documents of the archive unpack to more than {MAX_UNPACKED_BYTES} bytes; send them in parts."
                )
            yield member

    def _find_in(self, archive: Archive, name: str) -> Format | None:
        hidden = name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith(".")
        if name.endswith("/") or hidden:
            return None
        format = self._find(name)
        is_archive = format is not None and format.sections is not None
        if is_archive or (format is None and archive.head(name, len(_ZIP)) == _ZIP):
            raise InvalidDocumentError("The archive has another archive in it; send that by itself.")
        return format
