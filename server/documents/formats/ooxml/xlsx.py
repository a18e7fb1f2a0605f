"""Xlsx: the strings that somebody typed into cells, and text boxes and charts; formulas and their results are left.

The heading of a table's column stays as well: the table names its columns by it, and so do formulas.
"""

from collections.abc import Iterator, Sequence

from server.documents.formats.archive import Archive
from server.documents.formats.inline import without_tags
from server.documents.formats.localisation import is_language
from server.documents.formats.ooxml.package import Kind, check_xml, read_package, read_types, write_package
from server.documents.formats.ooxml.paragraph import Paragraph, find_paragraphs
from server.documents.formats.ooxml.wordxml import Element, parse_part, word_children, word_name
from server.documents.formats.xmlsource.nodes import parse_source

MAIN_PART = "xl/workbook.xml"

_TYPE = "spreadsheetml."
_TABLE = f"{_TYPE}table+xml"
_MAIN = (f"{_TYPE}sheet.main+xml", f"{_TYPE}template.main+xml", ".sheet.macroEnabled.main+xml")
_OTHERS = (
    *(f"{_TYPE}sharedStrings+xml", f"{_TYPE}worksheet+xml", ".drawingml.chart+xml"),
    *(".openxmlformats-officedocument.drawing+xml", ".drawingml.diagramData+xml", ".drawingml.diagramDrawing+xml"),
)
_SHEET = f"{_TYPE}worksheet+xml"
_INLINE = b"inlineStr"
_RECALCULATE = "fullCalcOnLoad"


def read_xlsx(data: bytes) -> list[str]:
    """The strings that are language, as xml (server/documents/formats/inline.py).

    Raises:
        InvalidDocumentError: it is not an xlsx, damaged, or too large once unpacked.
    """
    archive = Archive(data)
    return read_package(_kind(archive), archive)


def write_xlsx(data: bytes, texts: Sequence[str]) -> bytes:
    """`data` with other strings; a part in which none has changed stays as it is, byte for byte.

    Raises:
        InvalidDocumentError: it is not an xlsx, damaged, or too large once unpacked.
    """
    archive = Archive(data)
    replaced = write_package(_kind(archive), archive, texts)
    if replaced and MAIN_PART in archive.sizes:
        replaced[MAIN_PART] = _recalculated(archive.read(MAIN_PART))
    return archive.rewritten(replaced)


def _kind(archive: Archive) -> Kind:
    """How this workbook is read: not without the names of its tables' columns."""
    types = read_types(archive)
    tables = [name for name, each in types.items() if each.endswith(_TABLE)]
    check_xml(sum(archive.sizes[name] for name in tables))
    headings = {
        _plain(column.get("name", ""))
        for name in tables
        for column in parse_part(archive.read(name)).iter()
        if word_name(column) == "tableColumn"
    }
    # Most sheets are numbers, formulas and the numbers of strings, and may be larger than what is ever parsed.
    sheets = [name for name, each in types.items() if each.endswith(_SHEET)]
    skipped = frozenset(name for name in sheets if _INLINE not in archive.read(name))
    return Kind("xlsx", _MAIN, _OTHERS, lambda root: _find_strings(root, headings), skipped)


def _find_strings(root: Element, headings: set[str]) -> Iterator[Paragraph]:
    if word_name(root) not in ("sst", "worksheet"):
        yield from find_paragraphs(root)
        return
    for element in root.iter():
        if word_name(element) in ("si", "is"):
            cell = _Cell(element)
            said = without_tags(cell.xml)
            if is_language(said) and _plain(said) not in headings:
                yield cell


def _plain(text: str) -> str:
    """What two strings have in common that Excel takes for the same heading."""
    return "".join(text.replace("_x000a_", "").split()).casefold()


class _Cell(Paragraph):
    """The string of a cell, in which a text without formatting stands right there and in no run."""

    def __init__(self, element: Element) -> None:
        super().__init__(element)
        self._string = element
        self._has_runs = bool(word_children(element, "r"))

    def write(self, translated: str) -> bool:
        """As `Paragraph` does."""
        if not super().write(translated):
            return False
        if not self._has_runs:
            for run in word_children(self._string, "r"):
                self._string.extend(list(run))
                self._string.remove(run)
        return True


def _recalculated(workbook: bytes) -> bytes:
    """The workbook with the wish that formulas are computed when it is opened, since what they read has changed."""
    source = parse_source(workbook)
    for node in source.root.find("calcPr"):
        if _RECALCULATE not in node.attributes:
            at = node.open_end - (2 if node.close_start == node.end else 1)
            return source.changed([(at, at, f' {_RECALCULATE}="1"'.encode())])
    return workbook
