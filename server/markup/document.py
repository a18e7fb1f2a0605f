"""A text with markup, taken apart: chunks for the translator, and what stands between them exactly as it was.

No engine, no waiting, no HTTP: pure functions, so that they can run in any thread.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from server.markup.atoms import Atom, read_atoms
from server.markup.blocks import read_tokens
from server.markup.entities import REFERENCE, Forms, find_forms, is_known
from server.markup.held import hold
from server.markup.inner import find_inner
from server.markup.options import Kind, Options
from server.markup.tokens import Token
from server.text.segments import LINE_ENDS, are_symbols

# What stands beside a point in the source; it says where spaces belong when the point moves.
Side = Literal["edge", "space", "word", "punctuation", "point"]

_WHITE_SPACE = re.compile(r"[ \t\r\n\f]+")
CLOSING = frozenset(".,;:!?…)]}%»”’。，、；：？！）】」』")


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that must come out exactly once, at an offset of the chunk's text.

    Attributes:
        partner: index in `Chunk.marks` of the other tag of the pair; None for points, and for a tag whose partner is
            outside the chunk or missing.
        shown: whether it takes a place in the sentence, as a placeholder or an image does.
    """

    kind: Literal["start", "end", "point"]
    raw: str
    offset: int
    partner: int | None
    shown: bool
    left: Side
    right: Side


@dataclass(frozen=True)
class Chunk:
    """A run of text with inline markup: what the translator sees, and what it does not.

    Attributes:
        text: for the translator: no tags, no placeholders but as stand-ins, entities decoded, no white space at either
            end. It may hold several sentences.
        source: the same with everything, as it stood in the document.
        forms: how the source wrote the characters that it wrote as entities.
        held: what each stand-in in the text stands for, and each term, as it stood in the document.
        terms: those of `held` that are terms: the translator reads them, and who uses it puts each in the place of its
            translation.
    """

    text: str
    marks: tuple[Mark, ...]
    source: str
    kind: Kind
    forms: Forms = field(default_factory=dict)
    options: Options = field(default_factory=Options)
    held: Mapping[str, str] = field(default_factory=dict)
    terms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Document:
    """A source as chunks and the strings between them; `parts` join to the source.

    Attributes:
        inner: the marks with language inside, each as often as it differs.
        stand_ins: what there was to choose from for what the translator must not see.
    """

    source: str
    options: Options
    parts: tuple[str | Chunk, ...]
    inner: "tuple[Inner, ...]" = ()
    stand_ins: Sequence[str] = ()

    @property
    def chunks(self) -> tuple[Chunk, ...]:
        """What is to be translated: of the parts, in order, and then of what is inside marks."""
        inside = (chunk for inner in self.inner for document in inner.documents for chunk in document.chunks)
        return (*(part for part in self.parts if isinstance(part, Chunk)), *inside)


@dataclass(frozen=True)
class Inner:
    """A mark, as it stands in the source, whose `parts` join to it: what stays, and documents of language."""

    raw: str
    parts: tuple[str | Document, ...]

    @property
    def documents(self) -> tuple[Document, ...]:
        """The language in it, in order."""
        return tuple(part for part in self.parts if isinstance(part, Document))


def parse(source: str, options: Options, stand_ins: Sequence[str] = ()) -> Document:
    """Take `source` apart; broken markup is never an error, it stays as it is.

    Args:
        source: the whole document.
        options: how its tags are told from language.
        stand_ins: words that come through the translator unchanged, for what it must not see; see `server.markup.held`.
    """
    return _parse(source, read_tokens(source, options), options, stand_ins)


def parse_marked(source: str, options: Options, stand_ins: Sequence[str] = ()) -> Document | None:
    """What `parse` makes of plain text; None if nothing in it is a mark or begins a line, so that all is language.

    Args:
        source: plain text.
        options: how it is taken apart.
        stand_ins: as for `parse`.
    """
    tokens = read_tokens(source, options)
    return _parse(source, tokens, options, stand_ins) if any(map(_is_marked, tokens)) else None


def _is_marked(token: Token) -> bool:
    """Whether `token` is something else than language or the end of a line, or has an entity in it."""
    if token.kind == "border":
        return token.text[0] not in LINE_ENDS
    return token.kind != "text" or ("&" in token.text and any(map(is_known, REFERENCE.findall(token.text))))


def _parse(source: str, tokens: Sequence[Token], options: Options, stand_ins: Sequence[str]) -> Document:
    """The document of `source`, of which `tokens` are all."""
    parts: list[str | Chunk] = []
    atoms = read_atoms(tokens, options)
    for group in _groups(atoms):
        if group[0].splits:
            parts.append(group[0].raw)
        else:
            parts += _cut_chunk(group, options, stand_ins)
    inner = {atom.raw: spans for atom in atoms if atom.kind != "text" and (spans := find_inner(atom.raw, options))}
    document = Document(
        source,
        options,
        tuple(_merge(parts)),
        tuple(_read_inner(raw, spans, options, stand_ins) for raw, spans in inner.items()),
        stand_ins,
    )
    assert "".join(part if isinstance(part, str) else part.source for part in document.parts) == source
    return document


def _read_inner(raw: str, spans: Sequence[tuple[int, int]], options: Options, stand_ins: Sequence[str]) -> Inner:
    """The mark `raw` with the language at `spans`."""
    # A number stands for itself in a branch.
    inside = (
        replace(options, unreadable=options.unreadable | {"#"}) if raw[0] == "{" else replace(options, attributes=False)
    )
    parts: list[str | Document] = []
    done = 0
    for start, end in spans:
        parts += [raw[done:start], parse(raw[start:end], inside, stand_ins)]
        done = end
    return Inner(raw, (*parts, raw[done:]))


def _groups(atoms: Sequence[Atom]) -> Iterator[list[Atom]]:
    """Splitting atoms, one by one, and the runs between them."""
    run: list[Atom] = []
    for atom in atoms:
        if atom.splits and run:
            yield run
            run = []
        if atom.splits:
            yield [atom]
        else:
            run.append(atom)
    if run:
        yield run


def _cut_chunk(atoms: Sequence[Atom], options: Options, stand_ins: Sequence[str]) -> list[str | Chunk]:
    """What is around a chunk, and the chunk if there is one: some letter to translate."""
    if not any(char.isalpha() for atom in atoms for char in atom.text):
        return ["".join(atom.raw for atom in atoms)]
    before, core, after = _peel(atoms)
    return [before, build_chunk(*hold(core, stand_ins), options), after]


def _merge(parts: Sequence[str | Chunk]) -> Iterator[str | Chunk]:
    """`parts` with neighbouring strings joined and empty ones left out."""
    strings: list[str] = []
    for part in parts:
        if isinstance(part, str):
            strings.append(part)
            continue
        if any(strings):
            yield "".join(strings)
        strings = []
        yield part
    if any(strings):
        yield "".join(strings)


def _peel(atoms: Sequence[Atom]) -> tuple[str, list[Atom], str]:
    """`atoms` without what would wrap any translation as well: white space, comments, tags around the whole."""
    core = list(_with_edges_apart(atoms))
    inside = _pairs(core)
    first, last = 0, len(core) - 1
    while True:
        if _is_outside(core[first], inside):
            first += 1
        elif _is_outside(core[last], inside):
            last -= 1
        elif core[first].kind == "start" and core[last].kind == "end" and core[first].pair == core[last].pair:
            first, last = first + 1, last - 1
        else:
            break
    before, after = core[:first], core[last + 1 :]
    return "".join(atom.raw for atom in before), core[first : last + 1], "".join(atom.raw for atom in after)


def _pairs(atoms: Sequence[Atom]) -> set[int]:
    """The numbers of the pairs with both tags in `atoms`."""
    ends = {atom.pair for atom in atoms if atom.kind == "end" and atom.pair >= 0}
    return {atom.pair for atom in atoms if atom.kind == "start" and atom.pair in ends}


def _is_outside(atom: Atom, inside: set[int]) -> bool:
    """Whether `atom`, at an edge, may stay there; so may a tag whose partner is not in the chunk."""
    if atom.kind == "text":
        return atom.text.isspace()
    if atom.kind == "point":
        return not atom.shown or are_symbols(atom.raw)
    return atom.pair not in inside


def _with_edges_apart(atoms: Sequence[Atom]) -> Iterator[Atom]:
    """`atoms` with the white space at either end of a text as an atom of its own."""
    for atom in atoms:
        text = atom.text
        if atom.kind != "text" or text != atom.raw or text.isspace() or text == text.strip():
            yield atom
            continue
        start = len(text) - len(text.lstrip())
        end = len(text.rstrip())
        for piece in (text[:start], text[start:end], text[end:]):
            if piece:
                yield replace(atom, raw=piece, text=piece)


def build_chunk(atoms: Sequence[Atom], held: Mapping[str, str], options: Options) -> Chunk:
    """A chunk of `atoms`, of which those that say something else than they mean are stand-ins of `held`."""
    builder = _TextBuilder()
    lefts = _sides(atoms, -1)
    rights = list(reversed(_sides(list(reversed(atoms)), 0)))
    inside = _pairs(atoms)
    open_at: dict[int, int] = {}
    marks: list[Mark] = []
    for atom, left, right in zip(atoms, lefts, rights, strict=True):
        if atom.kind == "text":
            start = builder.append(atom)
            # A space taken away before a comma: the marks after it now stand before the comma.
            for index in range(len(marks) - 1, -1, -1):
                if marks[index].offset <= start:
                    break
                marks[index] = replace(marks[index], offset=start)
            continue
        partner = open_at[atom.pair] if atom.kind == "end" and atom.pair in inside else None
        if atom.kind == "start":
            open_at[atom.pair] = len(marks)
        if partner is not None:
            marks[partner] = replace(marks[partner], partner=len(marks))
        marks.append(Mark(atom.kind, atom.raw, builder.length, partner, atom.shown, left, right))
        builder.after_point |= atom.kind == "point" and atom.shown
    text = builder.text()
    marks = [replace(mark, offset=min(mark.offset, len(text))) for mark in marks]
    forms = find_forms(
        [(atom.raw, atom.text) for atom in atoms if atom.kind == "text" and not atom.is_word and _is_form(atom)]
    )
    terms = tuple(dict.fromkeys(atom.term for atom in atoms if atom.term and atom.kind == "text"))
    return Chunk(text, tuple(marks), "".join(atom.raw for atom in atoms), options.kind, forms, options, held, terms)


def _is_form(atom: Atom) -> bool:
    """Whether `atom` is text as it stands, or one character written as an entity; a stressed word is neither."""
    return atom.raw == atom.text or len(atom.text) == 1


class _TextBuilder:
    """The text of a chunk, without the second of two spaces where something between them was taken out."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.length = 0
        self.after_point = False
        self.ends_with_space = False

    def append(self, atom: Atom) -> int:
        """Add the text of `atom`; returns where it starts."""
        text = _WHITE_SPACE.sub(" ", atom.text) if atom.collapses else atom.text
        if text == atom.raw or atom.collapses:  # not an entity, which is a space on purpose
            text = self._join(text, atom.collapses)
        if not text or (not self.length and text.isspace()):
            return self.length
        self.after_point = False
        self.pieces.append(text)
        self.length += len(text)
        self.ends_with_space = text[-1] in " \t\r\n\f"
        return self.length - len(text)

    def _join(self, text: str, collapses: bool) -> str:
        """`text` as it goes on after what is there."""
        if not self.length:
            return text.lstrip()
        if self.after_point and text[:1].isalnum() and self.pieces[-1][-1].isalnum():
            return " " + text  # without the point the two words would be one
        if self.ends_with_space and (self.after_point or collapses):
            if text[0] == " ":
                return text[1:]
            if self.after_point and text[0] in CLOSING:
                self.pieces[-1] = self.pieces[-1][:-1]
                self.length -= 1
        return text

    def text(self) -> str:
        """All of it so far, without space at its end."""
        return "".join(self.pieces).rstrip()


def _sides(atoms: Sequence[Atom], edge: int) -> list[Side]:
    """What stands before each atom: the character at index `edge` of the text there, past tags and comments."""
    sides: list[Side] = []
    current: Side = "edge"
    for atom in atoms:
        sides.append(current)
        if atom.kind == "text":
            char = atom.text[edge]
            current = "space" if char.isspace() else "word" if char.isalnum() else "punctuation"
        elif atom.kind == "point" and atom.shown:
            current = "point"
    return sides
