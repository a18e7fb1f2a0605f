"""Fields of a docx that are written as a row of runs: begin, what it is, separate, the result, end.

The result of a link is language and is translated; every other field is kept whole. One that begins in this
paragraph and ends in another, as a table of contents does, is kept mark by mark.
"""

from collections.abc import Sequence

from server.documents.formats.ooxml.runs import Container, Item, Kept, XmlNode, is_link


def join_fields(items: Sequence[Item]) -> list[Item]:
    """`items` with each whole field as one of them."""
    joined: list[Item] = []
    ends = _ends(items)
    index = 0
    while index < len(items):
        item = items[index]
        end = ends.get(index)
        if end is not None:
            joined.append(_field(items[index : end + 1]))
            index = end + 1
            continue
        if isinstance(item, Container):
            item = Container(item.begin, item.end, item.holder, join_fields(item.items))
        joined.append(item)
        index += 1
    return joined


def _ends(items: Sequence[Item]) -> dict[int, int]:
    """Where each field begins that ends among `items`, and where; in one pass, since they may be thousands."""
    ends: dict[int, int] = {}
    begun: list[int] = []
    for index, item in enumerate(items):
        mark = item.mark if isinstance(item, Kept) else ""
        if mark == "begin":
            begun.append(index)
        elif mark == "end" and begun:
            ends[begun.pop()] = index
    return ends


def _field(items: Sequence[Item]) -> Item:
    marks = [item.mark if isinstance(item, Kept) else "" for item in items]
    separate = marks.index("separate") if "separate" in marks else -1
    instruction = "".join(item.instruction for item in items[:separate] if isinstance(item, Kept))
    if separate > 0 and marks.count("begin") == 1 and is_link(instruction):
        begin, end = _all_nodes(items[: separate + 1]), _all_nodes(items[-1:])
        return Container(begin, end, None, join_fields(items[separate + 1 : -1]))
    return Kept(_all_nodes(items), "shown")


def _all_nodes(items: Sequence[Item]) -> tuple[XmlNode, ...]:
    nodes: list[XmlNode] = []
    for item in items:
        nodes += item.begin if isinstance(item, Container) else item.nodes
        if isinstance(item, Container) and item.holder is None:
            nodes += [*_all_nodes(item.items), *item.end]
    return tuple(nodes)
