"""What is held by a stand-in: a word that the model copies, in the place of what it must not see.

Atoms in, atoms out: a point becomes text that says something else than it means. What it is is put back when the
translation is written.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from server.markup.atoms import Atom
from server.text.segments import are_symbols
from server.text.words import expression_of, is_of_word

_ENDS = ".!?…"
# Placeholders for a number, by what they are called or how they are printed: `{count}`, `%d`, `{{ num_files }}`.
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NUMBER = re.compile(
    r"^%(?:\d+\$|\(\w+\))?[-+#0]*\d*(?:\.\d+)?(?:hh?|ll?|[Lzjtq])?[difeEgGuxX](?:%%)?$|%n$|%L\d|"
    r"(?<![a-z])(?:n|num|numbers?|nr|count(?:er)?|total|amount|anzahl|zahl|nummer|percent|prozent|size|year|jahr)(?![a-z])",
    re.I,
)

# What is written at a point: a unit, an ending of a number, an amount, a letter that counts; what joins two of them.
_MAX_UNIT = 16
_BEHIND_POINT = re.compile(r"(?:[^\W\d_]{1,3}|\d[\d.,]{0,12}\d|\d)(?![^\W_])")
_BEFORE_POINT = re.compile(r"(?<![^\s(\"'])(?:[^\W\d_]{1,2}|[-+±]?\d[\d.,]{0,12})\Z")
_BETWEEN_POINTS = re.compile(r"[^\s.!?,;()\[\]\"'„“”«»…]{1,3}|[.,:](?=\Z)")


def hold(atoms: Sequence[Atom], stand_ins: Sequence[str]) -> tuple[list[Atom], dict[str, str]]:
    """`atoms` with stand-ins for those points that can have one, and what each of these holds.

    Points that follow each other with nothing but spaces between are held as one: one word is copied more surely than
    two. A word that the text has itself stands for nothing, and when all are used, points stay points. So do those that
    are written together with a word (`{street}straße`), and signs that stand behind the end of a sentence. For what is
    known to be a number a number stands: what is counted stands in the plural then. A term stands for itself; without
    any stand-in it stays a point too, since there is nothing to put in its place where its translation is not found.
    """
    text = "".join(atom.text or atom.term for atom in atoms).casefold()
    free = [word for word in stand_ins if word.casefold() not in text]
    atoms = list(_joined(list(_with_units(atoms)) if free else atoms))
    held: dict[str, str] = {}
    found: list[Atom] = []
    beside = said = ""  # the character right before, and the last one before that is no space
    for number, atom in enumerate(atoms):
        fits = atom.is_word and not _clings(beside, atoms, number)
        if fits and are_symbols(atom.raw):
            fits = bool(said) and said not in _ENDS
        if fits and atom.term and stand_ins and held.setdefault(atom.term, atom.raw) == atom.raw:
            atom = replace(atom, kind="text", text=atom.term)
        elif fits and free:
            word = _choose(free, not atom.term and _is_number(atom.raw))
            free.remove(word)
            held[word] = atom.raw
            atom = replace(atom, kind="text", text=word, term="")
        found.append(atom)
        if atom.kind == "text":
            beside, said = atom.text[-1], atom.text.rstrip()[-1:] or said
        elif atom.shown:
            beside = ""
    return found, held


def _is_number(raw: str) -> bool:
    """Whether what is held is known to be a number once it is filled in."""
    return raw[0] in "%{$#:[_@<" and _NUMBER.search(_HUMP.sub("_", raw)) is not None


def _choose(words: Sequence[str], is_number: bool) -> str:
    """The first of `words` of the kind that suits, a number or a name; the first of all where there is none."""
    return next((word for word in words if word.isdecimal() == is_number), words[0])


def split_held(held: Mapping[str, str], text: str) -> Iterator[tuple[str, str]]:
    """`text` in order: ("", text) for what is text, (raw, stand-in) for each stand-in in it."""
    done = 0
    for match in expression_of(held).finditer(text) if held else ():
        yield "", text[done : match.start()]
        yield held[match.group()], match.group()
        done = match.end()
    yield "", text[done:]


def put_back(held: Mapping[str, str], text: str) -> str:
    """`text` with what is held in the place of each stand-in."""
    return "".join(raw or piece for raw, piece in split_held(held, text))


def _joined(atoms: Sequence[Atom]) -> Iterator[Atom]:
    """`atoms` with points that only spaces are between as one."""
    waiting: list[Atom] = []
    for atom in atoms:
        if waiting and _is_gap(atom) and not _is_gap(waiting[-1]):
            waiting.append(atom)
        elif atom.is_word and not atom.term and not are_symbols(atom.raw):
            if waiting:
                atom = replace(atom, raw="".join(each.raw for each in waiting) + atom.raw)
            waiting = [atom]
        else:
            yield from waiting
            waiting = []
            yield atom
    yield from waiting


def _with_units(atoms: Sequence[Atom]) -> Iterator[Atom]:
    """`atoms` with points that are written together as one, and with what short letters or digits are written at them.

    `{width}x{height}px` is one word, and so are `£5` and `{n}th`; of `{street}straße` the letters are language.
    """
    cuts = [each for atom in atoms for each in (_cut_text(atom) if _is_literal(atom) else (atom,))]
    index = 0
    while index < len(cuts):
        last = index
        if _is_unit(cuts, index, before=True):
            last += 1
        if not _holds(cuts[last]):
            yield cuts[index]
            index += 1
            continue
        while last + 2 < len(cuts) and _is_between(cuts[last + 1]) and _holds(cuts[last + 2]):
            last += 2
        if _is_unit(cuts, last + 1, before=False):
            last += 1
        yield replace(
            next(each for each in cuts[index:] if _holds(each)),
            raw="".join(each.raw for each in cuts[index : last + 1]),
        )
        index = last + 1


def _holds(atom: Atom) -> bool:
    return atom.is_word and not are_symbols(atom.raw)


def _is_literal(atom: Atom) -> bool:
    return atom.kind == "text" and atom.raw == atom.text


def _cut_text(atom: Atom) -> Iterator[Atom]:
    """`atom` with what may belong to a point before and behind it apart."""
    text = atom.text
    head = _BEHIND_POINT.match(text)
    start = head.end() if head else 0
    tail = _BEFORE_POINT.search(text, max(start, len(text) - _MAX_UNIT - 2))
    end = tail.start() if tail else len(text)
    for piece in (text[:start], text[start:end], text[end:]):
        if piece:
            yield replace(atom, raw=piece, text=piece)


def _is_unit(atoms: Sequence[Atom], index: int, before: bool) -> bool:
    """Whether the text at `index` is short and written at the point behind it, or before it."""
    beside = index + 1 if before else index - 1
    if not 0 <= beside < len(atoms) or index >= len(atoms) or not _holds(atoms[beside]):
        return False
    if atoms[beside].raw[0] == "<":  # behind a tag stands language
        return False
    atom = atoms[index]
    expression = _BEFORE_POINT if before else _BEHIND_POINT
    return _is_literal(atom) and expression.fullmatch(atom.text) is not None


def _is_between(atom: Atom) -> bool:
    return _is_literal(atom) and _BETWEEN_POINTS.fullmatch(atom.text) is not None


def _is_gap(atom: Atom) -> bool:
    return atom.kind == "text" and atom.raw == atom.text and not atom.text.strip(" ")


def _clings(before: str, atoms: Sequence[Atom], number: int) -> bool:
    """Whether a letter or digit is right before or behind an atom, past tags."""
    at = number + 1
    while at < len(atoms) and atoms[at].kind != "text" and not atoms[at].shown:
        at += 1
    beside = before + (atoms[at].text[:1] if at < len(atoms) else "")
    return any(is_of_word(char) or char == "_" for char in beside)
