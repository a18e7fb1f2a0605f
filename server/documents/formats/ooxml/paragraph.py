"""A paragraph as pieces of text and things in it, and the paragraph written anew from translated pieces."""

import copy
import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from server.documents.formats.inline import Piece, Point, Span, find_things, from_xml, to_xml
from server.documents.formats.ooxml.runs import (
    PROPERTIES,
    Container,
    Item,
    Kept,
    Style,
    Text,
    XmlNode,
    base_style,
    read_items,
)
from server.documents.formats.ooxml.wordfields import join_fields
from server.documents.formats.ooxml.wordxml import SPACE, Element, is_drawing, is_sheet, new_like, word_name
from server.errors import InvalidDocumentError

# Formatting is written once for each run; what would grow by more than this was made to.
MAX_ADDED_BYTES = 4 << 20

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Paragraph:
    """A `w:p`, an `a:p` or the string of a cell, with text in it.

    What it holds is found once, before any paragraph is written.
    """

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


def find_paragraphs(root: Element) -> Iterator[Paragraph]:
    """The paragraphs of a part with text in them."""
    for element in root.iter():
        if word_name(element) == "p":
            paragraph = Paragraph(element)
            if paragraph.has_text:
                yield paragraph


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
        for child in [each for each in holder if word_name(each) == "endParaRPr"]:
            holder.append(child)  # moves it: nothing may follow it

    def _append(self, holder: Element, pieces: Sequence[Piece], style: Style) -> None:
        for piece in pieces:
            if isinstance(piece, str):
                self._add_node(holder, XmlNode(self._text(piece), style))
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

    def _add_nodes(self, holder: Element, nodes: Sequence[XmlNode]) -> None:
        for node in nodes:
            self._add_node(holder, node)

    def _add_node(self, holder: Element, node: XmlNode) -> None:
        node.element.tail = None
        if node.style is None:
            holder.append(node.element)
            self._last_run = None
            return
        if self._last_run is None or self._last_run[1] != node.style.key:
            holder.append(self._new_run(node.style))
            self._last_run = holder[-1], node.style.key
        run = self._last_run[0]
        if word_name(node.element) == "t" and word_name(run[-1] if len(run) else run) == "t" and _has_one_text(run):
            _set_text(run[-1], run[-1].text + node.element.text)
        else:
            run.append(node.element)

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
        _set_text(element, _NOT_XML.sub("", text))
        return element


def _has_one_text(run: Element) -> bool:
    """Whether a run may have one text alone: everywhere but in Word."""
    return is_drawing(run) or is_sheet(run)


def _set_text(element: Element, text: str) -> None:
    element.text = text
    if text != text.strip() and not is_drawing(element):
        element.set(SPACE, "preserve")
