"""A text with things in it, such as a bold word or a picture, as the xml that `server.markup` keeps; and back again.

Things are numbered in the order in which they stand, so that taking the same text apart once more gives the same
numbers, and nothing has to be kept while it is translated.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from server.markup import Options

# `shown` takes a place in the sentence as a word does, `hidden` takes none, at a `break` a sentence ends.
PointKind = Literal["shown", "hidden", "break"]

INLINE = Options(kind="xml", splitting_tags=frozenset({"s"}), outline_detection=False)

# No spaces in tags that may stand inside a line: whoever wraps lines takes them for a part of the word beside them.
_TAG = re.compile(r'<(?P<close>/?)g(?P<span>\d+)>|<x(?P<shown>\d+)/>|<\?x(?P<hidden>\d+)\?>|<s n="(?P<brk>\d+)"/>')
_POINTS: dict[PointKind, str] = {"shown": "<x{}/>", "hidden": "<?x{}?>", "break": '<s n="{}"/>'}


@dataclass(frozen=True, eq=False)
class Point:
    """Something without text of ours; `what` is whatever the format has there."""

    what: Any
    kind: PointKind


@dataclass(frozen=True, eq=False)
class Span:
    """Something around a part of the text."""

    what: Any
    pieces: "list[Piece]" = field(default_factory=list)


Piece = str | Point | Span


def to_xml(pieces: Sequence[Piece]) -> str:
    """The pieces as one text for the translator."""
    numbers = {id(thing): number for number, thing in enumerate(find_things(pieces))}
    return "".join(_written(pieces, numbers))


def _written(pieces: Sequence[Piece], numbers: dict[int, int]) -> Iterator[str]:
    for piece in pieces:
        if isinstance(piece, str):
            yield escape(piece)
        elif isinstance(piece, Point):
            yield _POINTS[piece.kind].format(numbers[id(piece)])
        else:
            number = numbers[id(piece)]
            yield f"<g{number}>"
            yield from _written(piece.pieces, numbers)
            yield f"</g{number}>"


def find_things(pieces: Sequence[Piece]) -> list[Point | Span]:
    """All points and spans in the order of their numbers."""
    found: list[Point | Span] = []
    for piece in pieces:
        if not isinstance(piece, str):
            found.append(piece)
        if isinstance(piece, Span):
            found += find_things(piece.pieces)
    return found


def from_xml(xml: str, things: Sequence[Point | Span]) -> list[Piece] | None:
    """The pieces of a translation, with the things themselves; None if one of them is not there exactly once."""
    stack: list[tuple[int, list[Piece]]] = [(-1, [])]
    seen: set[int] = set()
    done = 0
    for match in _TAG.finditer(xml):
        _append_text(stack[-1][1], xml[done : match.start()])
        done = match.end()
        number = int(next(filter(None, match.group("span", "shown", "hidden", "brk")))[:9])
        if match.group("close"):
            if stack[-1][0] != number:
                return None
            stack.pop()
            continue
        if number >= len(things) or number in seen or isinstance(things[number], Span) != bool(match.group("span")):
            return None
        seen.add(number)
        thing = things[number]
        copy: Piece = Span(thing.what) if isinstance(thing, Span) else thing
        stack[-1][1].append(copy)
        if isinstance(copy, Span):
            stack.append((number, copy.pieces))
    _append_text(stack[-1][1], xml[done:])
    return stack[0][1] if len(stack) == 1 and len(seen) == len(things) else None


def _append_text(pieces: list[Piece], xml: str) -> None:
    if xml:
        pieces.append(unescape(xml))


def escape(text: str) -> str:
    """`text` as it stands between tags."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(xml: str) -> str:
    """The text that stands between tags."""
    for entity, char in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&")):
        xml = xml.replace(entity, char)
    return xml


def without_tags(xml: str) -> str:
    """The text alone."""
    return unescape(_TAG.sub("", xml))
