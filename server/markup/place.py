"""Marks put back into a translation, and chunks into their document; whatever comes out has been checked."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from server.markup.alignment import AlignedMass, Alignment, RelativeMass
from server.markup.blocks import read_tokens
from server.markup.document import Chunk, Document, Inner
from server.markup.entities import Escaper
from server.markup.inner import find_inner
from server.markup.layout import Layout, all_first, by_alignment, in_order
from server.markup.marks import find_marks, split_marks
from server.markup.options import Options
from server.markup.render import render
from server.markup.tree import build_tree
from server.markup.verify import verify
from server.text.casing import keep_no_break_spaces
from server.text.segments import LINE_ENDS
from server.text.words import expression_of, split_words

_LINE_ENDS = frozenset(LINE_ENDS)

# A chunk's translation and its alignment: of the chunk, of each of its sentences, or unknown.
Translated = tuple[str, Alignment | Sequence[Alignment] | None]

# Beyond these, marks are placed in order: about 0.1 s at most for the work on alignments in one chunk.
MAX_DEPTH = 100
MAX_NODES = 2000
MAX_NODES_TIMES_WORDS = 4_000_000


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
    target = _without_inventions(chunk, _without_hyphens(chunk, keep_no_break_spaces(chunk.text, target)))
    words = _split_words(chunk, target)
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


def _split_words(chunk: Chunk, target: str) -> list[tuple[int, int]]:
    """The words of `target`; a term is one, whatever it consists of."""
    words = split_words(target)
    if not chunk.terms:
        return words
    joined: list[tuple[int, int]] = []
    for start, end in sorted([*words, *(match.span() for match in expression_of(chunk.terms).finditer(target))]):
        if joined and start < joined[-1][1]:
            start, end = joined[-1][0], max(joined.pop()[1], end)
        joined.append((start, end))
    return joined


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
    masses = AlignedMass(words, alignments, chunk.text, target)
    return by_alignment(chunk, tree, masses, relative, [target[slice(*word)] for word in words])


def _without_hyphens(chunk: Chunk, target: str) -> str:
    """`target` with a space behind each number that stands for a placeholder, where the source has one.

    Models of German write what is counted as a compound: `613-Dateien`.
    """
    for number in chunk.held:
        if number.isdecimal() and f"{number} " in chunk.text:
            target = re.sub(rf"(?<!\w){number}-(?=[^\W\d_])", f"{number} ", target)
    return target


def _without_inventions(chunk: Chunk, target: str) -> str:
    """`target` with spaces for any marks in it: the translator saw none, so these are not the source's.

    But for those that a stand-in makes with the signs beside it, as `(/XQ/)` has a path in it.
    """
    options = chunk.options
    if chunk.kind != "text" and next(find_marks(chunk.text, chunk.kind, options.unreadable), None) is not None:
        return target  # the source has text that only looks like one, once its entities are decoded
    is_plain = chunk.kind == "text"
    tokens = read_tokens(target, options) if is_plain else split_marks(target, chunk.kind, options.unreadable)
    held = expression_of(chunk.held).search if chunk.held else lambda text: None
    return "".join(each.text if each.kind == "text" or held(each.text) else " " * len(each.text) for each in tokens)


def chunks(document: Document) -> list[str]:
    """The texts to translate, in order."""
    return [chunk.text for chunk in document.chunks]


def assemble(document: Document, translated: Sequence[Translated]) -> str:
    """The document with the translations of `chunks(document)`."""
    return "".join(place_all(document, translated))


def place_all(document: Document, translated: Sequence[Translated]) -> list[str]:
    """What comes of each of the document's parts.

    Its markup is checked once more as a whole; should that fail, in a way that nobody has thought of, the source of
    those lines comes back as it is.
    """
    assert len(translated) == len(document.chunks)
    return _placed(document, iter(translated))


def _placed(document: Document, waiting: Iterator[Translated]) -> list[str]:
    placed = [part if isinstance(part, str) else place(part, *next(waiting)) for part in document.parts]
    if not verify(document.source, "".join(placed), document.options):
        placed = _sound_lines(document, placed)
    if not document.inner:
        return placed
    written = {inner.raw: _written(inner, document.options, waiting) for inner in document.inner}
    return [
        "".join(written.get(token.text, token.text) for token in read_tokens(each, document.options)) for each in placed
    ]


def _sound_lines(document: Document, placed: Sequence[str]) -> list[str]:
    """`placed` with the source of each line that does not pass by itself; of all lines if that does not pass either.

    What a sign is may depend on others in its line, and so on what the translator wrote beside it.
    """
    sources = [part if isinstance(part, str) else part.source for part in document.parts]
    ends = [i for i, part in enumerate(document.parts) if isinstance(part, str) and not _LINE_ENDS.isdisjoint(part)]
    sound = list(placed)
    for first, last in pairwise([0, *ends, len(sources)]):
        line = slice(first, last + 1)
        if not verify("".join(sources[line]), "".join(placed[line]), document.options):
            sound[line] = sources[line]
    return sound if verify(document.source, "".join(sound), document.options) else sources


def _written(inner: Inner, options: Options, waiting: Iterator[Translated]) -> str:
    """The mark with its language translated; as it stood if it would be another mark then."""
    pieces: list[str] = []
    for part in inner.parts:
        if isinstance(part, str):
            pieces.append(part)
            continue
        text = "".join(_placed(part, waiting))
        quote = pieces[-1][-1]
        pieces.append(text.replace(quote, "&quot;" if quote == '"' else "&#39;") if quote in "\"'" else text)
    written = "".join(pieces)
    return written if len(find_inner(written, options)) == len(inner.documents) else inner.raw


def translate_chunks(document: Document, translate: Callable[[list[str]], Sequence[Translated]]) -> str:
    """The document with its chunks translated by `translate`, all at once."""
    return assemble(document, translate(chunks(document)))
