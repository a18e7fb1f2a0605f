"""Docx: the paragraphs of its text, headers, footers, notes, comments and text boxes; all else is left as it is."""

from collections.abc import Iterator, Sequence

from server.documents.formats.archive import Archive
from server.documents.formats.docx.paragraph import Paragraph
from server.documents.formats.docx.wordxml import Element, parse_part, word_name, write_part
from server.errors import InvalidDocumentError

MAIN_PART = "word/document.xml"
# Read into memory, xml is about ten times as large.
MAX_XML_BYTES = 16 << 20

_CONTENT_TYPES = "[Content_Types].xml"
# Ends of content types; the second row is of documents with macros.
_TRANSLATED = (
    *(".document.main+xml", ".template.main+xml", ".header+xml", ".footer+xml", ".footnotes+xml", ".endnotes+xml"),
    *(".comments+xml", ".macroEnabled.main+xml", ".macroEnabledTemplate.main+xml"),
)


def read_docx(data: bytes) -> list[str]:
    """The paragraphs with text in them, as xml (server/documents/formats/inline.py).

    Raises:
        InvalidDocumentError: it is not a docx, damaged, or too large once unpacked.
    """
    archive = Archive(data)
    return [paragraph.xml for name in _part_names(archive) for paragraph in _paragraphs(parse_part(archive.read(name)))]


def write_docx(data: bytes, texts: Sequence[str]) -> bytes:
    """`data` with other paragraphs; a part in which none has changed stays as it is, byte for byte.

    Raises:
        InvalidDocumentError: it is not a docx, damaged, or too large once unpacked.
    """
    archive = Archive(data)
    waiting = iter(texts)
    replaced: dict[str, bytes] = {}
    for name in _part_names(archive):
        root = parse_part(archive.read(name))
        # All are found before one is written: text boxes have paragraphs inside paragraphs.
        paragraphs = list(_paragraphs(root))
        num_changed = sum(paragraph.write(next(waiting)) for paragraph in paragraphs)
        if num_changed:
            replaced[name] = write_part(root)
    return archive.rewritten(replaced)


def _paragraphs(root: Element) -> Iterator[Paragraph]:
    for element in root.iter():
        if word_name(element) == "p":
            paragraph = Paragraph(element)
            if paragraph.has_text:
                yield paragraph


def _part_names(archive: Archive) -> list[str]:
    """The parts with language in them, in the order in which they are declared."""
    sizes = archive.sizes
    if _CONTENT_TYPES not in sizes:
        raise _not_docx()
    _check_xml(sizes[_CONTENT_TYPES])
    declared: list[str] = []
    for element in parse_part(archive.read(_CONTENT_TYPES)).iterchildren("*"):  # not its comments
        name = element.get("PartName", "").lstrip("/")
        if element.get("ContentType", "").endswith(_TRANSLATED) and name in sizes and name not in declared:
            declared.append(name)
    if not declared:
        raise _not_docx()
    _check_xml(sum(sizes[name] for name in declared))
    return declared


def _check_xml(num_bytes: int) -> None:
    if num_bytes > MAX_XML_BYTES:
        raise InvalidDocumentError(
            f"The text of the file takes {num_bytes} bytes; {MAX_XML_BYTES} is the most it may. Send it in parts."
        )


def _not_docx() -> InvalidDocumentError:
    return InvalidDocumentError("The file is a zip archive, but no docx: it lacks the parts of one.")
