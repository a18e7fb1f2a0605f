"""Xliff 1.2 and 2.x: the sources of units without a translation are translated into their targets.

A unit that has a target keeps it, unless its state says that it is still to be translated. What programs put into a
sentence (`x`, `g`, `ph`, `pc` and the like) is in the target once each, with the id that it has in the source.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from server.documents.formats.xmlsource.flow import Edit, Role, Rules, Run, build_run
from server.documents.formats.xmlsource.nodes import Chars, Node, Source, parse_source
from server.errors import InvalidDocumentError

_V1 = "urn:oasis:names:tc:xliff:document:1."
_V2 = "urn:oasis:names:tc:xliff:document:2."
# Of a target, or in version 2 of a segment: nobody has translated it yet.
_OPEN_STATES = frozenset(("new", "needs-translation", "initial"))
_NEXT_STATE = {"target": b"needs-review-translation", "segment": b"translated"}
_SPANS = frozenset(("g", "mrk", "pc"))
# Halves of pairs that stand alone, marks, and in version 1 the codes that pairs are written as.
_UNSEEN = frozenset(("bx", "ex", "bpt", "ept", "it", "sc", "ec", "sm", "em", "cp"))
_PAIR_IDS = ("START_", "CLOSE_")  # of Angular, whose pairs are two `x`
_STATE = re.compile(rb"""(\sstate\s*=\s*)(?:"[^"]*"|'[^']*')""")
_NAME_END = re.compile(rb"[\s/>]")


@dataclass(frozen=True)
class _Unit:
    """A text, and where its translation goes.

    Attributes:
        holder: the element that source and target are in.
        run: the text of the source.
        target: where the translation goes; None if there is no such element yet.
    """

    holder: Node
    run: Run
    source: Node
    target: Node | None


def read_xliff(data: bytes) -> list[str]:
    """The sources that are to be translated, as xml (server/documents/formats/inline.py).

    Raises:
        InvalidDocumentError: it is damaged, or no xliff of a version that we know.
    """
    return [unit.run.xml for unit in _units(_parse(data))]


def write_xliff(data: bytes, texts: Sequence[str]) -> bytes:
    """`data` with these targets; one that lacks an element of its source is left out.

    Raises:
        InvalidDocumentError: it is damaged, or no xliff of a version that we know.
    """
    source = _parse(data)
    edits: list[Edit] = []
    for unit, text in zip(_units(source), texts, strict=True):
        inner = unit.run.render(source, text)
        if inner is not None:
            edits += _edit(source, unit, inner)
    return source.changed(edits)


def declare_xliff(data: bytes, target: str) -> bytes:
    """`data` with the language of its targets, where it does not name one."""
    source = _parse(data)
    is_v2 = source.root.space.startswith(_V2)
    name = "trgLang" if is_v2 else "target-language"
    holders = [source.root] if is_v2 else source.root.find("file")
    edits: list[Edit] = []
    for node in holders:
        if name not in node.attributes:
            at = node.start + _tag_name_bytes(source, node)
            edits.append((at, at, f' {name}="{target}"'.encode()))
    return source.changed(edits)


def _parse(data: bytes) -> Source:
    source = parse_source(data)
    if source.root.name != "xliff" or not source.root.space.startswith((_V1, _V2)):
        raise InvalidDocumentError("The file is no xliff of version 1.2 or 2; export it as one of these.")
    return source


def _units(source: Source) -> Iterator[_Unit]:
    for node in source.root.walk():
        if node.space != source.root.space:
            continue
        if node.name in ("trans-unit", "segment") and _is_open(node) and _may_be_translated(node):
            text = next(node.find("seg-source"), None) or next(node.find("source"), None)
            if text is not None and text.children and (run := build_run(text.children, _RULES)).has_text:
                yield _Unit(node, run, next(node.find("source"), text), next(node.find("target"), None))


def _is_open(holder: Node) -> bool:
    """Whether a unit has no translation that anybody meant."""
    target = next(holder.find("target"), None)
    if target is None or not target.children:
        return True
    return (target if holder.name == "trans-unit" else holder).attributes.get("state") in _OPEN_STATES


def _may_be_translated(node: Node | None) -> bool:
    """What the nearest element says that says anything."""
    while node is not None:
        if "translate" in node.attributes:
            return node.attributes["translate"] != "no"
        node = node.parent
    return True


def _role(node: Node) -> Role:
    """Of an element in a source."""
    if node.name in _UNSEEN or node.attributes.get("id", "").startswith(_PAIR_IDS):
        return "hidden"
    if node.name in _SPANS:
        is_term = node.attributes.get("translate") == "no" or node.attributes.get("mtype") == "protected"
        return "shown" if is_term else "span"
    return "break" if node.name == "x" and node.attributes.get("ctype") == "lb" else "shown"


_RULES = Rules(_role, lambda node: True)


def _edit(source: Source, unit: _Unit, inner: bytes) -> Iterator[Edit]:
    target = unit.target
    if target is None:
        opening = source.data[unit.source.start : unit.source.start + _tag_name_bytes(source, unit.source)]
        name = opening[: -len(b"source")] + b"target"  # with its prefix
        behind = next(unit.holder.find("seg-source"), unit.source)
        new = _indent(source, unit.source) + name + b">" + inner + b"</" + name[1:] + b">"
        yield behind.end, behind.end, new
    elif target.close_start < target.end:
        yield target.open_end, target.close_start, inner
    else:
        raw = source.data[target.start : target.end]
        name = raw[1 : _tag_name_bytes(source, target)]
        yield target.start, target.end, _next_state(raw[:-2].rstrip() + b">", "target") + inner + b"</" + name + b">"
        return
    said = target if unit.holder.name == "trans-unit" else unit.holder
    if said is not None and said.attributes.get("state") in _OPEN_STATES:
        opening = source.data[said.start : said.open_end]
        yield said.start, said.open_end, _next_state(opening, said.name)


def _next_state(tag: bytes, name: str) -> bytes:
    return _STATE.sub(lambda match: match[1] + b'"' + _NEXT_STATE[name] + b'"', tag, count=1)


def _tag_name_bytes(source: Source, node: Node) -> int:
    """How long the beginning of a tag is, with its name."""
    end = _NAME_END.search(source.data, node.start)
    assert end is not None
    return end.start() - node.start


def _indent(source: Source, node: Node) -> bytes:
    """The white space before an element, if there is nothing else."""
    assert node.parent is not None
    siblings = node.parent.children
    at = siblings.index(node)
    before = siblings[at - 1] if at else None
    return source.data[before.start : before.end] if isinstance(before, Chars) and not before.text.strip() else b""
