"""An xml file as elements and characters that know where in the file they stand.

Expat tells where each of its events begins; the next event tells where it ends. Nothing is written anew that has not
changed, so attributes, quotes, entities and white space stay byte for byte.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.entities import html5
from xml.parsers import expat

from server.documents.formats.charsets import Decoded, decode_xml
from server.errors import InvalidDocumentError

# Read into memory, xml is about ten times as large.
MAX_XML_BYTES = 16 << 20
# Each takes some 300 bytes of memory. A spreadsheet of 100,000 cells has half as many.
MAX_NODES = 600_000
# Deeper than any document; whoever walks through elements may call itself for each.
MAX_DEPTH = 200

XML_SPACE = "http://www.w3.org/XML/1998/namespace"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(slots=True, eq=False)
class Chars:
    """Characters between tags, from byte `start` to byte `end`; entities and CDATA are read."""

    text: str
    start: int
    end: int = -1


@dataclass(slots=True, eq=False)
class Node:
    """An element; a comment or instruction is one without name.

    Attributes:
        space: its namespace, empty for none.
        name: without prefix.
        attributes: by name; those with a namespace by that, a space, and the name.
        start: where its first tag begins, in bytes.
        open_end: where that ends.
        close_start: where its last tag begins; `end` if it has only one.
        end: where its last tag ends.
    """

    space: str
    name: str
    attributes: dict[str, str]
    parent: "Node | None"
    start: int
    open_end: int = -1
    close_start: int = -1
    end: int = -1
    children: "list[Node | Chars]" = field(default_factory=list)

    def find(self, *names: str) -> "Iterator[Node]":
        """The elements directly in this one with one of these names, in its namespace."""
        for child in self.children:
            if isinstance(child, Node) and child.name in names and child.space == self.space:
                yield child

    def walk(self) -> "Iterator[Node]":
        """This element and all in it, in the order of the file."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += [child for child in reversed(node.children) if isinstance(child, Node)]

    @property
    def text(self) -> str:
        """All characters in it."""
        return "".join(child.text for child in self.children)


@dataclass(frozen=True)
class Source:
    """A file: its bytes in UTF-8, to which all places refer, and its root."""

    data: bytes
    root: Node
    decoded: Decoded

    def changed(self, edits: "list[tuple[int, int, bytes]]") -> bytes:
        """The file with other bytes from each start to each end; `edits` do not overlap."""
        pieces: list[bytes] = []
        done = 0
        for start, end, new in sorted(edits, key=lambda edit: edit[:2]):
            pieces += [self.data[done:start], new]
            done = end
        whole = b"".join((*pieces, self.data[done:])).decode()
        return self.decoded.encode(whole, "xmlcharrefreplace")


def clean(text: str) -> str:
    """`text` without what no xml may have."""
    return _NOT_XML.sub("", text)


def parse_source(data: bytes, doctype: bool = False) -> Source:
    """A file taken apart.

    Args:
        data: the file.
        doctype: whether it may name a document type, which is never fetched. It never may declare entities.

    Raises:
        InvalidDocumentError: it is not well-formed, in no encoding that we know, too large, or declares entities.
    """
    if len(data) > MAX_XML_BYTES:
        raise InvalidDocumentError(
            f"The text of the file takes {len(data)} bytes; {MAX_XML_BYTES} is the most it may. Send it in parts."
        )
    decoded = decode_xml(data)
    builder = _Builder(decoded.text.encode(), doctype)
    return Source(builder.data, builder.build(), decoded)


class _Builder:
    def __init__(self, data: bytes, doctype: bool) -> None:
        self.data = data
        self._doctype = doctype
        self._open: list[Node] = [Node("", "", {}, None, 0)]
        self._opening: Node | None = None
        self._closing: Node | None = None
        self._chars: Chars | None = None
        self._pieces: list[str] = []
        self._cdata = False
        self._num_nodes = 0
        self._parser = expat.ParserCreate("utf-8", " ")

    def build(self) -> Node:
        parser = self._parser
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._add_text
        parser.CommentHandler = lambda text: self._add_other()
        parser.ProcessingInstructionHandler = lambda target, text: self._add_other()
        parser.StartCdataSectionHandler = self._start_cdata
        parser.EndCdataSectionHandler = self._end_cdata
        parser.StartDoctypeDeclHandler = self._check_doctype
        parser.DefaultHandlerExpand = self._add_rest
        try:
            parser.Parse(self.data, True)
        except expat.ExpatError as error:
            raise InvalidDocumentError("The file is damaged: it, or a part of it, is not well-formed xml.") from error
        self._mark(len(self.data))
        root = next(child for child in self._open[0].children if isinstance(child, Node) and child.name)
        root.end = self.data.index(b">", root.close_start) + 1 if root.close_start < root.end else root.end
        root.parent = None
        return root

    def _mark(self, at: int) -> None:
        """Here begins what comes next, so here ends what came before."""
        if self._opening is not None:
            self._opening.open_end, self._opening = at, None
        if self._closing is not None:
            self._closing.end, self._closing = at, None

    def _mark_here(self) -> int:
        at = self._parser.CurrentByteIndex
        self._mark(at)
        return at

    def _end_text(self, at: int) -> None:
        if self._chars is not None and not self._cdata:
            self._chars.text, self._chars.end = "".join(self._pieces), at
            self._chars, self._pieces = None, []

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        at = self._mark_here()
        self._end_text(at)
        if len(self._open) > MAX_DEPTH:
            raise InvalidDocumentError(f"The elements of the file are nested deeper than {MAX_DEPTH}; simplify it.")
        self._count()
        space, _, local = name.rpartition(" ")
        node = Node(space, local, attributes, self._open[-1], at)
        self._open[-1].children.append(node)
        self._open.append(node)
        self._opening = node

    def _end(self, name: str) -> None:
        at = self._mark_here()
        self._end_text(at)
        node = self._open.pop()
        node.close_start = at
        if node.open_end == at and self.data[at - 2 : at] == b"/>":
            node.end = at
        else:
            self._closing = node

    def _add_text(self, text: str) -> None:
        at = self._mark_here()
        if self._chars is None:
            self._count()
            self._chars = Chars("", at)
            self._open[-1].children.append(self._chars)
        self._pieces.append(text)

    def _start_cdata(self) -> None:
        self._add_text("")
        self._cdata = True

    def _end_cdata(self) -> None:
        self._mark_here()
        self._cdata = False

    def _count(self) -> None:
        self._num_nodes += 1
        if self._num_nodes > MAX_NODES:
            raise InvalidDocumentError(f"The file has more than {MAX_NODES} elements; send it in parts.")

    def _add_other(self) -> None:
        at = self._mark_here()
        self._count()
        self._end_text(at)
        node = Node("", "", {}, self._open[-1], at, open_end=at, close_start=at)
        self._open[-1].children.append(node)
        self._closing = node

    def _check_doctype(self, name: str, system: str | None, public: str | None, has_subset: bool) -> None:
        self._mark_here()
        if has_subset or not self._doctype:
            raise InvalidDocumentError(
                "The file declares a document type or entities, which is not accepted; save it without."
            )

    def _add_rest(self, text: str) -> None:
        """An entity that only its document type declares, or what stands around the root."""
        if len(self._open) == 1:
            self._mark_here()
        elif text[1:] in html5 and text.startswith("&"):
            self._add_text(html5[text[1:]])
        else:
            self._add_other()
