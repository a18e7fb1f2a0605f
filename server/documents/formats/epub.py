"""Epub: the pages of a book with its navigation, its table of contents (ncx) and its title; all else is left."""

import posixpath
from collections.abc import Iterator, Sequence
from urllib.parse import unquote

from server.documents.formats.archive import Archive
from server.documents.formats.xmlsource.flow import Edit, Role, Rules
from server.documents.formats.xmlsource.nodes import Node, Source
from server.documents.formats.xmlsource.parts import (
    Part,
    build_part,
    check_xml_bytes,
    read_part,
    read_parts,
    write_parts,
)
from server.errors import InvalidDocumentError
from server.markup.tokens import INLINE_ELEMENTS

MIME = "application/epub+zip"

_CONTAINER, _ENCRYPTION = "META-INF/container.xml", "META-INF/encryption.xml"
_XHTML = "http://www.w3.org/1999/xhtml"
_DC = "http://purl.org/dc/elements/1.1/"
_PAGE, _NCX = "application/xhtml+xml", "application/x-dtbncx+xml"
_SHOWN = frozenset(("code", "kbd", "samp", "var", "tt", "math", "img", "object", "audio", "video", "meter", "progress"))
_UNSEEN = frozenset(("rt", "rp", "wbr"))
_KEPT = frozenset(("script", "style", "meta", "link", "pre", "template", "textarea", "iframe", "noscript"))


def read_epub(data: bytes) -> list[str]:
    """The texts of all pages, as xml (server/documents/formats/inline.py).

    Raises:
        InvalidDocumentError: it is no epub, damaged, protected, or too large once unpacked.
    """
    return read_parts(_parts(Archive(data)))


def write_epub(data: bytes, texts: Sequence[str]) -> bytes:
    """`data` with other texts; a part in which none has changed stays as it is.

    Raises:
        InvalidDocumentError: it is no epub, damaged, protected, or too large once unpacked.
    """
    archive = Archive(data)
    return write_parts(archive, _parts(archive), texts)


def declare_epub(data: bytes, target: str) -> bytes:
    """`data` with the language of the book, by which readers hyphenate it and read it aloud."""
    archive = Archive(data)
    name, package = _read_package(archive)
    edits: list[Edit] = [
        (node.open_end, node.close_start, target.encode())
        for node in package.root.walk()
        if (node.space, node.name) == (_DC, "language") and node.close_start < node.end
    ]
    return archive.rewritten({name: package.changed(edits)})


def _read_package(archive: Archive) -> tuple[str, Source]:
    """The part that names all others, and its name."""
    if _CONTAINER in archive.sizes:
        for node in read_part(archive, _CONTAINER).root.walk():
            name = node.attributes.get("full-path", "")
            if node.name == "rootfile" and name in archive.sizes:
                return name, read_part(archive, name, doctype=True)
    raise InvalidDocumentError("The file is a zip archive, but no epub: it lacks the parts of one.")


def _parts(archive: Archive) -> Iterator[Part]:
    package_name, package = _read_package(archive)
    names = dict(_find_pages(archive, package_name, package))
    if _ENCRYPTION in archive.sizes:
        encrypted = (unquote(node.attributes.get("URI", "")) for node in read_part(archive, _ENCRYPTION).root.walk())
        if not names.keys().isdisjoint(encrypted):
            raise InvalidDocumentError("The book is protected against copying, so its text cannot be read.")
    check_xml_bytes(archive, [package_name, *names])
    yield build_part(package_name, package, [package.root], _PACKAGE_RULES)
    for name, rules in names.items():
        source = read_part(archive, name, doctype=True)
        yield build_part(name, source, [source.root], rules)


def _find_pages(archive: Archive, package_name: str, package: Source) -> Iterator[tuple[str, Rules]]:
    """The names of the parts with text in them."""
    for node in package.root.walk():
        kind = node.attributes.get("media-type")
        if node.name == "item" and kind in (_PAGE, _NCX):
            place = posixpath.join(posixpath.dirname(package_name), unquote(node.attributes.get("href", "")))
            name = posixpath.normpath(place)
            if name in archive.sizes and name != package_name:
                yield name, _PAGE_RULES if kind == _PAGE else _NCX_RULES


def _role(node: Node) -> Role:
    if node.space != _XHTML:
        return "shown"
    is_inline = node.name in INLINE_ELEMENTS or node.name in _SHOWN
    if node.attributes.get("translate") == "no" or "notranslate" in node.attributes.get("class", "").split():
        return "shown" if is_inline else "kept"
    if node.name in _KEPT:
        return "kept"
    if node.name == "br":
        return "break"
    if node.name in _SHOWN:
        return "shown"
    if node.name in _UNSEEN:
        return "hidden"
    return "span" if is_inline else "block"


_PAGE_RULES = Rules(_role, lambda node: node.space == _XHTML and _role(node) in ("span", "block"))
_NCX_RULES = Rules(
    lambda node: "block",
    lambda node: node.name == "text" and node.parent is not None and node.parent.name != "docAuthor",
)
_PACKAGE_RULES = Rules(lambda node: "block", lambda node: (node.space, node.name) == (_DC, "title"))
