"""The parts of a docx, pptx or xlsx, told by their declared types, and their paragraphs translated.

What differs between the three is which parts have language in them and what in these is a paragraph.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from server.documents.formats.archive import Archive
from server.documents.formats.ooxml.paragraph import Paragraph
from server.documents.formats.ooxml.wordxml import Element, parse_part, write_part
from server.errors import InvalidDocumentError

# Read into memory, xml is about ten times as large.
MAX_XML_BYTES = 16 << 20

CONTENT_TYPES = "[Content_Types].xml"


@dataclass(frozen=True)
class Kind:
    """One of the three.

    Attributes:
        name: for messages.
        main: ends of the content types of which a file must have a part.
        others: ends of those with language in them besides.
        paragraphs: of the root of a part, in order.
        skipped: names of parts that have none, whatever their type.
    """

    name: str
    main: tuple[str, ...]
    others: tuple[str, ...]
    paragraphs: Callable[[Element], Iterator[Paragraph]]
    skipped: frozenset[str] = frozenset()


def read_package(kind: Kind, archive: Archive) -> list[str]:
    """The paragraphs with text in them, as xml (server/documents/formats/inline.py).

    Raises:
        InvalidDocumentError: it is not of this kind, damaged, or too large once unpacked.
    """
    names = part_names(kind, archive)
    return [paragraph.xml for name in names for paragraph in kind.paragraphs(parse_part(archive.read(name)))]


def write_package(kind: Kind, archive: Archive, texts: Sequence[str]) -> dict[str, bytes]:
    """The parts with other paragraphs in them; one in which none has changed is left out.

    Args:
        kind: of the file.
        archive: the file.
        texts: as many as it has, as `read_package` gives them.

    Raises:
        InvalidDocumentError: it is not of this kind, damaged, or too large once unpacked.
    """
    waiting = iter(texts)
    replaced: dict[str, bytes] = {}
    for name in part_names(kind, archive):
        root = parse_part(archive.read(name))
        # All are found before one is written: text boxes have paragraphs inside paragraphs.
        paragraphs = list(kind.paragraphs(root))
        num_changed = sum(paragraph.write(next(waiting)) for paragraph in paragraphs)
        if num_changed:
            replaced[name] = write_part(root)
    return replaced


def part_names(kind: Kind, archive: Archive) -> list[str]:
    """The parts with language in them, in the order in which they are declared.

    Raises:
        InvalidDocumentError: the file is not of this kind, or they are too large.
    """
    types = read_types(archive)
    if not any(each.endswith(kind.main) for each in types.values()):
        raise InvalidDocumentError(f"The file is a zip archive, but no {kind.name}: it lacks the parts of one.")
    wanted = kind.main + kind.others
    names = [name for name, each in types.items() if each.endswith(wanted) and name not in kind.skipped]
    check_xml(sum(archive.sizes[name] for name in names))
    return names


def read_types(archive: Archive) -> Mapping[str, str]:
    """The declared content types of the parts that are there, by name; empty if the archive declares none."""
    sizes = archive.sizes
    if CONTENT_TYPES not in sizes:
        return {}
    check_xml(sizes[CONTENT_TYPES])
    types: dict[str, str] = {}
    for element in parse_part(archive.read(CONTENT_TYPES)).iterchildren("*"):  # not its comments
        name = element.get("PartName", "").lstrip("/")
        if name in sizes:
            types.setdefault(name, element.get("ContentType", ""))
    return types


def check_xml(num_bytes: int) -> None:
    """Refuse what is too large to be read.

    Raises:
        InvalidDocumentError: it is.
    """
    if num_bytes > MAX_XML_BYTES:
        raise InvalidDocumentError(
            f"The text of the file takes {num_bytes} bytes; {MAX_XML_BYTES} is the most it may. Send it in parts."
        )
