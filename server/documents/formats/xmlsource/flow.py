"""The texts of an xml file: runs of characters with what stands among them, between elements that end a sentence."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from server.documents.formats.inline import Piece, Point, PointKind, Span, escape, find_things, from_xml, to_xml
from server.documents.formats.xmlsource.nodes import Chars, Node, Source, clean

# span: around a part of a sentence. shown, hidden, break: as points of `inline`, and what is in them are texts of
# their own. block: no sentence goes across it. kept: as block, and nothing in it is language.
Role = Literal["span", "shown", "hidden", "break", "block", "kept"]

Edit = tuple[int, int, bytes]


@dataclass(frozen=True)
class Rules:
    """What the elements of a format are.

    Attributes:
        role: of an element in the text of another.
        holds: whether characters right in an element are language.
    """

    role: Callable[[Node], Role]
    holds: Callable[[Node], bool]


@dataclass(frozen=True, eq=False)
class Run:
    """A text: neighbouring children of one element."""

    start: int
    end: int
    pieces: list[Piece]

    @property
    def xml(self) -> str:
        """The text as the translator gets it."""
        return to_xml(self.pieces)

    @property
    def has_text(self) -> bool:
        """Whether there is anything to translate: some letter."""
        return _has_letters(self.pieces)

    def write(self, source: Source, translated: str, edits: Sequence[Edit] = ()) -> bytes | None:
        """The bytes of a translation of `xml`; None if nothing has changed, or it lacks something.

        Args:
            source: that the run is in.
            translated: what has become of `xml`.
            edits: what is changed inside the elements among the text, by where it begins.
        """
        return None if translated == self.xml else self.render(source, translated, edits)

    def render(self, source: Source, translated: str, edits: Sequence[Edit] = ()) -> bytes | None:
        """As `write`, but the bytes even if nothing has changed."""
        pieces = from_xml(translated, find_things(self.pieces))
        return None if pieces is None else b"".join(_written(source, pieces, edits))


def _has_letters(pieces: Sequence[Piece]) -> bool:
    return any(
        any(map(str.isalpha, piece))
        if isinstance(piece, str)
        else isinstance(piece, Span) and _has_letters(piece.pieces)
        for piece in pieces
    )


def find_runs(root: Node, rules: Rules) -> list[Run]:
    """All runs with language in `root`, by where they begin; those in a point of another come after it."""
    runs: list[Run] = []
    waiting = [root]
    has_block = _find_blocks(root, rules)
    while waiting:
        node = waiting.pop()
        run: list[Node | Chars] = []
        for child in [*node.children, None]:
            role = _role(child, rules, has_block) if isinstance(child, Node) else "span"
            if child is not None and role not in ("block", "kept"):
                run.append(child)
                continue
            if run and rules.holds(node):
                runs += [each] if (each := build_run(run, rules)).has_text else []
            waiting += _find_points(run, rules)
            run = []
            if role == "block" and isinstance(child, Node):
                waiting.append(child)
    return sorted(runs, key=lambda each: each.start)


def build_run(nodes: Sequence[Node | Chars], rules: Rules) -> Run:
    """The run of `nodes`, which are neighbours."""
    return Run(nodes[0].start, nodes[-1].end, list(_to_pieces(nodes, rules)))


def edit_runs(source: Source, runs: Sequence[Run], texts: Iterator[str]) -> list[Edit]:
    """What to change so that each of `runs` is the next of `texts`; nothing where the same is said."""
    found = list(zip(runs, texts, strict=False))
    edits: list[Edit] = []  # the first of the file last, so that what is inside a run is at the end
    for run, translated in reversed(found):
        first = len(edits)
        while first and edits[first - 1][0] < run.end:
            first -= 1
        written = run.write(source, translated, edits[first:][::-1])
        if written is not None:
            edits[first:] = [(run.start, run.end, written)]
    return edits[::-1]


def _find_blocks(root: Node, rules: Rules) -> set[int]:
    """The elements with a block in them, by id: they are blocks themselves, whatever they are else."""
    found: set[int] = set()
    for node in root.walk():
        if node.name and rules.role(node) == "block":
            above = node.parent
            while above is not None and id(above) not in found and rules.role(above) == "span":
                found.add(id(above))
                above = above.parent
    return found


def _role(node: Node, rules: Rules, has_block: set[int]) -> Role:
    if not node.name:  # a comment
        return "hidden"
    return "block" if id(node) in has_block else rules.role(node)


def _find_points(nodes: Sequence[Node | Chars], rules: Rules) -> Iterator[Node]:
    for node in nodes:
        if isinstance(node, Node) and node.children:
            if rules.role(node) == "span":
                yield from _find_points(node.children, rules)
            else:
                yield node


def _to_pieces(nodes: Sequence[Node | Chars], rules: Rules) -> Iterator[Piece]:
    for node in nodes:
        if isinstance(node, Chars):
            yield node.text
            continue
        role = rules.role(node) if node.name else "hidden"
        if role == "span" and node.children:
            yield Span(node, list(_to_pieces(node.children, rules)))
        else:
            kinds: dict[Role, PointKind] = {"shown": "shown", "break": "break"}
            yield Point(node, kinds.get(role, "hidden"))


def _written(source: Source, pieces: Sequence[Piece], edits: Sequence[Edit]) -> Iterator[bytes]:
    for piece in pieces:
        if isinstance(piece, str):
            yield escape(clean(piece)).encode("utf-8", "replace")
        elif isinstance(piece, Point):
            yield _with_edits(source, piece.what.start, piece.what.end, edits)
        else:
            yield source.data[piece.what.start : piece.what.open_end]
            yield from _written(source, piece.pieces, edits)
            yield source.data[piece.what.close_start : piece.what.end]


def _with_edits(source: Source, start: int, end: int, edits: Sequence[Edit]) -> bytes:
    pieces: list[bytes] = []
    done = start
    for edit in edits[bisect_left(edits, start, key=lambda edit: edit[0]) :]:
        if edit[0] >= end:
            break
        pieces += [source.data[done : edit[0]], edit[2]]
        done = edit[1]
    return b"".join((*pieces, source.data[done:end]))
