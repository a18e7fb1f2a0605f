"""What stands in a paragraph or cell, in order: strings with their formatting, containers, and all else as it is."""

import copy
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from server.documents.formats.inline import PointKind
from server.documents.formats.ooxml.wordxml import (
    SPACE,
    Element,
    canonical,
    is_drawing,
    is_sheet,
    new_like,
    word_children,
    word_name,
)

# Elements around runs, with the language in them; of some the runs are in a child.
CONTAINERS = frozenset(("hyperlink", "ins", "moveTo", "smartTag", "customXml", "sdt", "fldSimple", "dir", "bdo"))
PROPERTIES = frozenset(("pPr", "smartTagPr", "customXmlPr", "fldData", "endParaRPr"))
# Fields to fill in with something other than text.
_CHOICES = frozenset(("dropDownList", "comboBox", "date", "picture", "equation", "bibliography", "citation", "group"))
# Notes of the program to itself about the old text: where it broke lines and found mistakes, and how it is spoken.
_DROPPED = frozenset(("proofErr", "lastRenderedPageBreak", "softHyphen", "rPh", "phoneticPr"))
_BREAKS = frozenset(("tab", "ptab", "br", "cr"))
_UNSEEN_NAMES = (
    "del moveFrom bookmarkStart bookmarkEnd commentRangeStart commentRangeEnd permStart permEnd moveFromRangeStart "
    "moveFromRangeEnd moveToRangeStart moveToRangeEnd commentReference annotationRef instrText fldChar"
)
_UNSEEN = frozenset(_UNSEEN_NAMES.split())
# What of a run's formatting nobody sees.
_INVISIBLE = frozenset(("lang", "noProof", "rPrChange"))
_INVISIBLE_ATTRIBUTES = ("lang", "altLang", "noProof", "dirty", "err", "smtClean", "bmk")
_XML_SPACE = " \t\r\n"

FieldMark = Literal["", "begin", "separate", "end"]


@dataclass(frozen=True, eq=False)
class Style:
    """Formatting: the properties of a run, and what is the same for all that look the same."""

    properties: Element | None
    key: str
    num_bytes: int


PLAIN = Style(None, "", 0)


@dataclass(frozen=True, eq=False)
class XmlNode:
    """An element that is kept: of a run, with that run's style, or beside runs."""

    element: Element
    style: Style | None


@dataclass(frozen=True, eq=False)
class Text:
    """A string of one style; `nodes` are the elements that it stood in."""

    text: str
    style: Style
    nodes: tuple[XmlNode, ...]


@dataclass(frozen=True, eq=False)
class Kept:
    """Elements that come out as they are."""

    nodes: tuple[XmlNode, ...]
    kind: PointKind
    mark: FieldMark = ""
    instruction: str = ""


@dataclass(frozen=True, eq=False)
class Container:
    """An element with runs in it, or around them a field of which only `begin` and `end` are elements."""

    begin: tuple[XmlNode, ...]
    end: tuple[XmlNode, ...]
    holder: Element | None
    items: "list[Item]" = field(default_factory=list)


Item = Text | Kept | Container


def read_items(holder: Element) -> list[Item]:
    """What stands in a paragraph or container."""
    items: list[Item] = []
    for child in holder:
        name = word_name(child)
        if name in PROPERTIES or name in _DROPPED:
            continue
        if name == "r":
            items += _run_items(child)
        elif name == "t":  # a cell without formatting
            items += _text_items(child, PLAIN)
        elif name in CONTAINERS and (inside := _inside(child, name or "")) is not None:
            items.append(Container((XmlNode(child, None),), (), inside, read_items(inside)))
        else:
            items.append(Kept((XmlNode(child, None),), _point_kind(child, name)))
    return items


def base_style(items: Sequence[Item]) -> Style:
    """The style of most of the text."""
    counts: Counter[str] = Counter()
    styles: dict[str, Style] = {}
    for item in items:
        if isinstance(item, Text):
            counts[item.style.key] += len(item.text)
            styles.setdefault(item.style.key, item.style)
    return styles[counts.most_common(1)[0][0]] if counts else PLAIN


def _inside(element: Element, name: str) -> Element | None:
    """Where the runs of a container are; None if it is none of text."""
    if name == "sdt":
        properties = [each for child in word_children(element, "sdtPr") for each in child]
        if any(word_name(each) in _CHOICES or _is_checkbox(each) for each in properties):
            return None
        return next(iter(word_children(element, "sdtContent")), None)
    if name == "fldSimple":
        instruction = next((str(v) for k, v in element.attrib.items() if k.endswith("}instr")), "")
        return element if is_link(instruction) else None
    return element


def _is_checkbox(element: Element) -> bool:
    return isinstance(element.tag, str) and element.tag.endswith("}checkbox")


def is_link(instruction: str) -> bool:
    """Whether the result of a field is language: that of a link is, a number of a page is not."""
    return instruction.split(None, 1)[:1] == ["HYPERLINK"]


def _point_kind(element: Element, name: str | None) -> PointKind:
    if name in _BREAKS:
        return "break"
    if name in _UNSEEN or not isinstance(element.tag, str):
        return "hidden"
    # A picture that floats stands nowhere in the sentence.
    return "shown" if next(element.iter("{*}anchor"), None) is None else "hidden"


def _run_items(run: Element) -> Iterator[Item]:
    style = _style(run)
    for child in run:
        name = word_name(child)
        node = XmlNode(child, style)
        if name == "rPr" or name in _DROPPED:
            continue
        if name == "t":
            yield from _text_items(child, style)
        elif name == "noBreakHyphen":
            yield Text("\u2011", style, (node,))
        elif name in ("fldChar", "instrText"):
            yield Kept((node,), "hidden", _field_mark(child), (child.text or "") if name == "instrText" else "")
        else:
            yield Kept((node,), _point_kind(child, name))


def _text_items(element: Element, style: Style) -> Iterator[Item]:
    text = element.text or ""
    if element.get(SPACE) != "preserve" and not is_drawing(element):
        text = text.strip(_XML_SPACE)
    if "\n" not in text or not is_sheet(element):
        yield Text(text, style, (XmlNode(element, style),))
        return
    for line_end, line in re.findall(r"(\n)|([^\n]+)", text):
        if line:
            yield Text(line, style, (XmlNode(element, style),))
        else:
            kept = new_like(element, "t")
            kept.text = line_end
            yield Kept((XmlNode(kept, style),), "break")


def _field_mark(element: Element) -> FieldMark:
    kind = next((v for k, v in element.attrib.items() if k.endswith("}fldCharType")), "")
    marks: dict[str, FieldMark] = {"begin": "begin", "separate": "separate", "end": "end"}
    return marks.get(kind, "")


def _style(run: Element) -> Style:
    properties = next(iter(word_children(run, "rPr")), None)
    if properties is None:
        return PLAIN
    seen = copy.deepcopy(properties)
    for child in list(seen):
        if word_name(child) in _INVISIBLE:
            seen.remove(child)
        elif word_name(child) == "rFonts":
            for name in [name for name in child.attrib if name.endswith("}hint")]:
                del child.attrib[name]
    for name in _INVISIBLE_ATTRIBUTES:
        seen.attrib.pop(name, None)
    key = canonical(seen) if len(seen) or seen.attrib else ""
    return Style(properties, key, len(key))
