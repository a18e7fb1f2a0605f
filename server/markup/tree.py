"""The marks of a chunk as a tree, so that what is moved together stays together."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from server.markup.document import Chunk, Mark


@dataclass
class Node:
    """A point, or an element: marks `first` to `last` and characters `low` to `high` of the chunk's text.

    A tag without a partner is an element too: it reaches to the edge of what it stands in, and may not leave it.

    Attributes:
        has_start, has_end: whether its first and last mark are its tags; both for a point, which is one mark.
        holds_text: whether there is a word in it; if not, all its marks stay in one place.
    """

    first: int
    last: int
    low: int
    high: int
    has_start: bool
    has_end: bool
    holds_text: bool = False
    children: list["Node"] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether it may stand anywhere in what it is in."""
        return self.has_start and self.has_end


@dataclass(frozen=True)
class Tree:
    """The root has no tags; `depth` and `num_nodes` say how much work it is."""

    root: Node
    depth: int
    num_nodes: int


def build_tree(chunk: Chunk, words: Sequence[tuple[int, int]]) -> Tree:
    """The tree of the chunk's marks; `words` are those of its text."""
    marks = chunk.marks
    root = Node(0, len(marks) - 1, 0, len(chunk.text), has_start=False, has_end=False, holds_text=True)
    stack, depth, nodes = [root], 0, [root]
    for index, mark in enumerate(marks):
        if mark.kind == "point":
            nodes.append(Node(index, index, mark.offset, mark.offset, has_start=True, has_end=True))
            stack[-1].children.append(nodes[-1])
        elif mark.kind == "start":
            nodes.append(Node(index, index, mark.offset, mark.offset, has_start=True, has_end=False))
            stack[-1].children.append(nodes[-1])
            stack.append(nodes[-1])
            depth = max(depth, len(stack))
        elif mark.partner is None:
            nodes.append(_behind_all(stack[-1], index, mark))
            depth = max(depth, len(stack) + 1 + len(nodes[-1].children[:1]))
        else:
            _close(stack, index, mark)
    for node in stack[1:]:
        node.last, node.high = len(marks) - 1, len(chunk.text)
    ends = [end for _, end in words]
    for node in nodes[1:]:
        word = bisect_right(ends, node.low)
        node.holds_text = node.low < node.high and word < len(words) and words[word][0] < node.high
    return Tree(root, depth, len(nodes))


def _behind_all(parent: Node, index: int, mark: Mark) -> Node:
    """The element that a lone end tag closes: all there is so far in what it stands in."""
    first = parent.children[0].first if parent.children else index
    node = Node(first, index, parent.low, mark.offset, has_start=False, has_end=True, children=parent.children)
    parent.children = [node]
    return node


def _close(stack: list[Node], index: int, mark: Mark) -> None:
    """Close the element of `mark`, and before it those inside that nothing closes."""
    while stack[-1].first != mark.partner:
        node = stack.pop()
        node.last, node.high = index - 1, mark.offset
    node = stack.pop()
    node.last, node.high, node.has_end = index, mark.offset, True
