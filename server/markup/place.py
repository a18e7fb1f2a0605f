"""Marks put back into a translation, and chunks into their document; whatever comes out has been checked."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from server.markup.alignment import AlignedMass, Alignment, RelativeMass
from server.markup.document import Chunk, Document
from server.markup.entities import Escaper
from server.markup.layout import Layout, all_first, by_alignment, in_order
from server.markup.placeholders import find_placeholders
from server.markup.render import render
from server.markup.tree import build_tree
from server.markup.verify import verify
from server.text.words import split_words

# A chunk's translation and its alignment: of the chunk, of each of its sentences, or unknown.
Translated = tuple[str, Alignment | Sequence[Alignment] | None]

# Beyond these, marks are placed in order: about 0.1 s at most for the work on alignments in one chunk.
MAX_DEPTH = 100
MAX_NODES = 2000
MAX_NODES_TIMES_WORDS = 4_000_000

MAX_NO_BREAK_SPACES = 100


def place(chunk: Chunk, target: str, alignment: Alignment | Sequence[Alignment] | None = None) -> str:
    """The chunk's markup around and in its translation.

    Args:
        chunk: of the source.
        target: its translation, without any marks.
        alignment: of the whole chunk, or of each of its sentences; None puts marks at about the same place.

    Returns:
        Markup with every mark of the chunk once, or the chunk's source if no way of placing them passes the check.
    """
    if target == chunk.text:
        return chunk.source
    alignments = [alignment] if isinstance(alignment, Alignment) else list(alignment or ())
    for attempt in _attempts(chunk, target, alignments):
        if verify(chunk.source, attempt, chunk.options):
            return attempt
    return chunk.source


def _attempts(chunk: Chunk, target: str, alignments: Sequence[Alignment]) -> Iterator[str]:
    """Outputs, the best first; the later ones fail for ever fewer reasons."""
    target = _without_inventions(chunk, _with_no_break_spaces(chunk, target))
    words = split_words(target)
    relative = RelativeMass(split_words(chunk.text), len(words))

    def rendered(layout: Layout, strict: bool) -> str:
        return render(chunk, target, words, layout, Escaper(chunk.forms, chunk.kind, strict))

    aligned = _aligned_layout(chunk, target, words, relative, alignments)
    if aligned is not None:
        yield rendered(aligned, strict=False)
    ways: tuple[Callable[[], Layout], ...] = (lambda: in_order(chunk, relative), lambda: all_first(chunk))
    for way in ways:
        layout = way()
        yield rendered(layout, strict=False)
        yield rendered(layout, strict=True)


def _aligned_layout(
    chunk: Chunk,
    target: str,
    words: Sequence[tuple[int, int]],
    relative: RelativeMass,
    alignments: Sequence[Alignment],
) -> Layout | None:
    if not chunk.marks or not words or not alignments:
        return None
    tree = build_tree(chunk, relative.source_words)
    if tree.depth > MAX_DEPTH or tree.num_nodes > MAX_NODES or tree.num_nodes * len(words) > MAX_NODES_TIMES_WORDS:
        return None
    return by_alignment(chunk, tree, AlignedMass(words, alignments, chunk.text, target), relative)


def _with_no_break_spaces(chunk: Chunk, target: str) -> str:
    """`target` with the no-break spaces of the source where the two words beside them are the same: `10 km`.

    Models write a plain space for them.
    """
    pieces = chunk.text.split("\xa0")[: MAX_NO_BREAK_SPACES + 1]
    for left, right in pairwise(pieces):
        first, last = left.split(), right.split()
        if first and last and not left[-1].isspace() and not right[0].isspace():
            target = target.replace(f"{first[-1]} {last[0]}", f"{first[-1]}\xa0{last[0]}", 1)
    return target


def _without_inventions(chunk: Chunk, target: str) -> str:
    """`target` with spaces for any placeholders in it: the translator saw none, so these are not the source's."""
    unreadable = chunk.options.unreadable
    if chunk.kind != "text" and next(find_placeholders(chunk.text, unreadable), None) is not None:
        return target  # the source has text that only looks like one, once its entities are decoded
    pieces, done = [], 0
    for start, end in find_placeholders(target, unreadable):
        pieces += [target[done:start], " " * (end - start)]
        done = end
    return "".join(pieces) + target[done:]


def chunks(document: Document) -> list[str]:
    """The texts to translate, in order."""
    return [chunk.text for chunk in document.chunks]


def assemble(document: Document, translated: Sequence[Translated]) -> str:
    """The document with the translations of `chunks(document)`.

    Its markup is checked once more as a whole; should that fail, in a way that nobody has thought of, the source comes
    back as it is.
    """
    waiting = iter(translated)
    assert len(translated) == len(document.chunks)
    output = "".join(part if isinstance(part, str) else place(part, *next(waiting)) for part in document.parts)
    return output if verify(document.source, output, document.options) else document.source


def translate_document(document: Document, translate: Callable[[list[str]], Sequence[Translated]]) -> str:
    """The document with its chunks translated by `translate`, all at once."""
    return assemble(document, translate(chunks(document)))
