"""Pptx: the paragraphs of slides, speaker notes, tables, charts and SmartArt; comments and masters are left."""

from collections.abc import Sequence

from server.documents.formats.archive import Archive
from server.documents.formats.ooxml.package import Kind, read_package, write_package
from server.documents.formats.ooxml.paragraph import find_paragraphs

MAIN_PART = "ppt/presentation.xml"

_TYPE = "presentationml."
_DRAWING = ".drawingml."
_PPTX = Kind(
    "pptx",
    tuple(f"{each}.main+xml" for each in (f"{_TYPE}presentation", f"{_TYPE}slideshow", f"{_TYPE}template"))
    + tuple(f".{each}.macroEnabled.main+xml" for each in ("presentation", "slideshow", "template")),
    # SmartArt is there twice: what it says, and as it was drawn last.
    (
        *(f"{_TYPE}slide+xml", f"{_TYPE}notesSlide+xml"),
        *(f"{_DRAWING}chart+xml", f"{_DRAWING}diagramData+xml", f"{_DRAWING}diagramDrawing+xml"),
    ),
    find_paragraphs,
)


def read_pptx(data: bytes) -> list[str]:
    """The paragraphs with text in them, as xml (server/documents/formats/inline.py).

    Raises:
        InvalidDocumentError: it is not a pptx, damaged, or too large once unpacked.
    """
    return read_package(_PPTX, Archive(data))


def write_pptx(data: bytes, texts: Sequence[str]) -> bytes:
    """`data` with other paragraphs; a part in which none has changed stays as it is, byte for byte.

    Raises:
        InvalidDocumentError: it is not a pptx, damaged, or too large once unpacked.
    """
    archive = Archive(data)
    return archive.rewritten(write_package(_PPTX, archive, texts))
