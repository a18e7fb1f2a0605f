"""A paragraph of a docx as pieces of text and things in it, and the paragraph written anew from translated pieces."""

import copy
import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from server.documents.formats.docx.runs import (
    PROPERTIES,
    Container,
    Item,
    Kept,
    Node,
    Style,
    Text,
    base_style,
    read_items,
)
from server.documents.formats.docx.wordfields import join_fields
from server.documents.formats.docx.wordxml import SPACE, Element, new_like, word_name
from server.documents.formats.inline import Piece, Point, Span, find_things, from_xml, to_xml
from server.errors import InvalidDocumentError

# Formatting is written once for each run; what would grow by more than this was made to.
MAX_ADDED_BYTES = 4 << 20

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Paragraph:
    """A `w:p` with text in it. What it holds is found once, before any paragraph is written."""

    def __init__(self, element: Element) -> None:
        self._element = element
        items = join_fields(read_items(element))
        self._style = base_style(items)
        self._pieces = _to_pieces(items, self._style)
        self.xml = to_xml(self._pieces)

    @property
    def has_text(self) -> bool:
        """Whether there is anything to translate: some letter or digit."""
        return _has_text(self._pieces)

    def write(self, translated: str) -> bool:
        """Put the translation of `xml` into the document; False if there is nothing to change.

        Raises:
            InvalidDocumentError: the formatting of the paragraph would become too large.
        """
        if translated == self.xml:
            return False
        pieces = from_xml(translated, find_things(self._pieces))
        if pieces is None:  # a translation that lacks something is worse than none
            return False
        _Writer(self._element).fill(self._element, pieces, self._style)
        return True


def _has_text(pieces: Sequence[Piece]) -> bool:
    return any(
        any(map(str.isalnum, piece)) if isinstance(piece, str) else isinstance(piece, Span) and _has_text(piece.pieces)
        for piece in pieces
    )


def _to_pieces(items: Sequence[Item], base: Style) -> list[Piece]:
    """The pieces of `items`, with a span around each stretch whose style is not `base`."""
    pieces: list[Piece] = []
    for style, group in _by_style(items, base):
        inside = list(_plain_pieces(group))
        pieces += inside if style.key == base.key else [Span(style, inside)]
    return _joined(pieces)


def _by_style(items: Sequence[Item], base: Style) -> Iterator[tuple[Style, list[Item]]]:
    """`items` in stretches of one style; what is no text joins a stretch only if that goes on behind it."""
    group: list[Item] = []
    style = base
    between: list[Item] = []
    for item in items:
        if not isinstance(item, Text):
            between.append(item)
            continue
        if group and item.style.key == style.key:
            group += [*between, item]
        else:
            if group:
                yield style, group
            if between:
                yield base, between
            style, group = item.style, [item]
        between = []
    if group:
        yield style, group
    if between:
        yield base, between


def _plain_pieces(items: Sequence[Item]) -> Iterator[Piece]:
    for item in items:
        if isinstance(item, Text):
            yield item.text
        elif isinstance(item, Kept):
            yield Point(item, item.kind)
        else:
            base = base_style(item.items)
            yield Span((item, base), _to_pieces(item.items, base))


def _joined(pieces: Sequence[Piece]) -> list[Piece]:
    """`pieces` with neighbouring strings as one."""
    joined: list[Piece] = []
    for is_text, group in groupby(pieces, key=lambda piece: isinstance(piece, str)):
        if not is_text:
            joined += group
        elif text := "".join(map(str, group)):
            joined.append(text)
    return joined


class _Writer:
    """Writes the content of one paragraph; the elements that are kept are moved, not copied."""

    def __init__(self, paragraph: Element) -> None:
        self._paragraph = paragraph
        self._added_bytes = 0
        self._last_run: tuple[Element, str] | None = None

    def fill(self, holder: Element, pieces: Sequence[Piece], style: Style) -> None:
        """Replace what is in `holder`, save its properties, with `pieces`."""
        for child in list(holder):
            if word_name(child) not in PROPERTIES:
                holder.remove(child)
        self._last_run = None
        self._append(holder, pieces, style)
        self._last_run = None

    def _append(self, holder: Element, pieces: Sequence[Piece], style: Style) -> None:
        for piece in pieces:
            if isinstance(piece, str):
                self._add_node(holder, Node(self._text(piece), style))
            elif isinstance(piece, Point):
                self._add_nodes(holder, piece.what.nodes)
            elif isinstance(piece.what, Style):
                self._append(holder, piece.pieces, piece.what)
            else:
                self._add_container(holder, piece)

    def _add_container(self, holder: Element, span: Span) -> None:
        item, style = span.what
        assert isinstance(item, Container)
        self._add_nodes(holder, item.begin)
        if item.holder is None:
            self._append(holder, span.pieces, style)
        else:
            self.fill(item.holder, span.pieces, style)
        self._add_nodes(holder, item.end)

    def _add_nodes(self, holder: Element, nodes: Sequence[Node]) -> None:
        for node in nodes:
            self._add_node(holder, node)

    def _add_node(self, holder: Element, node: Node) -> None:
        node.element.tail = None
        if node.style is None:
            holder.append(node.element)
            self._last_run = None
            return
        if self._last_run is None or self._last_run[1] != node.style.key:
            holder.append(self._new_run(node.style))
            self._last_run = holder[-1], node.style.key
        self._last_run[0].append(node.element)

    def _new_run(self, style: Style) -> Element:
        run = new_like(self._paragraph, "r")
        if style.properties is not None:
            self._added_bytes += style.num_bytes
            if self._added_bytes > MAX_ADDED_BYTES:
                raise InvalidDocumentError("The formatting of a paragraph is too large; simplify it and send it again.")
            run.append(copy.deepcopy(style.properties))
        return run

    def _text(self, text: str) -> Element:
        element = new_like(self._paragraph, "t")
        element.text = _NOT_XML.sub("", text)
        if text != text.strip():
            element.set(SPACE, "preserve")
        return element
