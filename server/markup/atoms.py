"""A document as atoms: the smallest pieces that are text, or that must come out as they are.

An atom is a run of text, one decoded entity, a tag, or a point: something without text of ours inside, such as a
placeholder, a comment or an element that is kept. Joining `raw` of all atoms gives the document back.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Literal

from server.markup.entities import REFERENCE, decode, is_known
from server.markup.glued import join_glued, shows_name
from server.markup.options import Options
from server.markup.rules import is_ignored, is_noun, is_preformatted, is_shown, splitting_names
from server.markup.tokens import Token, pair_tags
from server.text.segments import LINE_ENDS, LINES
from server.text.words import expression_of

# Between words, these lead from one label to the next: `File → Print`.
_ARROWS = frozenset("→⇒➔➜➡►▶▸‣›»")

# Pairs of marks that are no tokens have numbers that no token has.
_FIRST_PAIR = 1 << 40

_READS = re.compile(r'^<[^\s<>]+[^<>]*\sreads="([^"<>]*)"')

AtomKind = Literal["text", "start", "end", "point"]


@dataclass(frozen=True, slots=True)
class Atom:
    """One atom.

    Attributes:
        text: what a text atom means; empty for the others.
        pair: the same number for a start tag and its end tag; -1 without a partner.
        splits: whether a sentence ends here.
        shown: whether a point takes a place in the sentence as a word does, which a comment does not.
        is_word: whether a stand-in, which is a word, may be shown to the model for this point.
        term: what the translator may read for a point that is put in the place of its translation.
        collapses: whether a run of white space in this text means one space.
    """

    kind: AtomKind
    raw: str
    text: str = ""
    pair: int = -1
    splits: bool = False
    shown: bool = False
    is_word: bool = False
    collapses: bool = False
    term: str = ""


def read_atoms(tokens: Sequence[Token], options: Options) -> list[Atom]:
    """The atoms of a source, of which `tokens` are all."""
    tokens = _in_one_piece(join_glued(tokens, options), options)
    partner = pair_tags(tokens)
    splitting = splitting_names(tokens, partner, options)
    atoms: list[Atom] = []
    preformatted_until = -1
    for index, token in enumerate(tokens):
        if token.kind == "text":
            atoms += _text_atoms(token.text, options, index < preformatted_until)
            continue
        splits = token.name in splitting or token.kind in ("doctype", "border") or _leads_on(tokens, index)
        if token.kind in ("start", "end"):
            other = partner.get(index, -1)
            pair = min(index, other)
            atoms.append(Atom("start" if token.kind == "start" else "end", token.text, pair=pair, splits=splits))
            if other > index and is_preformatted(token, options):
                preformatted_until = max(preformatted_until, other)
        else:
            shown = is_shown(token, options)
            is_word = shown and is_noun(token, options)
            term = _read_term(token, options) if is_word else ""
            atoms.append(Atom("point", token.text, splits=splits, shown=shown, is_word=is_word, term=term))
    return list(_with_stress(atoms, options.stressed)) if options.stressed else atoms


def _read_term(token: Token, options: Options) -> str:
    """What an element that stands for a term says that it reads as; empty of any other."""
    if token.kind != "kept" or token.name not in options.term_tags or (found := _READS.search(token.text)) is None:
        return ""
    return "".join(atom.text for atom in _plain_atoms(found.group(1), options, collapses=False))


def _with_stress(atoms: Sequence[Atom], stressed: frozenset[tuple[str, str]]) -> Iterator[Atom]:
    """`atoms` with each of the `stressed` words in small letters, between two marks that nobody sees."""
    forms = dict(stressed)
    expression = expression_of(sorted(forms))
    pairs = count(_FIRST_PAIR)
    for atom in atoms:
        done = 0
        for match in expression.finditer(atom.raw) if atom.kind == "text" and atom.raw == atom.text else ():
            if match.start() > done:
                yield _literal(atom.raw[done : match.start()], atom.collapses)
            pair = next(pairs)
            yield Atom("start", "", pair=pair)
            yield Atom("text", match.group(), forms[match.group()])
            yield Atom("end", "", pair=pair)
            done = match.end()
        if not done:
            yield atom
        elif done < len(atom.raw):
            yield _literal(atom.raw[done:], atom.collapses)


def _in_one_piece(tokens: Sequence[Token], options: Options) -> list[Token]:
    """`tokens` with each element that is to be kept, or has nothing in it, as one of them."""
    partner = pair_tags(tokens)
    kept: list[Token] = []
    index = 0
    while index < len(tokens):
        token = tokens[index]
        last = partner.get(index, -1) if token.kind == "start" else index
        if last >= index and (is_ignored(token, options) or shows_name(tokens, index, last)):
            kept.append(Token("kept", "".join(each.text for each in tokens[index : last + 1]), token.name))
            index = last + 1
        elif token.kind == "start" and last == index + 1:
            kept.append(Token("hollow", token.text + tokens[last].text, token.name))
            index = last + 1
        else:
            kept.append(token)
            index += 1
    return kept


def _text_atoms(raw: str, options: Options, is_preformatted: bool) -> Iterator[Atom]:
    """The atoms of text without marks; where it is preformatted, the end of a line is a border."""
    if not is_preformatted:
        yield from _plain_atoms(raw, options, options.kind == "html")
        return
    for line in LINES.findall(raw):
        if line[0] in LINE_ENDS:
            yield Atom("point", line, splits=True)
        else:
            yield from _plain_atoms(line, options, collapses=False)


def _leads_on(tokens: Sequence[Token], index: int) -> bool:
    """Whether an arrow stands between words that can be read."""
    if tokens[index].text not in _ARROWS or not 0 < index < len(tokens) - 1:
        return False
    left, right = tokens[index - 1], tokens[index + 1]
    before, behind = left.text[-2:-1], right.text[1:2]
    is_apart = left.text[-1:] == right.text[:1] == " "
    return (
        left.kind == right.kind == "text"
        and is_apart
        and (before.isalpha() or before in tuple("….)"))
        and behind.isalpha()
    )


def _plain_atoms(raw: str, options: Options, collapses: bool) -> Iterator[Atom]:
    """The atoms of a line without marks."""
    done = 0
    for match in REFERENCE.finditer(raw):
        if options.kind == "text" and not is_known(match.group()):
            continue
        if match.start() > done:
            yield _literal(raw[done : match.start()], collapses)
        done = match.end()
        char = decode(match.group(), options)
        if char is None:
            shown = match.group()[1] != "#"
            yield Atom("point", match.group(), shown=shown, is_word=shown)
        else:
            yield Atom("text", match.group(), char)
    if done < len(raw):
        yield _literal(raw[done:], collapses)


def _literal(raw: str, collapses: bool) -> Atom:
    return Atom("text", raw, raw, collapses=collapses)
