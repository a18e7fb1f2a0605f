"""The xml of docx, pptx and xlsx: read with nothing followed or expanded, written, and the names in it."""

from typing import Any, TypeAlias

from lxml import etree

from server.errors import InvalidDocumentError

Element: TypeAlias = Any  # lxml comes without types

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
STRICT_W = "{http://purl.oclc.org/ooxml/wordprocessingml/main}"
# Text of drawings, which slides are made of, and of sheets: runs as in a paragraph of Word, with other formatting.
A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
STRICT_A = "{http://purl.oclc.org/ooxml/drawingml/main}"
S = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
STRICT_S = "{http://purl.oclc.org/ooxml/spreadsheetml/main}"
SPACE = "{http://www.w3.org/XML/1998/namespace}space"
_SPACES = (W, STRICT_W, A, STRICT_A, S, STRICT_S)
_DECLARATION = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n'


def parse_part(data: bytes) -> Element:
    """The root of a part.

    Raises:
        InvalidDocumentError: it is not well-formed, or declares a document type, which none does.
    """
    # Before the parser sees it: a declaration is where entities come from. Without zero bytes UTF-16 reads the same.
    if b"<!DOCTYPE" in data.replace(b"\0", b""):
        raise _refused()
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_blank_text=False
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise InvalidDocumentError("The file is damaged: a part of it is not well-formed xml.") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise _refused()
    return root


def write_part(root: Element) -> bytes:
    """A part as it lies in the archive."""
    return _DECLARATION + bytes(etree.tostring(root.getroottree(), encoding="UTF-8", xml_declaration=False))


def canonical(element: Element) -> str:
    """The element as a string that is the same for elements that mean the same."""
    return str(etree.tostring(element, method="c14n2", with_tail=False).decode())


def word_name(element: Element) -> str | None:
    """The local name of an element of Word's, drawings' or sheets' own, None for all others and for comments."""
    tag = element.tag
    if not isinstance(tag, str):
        return None
    return next((tag[len(space) :] for space in _SPACES if tag.startswith(space)), None)


def is_drawing(element: Element) -> bool:
    """Whether it is of DrawingML, where white space always counts."""
    return bool(element.tag.startswith((A, STRICT_A)))


def is_sheet(element: Element) -> bool:
    """Whether it is of SpreadsheetML, where the end of a line stands in the text."""
    return bool(element.tag.startswith((S, STRICT_S)))


def word_children(element: Element, name: str) -> list[Element]:
    """The children of that name."""
    return [child for child in element if word_name(child) == name]


def new_like(element: Element, name: str) -> Element:
    """An empty element of this name in the namespace of `element`."""
    namespace = etree.QName(element).namespace
    # Of the other namespaces some may have names that lxml reads but does not write.
    return etree.Element(etree.QName(namespace, name), nsmap={element.prefix: namespace})


def _refused() -> InvalidDocumentError:
    return InvalidDocumentError("A part of the file declares a document type, which is not accepted; save it anew.")
