"""Odt, ods, odp: paragraphs of the content, and of the headers and footers among the styles; all else is left.

A cell is language only if it is a string that somebody typed: numbers, dates and what a formula gives are kept.
"""

from collections.abc import Iterator, Sequence

from server.documents.formats.archive import Archive
from server.documents.formats.xmlsource.flow import Role, Rules
from server.documents.formats.xmlsource.nodes import Node
from server.documents.formats.xmlsource.parts import (
    Part,
    build_part,
    check_xml_bytes,
    read_part,
    read_parts,
    write_parts,
)
from server.errors import InvalidDocumentError

MIME = "application/vnd.oasis.opendocument."
CONTENT = "content.xml"

_STYLES, _MANIFEST = "styles.xml", "META-INF/manifest.xml"
_NAMESPACE = "urn:oasis:names:tc:opendocument:xmlns:"
_TEXT, _OFFICE, _TABLE = (f"{_NAMESPACE}{name}:1.0" for name in ("text", "office", "table"))
_STYLE, _DRAW = (f"{_NAMESPACE}{name}:1.0" for name in ("style", "drawing"))
_PARAGRAPHS = frozenset(("p", "h"))
_SPANS = frozenset(("span", "a", "meta", "ruby", "ruby-base"))
_BREAKS = frozenset(("tab", "line-break"))
_UNSEEN_NAMES = (
    "s soft-page-break ruby-text bookmark bookmark-start bookmark-end reference-mark reference-mark-start "
    "reference-mark-end change change-start change-end toc-mark toc-mark-start toc-mark-end user-index-mark "
    "alphabetical-index-mark alphabetical-index-mark-start alphabetical-index-mark-end"
)
_UNSEEN = frozenset(_UNSEEN_NAMES.split())
# What was deleted, what programs do, how indexes are made, and what forms ask.
_KEPT = frozenset(
    [(_TEXT, "tracked-changes"), (_OFFICE, "scripts"), (_OFFICE, "forms"), (_OFFICE, "event-listeners")]
    + [(_TABLE, name) for name in ("tracked-changes", "content-validations", "dde-links", "database-ranges")]
)


def read_odf(data: bytes) -> list[str]:
    """The paragraphs with text in them, as xml (server/documents/formats/inline.py).

    Raises:
        InvalidDocumentError: it is no OpenDocument, damaged, encrypted, or too large once unpacked.
    """
    return read_parts(_parts(Archive(data)))


def write_odf(data: bytes, texts: Sequence[str]) -> bytes:
    """`data` with other paragraphs; a part in which none has changed stays as it is.

    Raises:
        InvalidDocumentError: it is no OpenDocument, damaged, encrypted, or too large once unpacked.
    """
    archive = Archive(data)
    return write_parts(archive, _parts(archive), texts)


def _parts(archive: Archive) -> Iterator[Part]:
    sizes = archive.sizes
    if CONTENT not in sizes:
        raise InvalidDocumentError("The file is a zip archive, but no OpenDocument: it lacks the parts of one.")
    if _MANIFEST in sizes:
        manifest = read_part(archive, _MANIFEST, doctype=True)
        if any(node.name == "encryption-data" for node in manifest.root.walk()):
            raise InvalidDocumentError("The file is encrypted; save it without a password and send it again.")
    check_xml_bytes(archive, [name for name in (CONTENT, _STYLES) if name in sizes])
    content = read_part(archive, CONTENT)
    yield build_part(CONTENT, content, content.root.find("body"), _RULES)
    if _STYLES in sizes:
        styles = read_part(archive, _STYLES)
        yield build_part(_STYLES, styles, _headers(styles.root), _RULES)


def _headers(root: Node) -> Iterator[Node]:
    for node in root.walk():
        if node.space == _STYLE and node.name.startswith(("header", "footer")) and not node.name.endswith("style"):
            yield node


def _role(node: Node) -> Role:
    if (node.space, node.name) in _KEPT or (node.name == "table-cell" and _is_computed(node)):
        return "kept"
    if node.space == _TEXT and node.name in _PARAGRAPHS:
        return "block"
    if node.parent is not None and not _is_inside_paragraph(node):
        return "block"
    if node.space == _TEXT:
        if node.name in _SPANS:
            return "span"
        if node.name in _BREAKS:
            return "break"
        return "hidden" if node.name in _UNSEEN else "shown"
    is_inline = node.attributes.get(f"{_TEXT} anchor-type") == "as-char"
    return "shown" if node.space == _DRAW and is_inline else "hidden"


def _is_inside_paragraph(node: Node) -> bool:
    """Whether it stands right in a paragraph or in a span of one."""
    above = node.parent
    while above is not None and above.space == _TEXT and above.name in _SPANS:
        above = above.parent
    return above is not None and above.space == _TEXT and above.name in _PARAGRAPHS


def _is_computed(cell: Node) -> bool:
    attributes = cell.attributes
    kind = attributes.get(f"{_OFFICE} value-type", "string")
    return kind != "string" or f"{_TABLE} formula" in attributes or f"{_OFFICE} string-value" in attributes


def _holds(node: Node) -> bool:
    return node.space == _TEXT and node.name in _PARAGRAPHS


_RULES = Rules(_role, _holds)
