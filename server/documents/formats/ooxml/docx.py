"""Docx: the paragraphs of its text, headers, footers, notes, comments and text boxes; all else is left as it is."""

from collections.abc import Sequence

from server.documents.formats.archive import Archive
from server.documents.formats.ooxml.package import Kind, read_package, write_package
from server.documents.formats.ooxml.paragraph import find_paragraphs

MAIN_PART = "word/document.xml"


def read_docx(data: bytes) -> list[str]:
    """The paragraphs with text in them, as xml (server/documents/formats/inline.py).

    Raises:
        InvalidDocumentError: it is not a docx, damaged, or too large once unpacked.
    """
    return read_package(_DOCX, Archive(data))


def write_docx(data: bytes, texts: Sequence[str]) -> bytes:
    """`data` with other paragraphs; a part in which none has changed stays as it is, byte for byte.

    Raises:
        InvalidDocumentError: it is not a docx, damaged, or too large once unpacked.
    """
    archive = Archive(data)
    return archive.rewritten(write_package(_DOCX, archive, texts))


# Ends of content types; the second row is of documents with macros.
_DOCX = Kind(
    "docx",
    (".document.main+xml", ".template.main+xml", ".macroEnabled.main+xml", ".macroEnabledTemplate.main+xml"),
    (".header+xml", ".footer+xml", ".footnotes+xml", ".endnotes+xml", ".comments+xml"),
    find_paragraphs,
)
