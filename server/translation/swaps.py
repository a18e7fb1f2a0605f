"""A sentence whose stand-ins or terms were not all found: others are tried, then it is translated without them.

No engine and no waiting: the way is a generator that says which ids it wants translated and is sent what came of it,
so that requests and files go the same one.
"""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace
from typing import Literal

from server.engine.types import SentenceResult
from server.markup import Alignment, Chunk, Options, place
from server.markup.atoms import Atom
from server.markup.document import build_chunk
from server.text.words import expression_of, has_each_once
from server.translation.assemble import Outcome, read_outcome
from server.translation.links import Edit, Told, align_parts, edit, move_around, move_past
from server.translation.plan import Part, PlannedText, cut_text, stand_ins_of

Ended = Literal["copied", "exchanged", "swapped", "cut_out"]
# Ids to translate go out, what came of them comes in: None where the engine takes no more.
Way = Generator[tuple[int, ...], SentenceResult | None, tuple[Outcome, Ended]]

MAX_SWAPS = 2
TEXT = Options(kind="text")


def keep_stand_ins(text: PlannedText, part: Part, first: Outcome) -> Way:
    """A translation of `part` with each stand-in and term exactly once, `first` if it has them, and how it came to be.

    Whatever the model answers there is one, and it depends on nothing else.
    """
    if first.holds:
        return first, "exchanged" if part.terms else "copied"
    for words in _others(text, part):
        sentence = edit(part.segment.text, _edits(words, part.segment.text))
        swapped = _one_part(text, sentence, tuple(words.values()))
        if swapped is not None and (result := (yield swapped.source_ids)) is not None:
            outcome = read_outcome(text.model.tokenizer, swapped, result.hypotheses)
            if outcome.holds and (back := _swap_back(text, part, swapped, outcome, words)) is not None:
                return back, "swapped"
    return (yield from _cut_out(text, part, first)), "cut_out"


def _others(text: PlannedText, part: Part) -> Iterator[Mapping[str, str]]:
    """Other stand-ins for those of `part`, as long as they are, and any for its terms."""
    known = stand_ins_of(text.model, text.pair)
    source = part.segment.text.casefold()
    unused = [word for word in known if word.casefold() not in source]
    for _ in range(MAX_SWAPS):
        words: dict[str, str] = {}
        for mine in dict.fromkeys(part.held):
            # A term is no number: what is counted would stand in the plural.
            any_length = mine in part.terms
            fits = (each for each in unused if (any_length and not each.isdecimal()) or len(each) == len(mine))
            words[mine] = other = next(fits, mine)
            if other != mine:
                unused.remove(other)
        if any(words[term] == term for term in part.terms) or all(mine == other for mine, other in words.items()):
            return
        yield words


def _edits(words: Mapping[str, str], text: str) -> list[Edit]:
    """What makes each of `words` in `text` the other."""
    return [Edit(*match.span(), words[match.group()]) for match in expression_of(words).finditer(text)]


def _one_part(text: PlannedText, sentence: str, stand_ins: tuple[str, ...]) -> Part | None:
    """`sentence` for the model, None if it does not fit in one piece or says nothing."""
    parts = cut_text(text.model, text.pair, sentence, "nothing", stand_ins)
    return parts[0] if len(parts) == 1 and parts[0].source_ids and parts[0].segment.text == sentence else None


def _swap_back(
    text: PlannedText, part: Part, swapped: Part, outcome: Outcome, words: Mapping[str, str]
) -> Outcome | None:
    """`outcome` of the sentence with other stand-ins, with its own; None where one stands there besides."""
    tokenizer, back = text.model.tokenizer, {other: mine for mine, other in words.items()}
    source = _edits(back, swapped.segment.text)
    told: list[Told] = []
    for rank in range(len(outcome.hypotheses)):
        answer = outcome.text_at(rank, tokenizer, swapped)
        target = _edits(back, answer)
        found = _aligned(text, swapped, outcome, rank)
        moved = found and Alignment(
            move_past(found.target_spans, target), found.weights, move_past(found.source_spans, source)
        )
        told.append(Told(edit(answer, target), moved))
    if not all(has_each_once(part.held, each.text) for each in told):
        return None
    return replace(outcome, target=told[0].text, told=tuple(told))


def _aligned(text: PlannedText, part: Part, outcome: Outcome, rank: int) -> Alignment | None:
    return next(iter(align_parts(text.model.tokenizer, [part], [outcome.hypotheses], rank)), None)


def _cut_out(
    text: PlannedText, part: Part, first: Outcome
) -> Generator[tuple[int, ...], SentenceResult | None, Outcome]:
    """The sentence translated with holes, and its stand-ins and terms where the alignment says that the holes are."""
    chunk = _with_holes(part)
    bare = _one_part(text, chunk.text, ())
    outcome = first
    if bare is not None and (result := (yield bare.source_ids)) is not None:
        outcome = read_outcome(text.model.tokenizer, bare, result.hypotheses)
        told = tuple(
            _filled(chunk, part, outcome.text_at(rank, text.model.tokenizer, bare), _aligned(text, bare, outcome, rank))
            for rank in range(len(outcome.hypotheses))
        )
    else:
        told = (_filled(chunk, part, first.target, None),)
        outcome = replace(first, hypotheses=first.hypotheses[:1])
    holds = all(has_each_once(part.held, each.text) for each in told)
    if not holds:  # what nobody has thought of: the sentence stays as it was
        told = (Told(part.segment.text, None),)
        outcome = replace(outcome, hypotheses=outcome.hypotheses[:1])
    return replace(outcome, target=told[0].text, told=told, holds=True)


def _with_holes(part: Part) -> Chunk:
    """The sentence with points in place of its stand-ins and terms."""
    text = part.segment.text
    atoms: list[Atom] = []
    done = 0
    for match in expression_of(part.held).finditer(text):
        atoms += [Atom("text", each, each) for each in (text[done : match.start()],) if each]
        atoms.append(Atom("point", match.group(), shown=True))
        done = match.end()
    atoms += [Atom("text", each, each) for each in (text[done:],) if each]
    return build_chunk(atoms, {}, TEXT)


def _filled(chunk: Chunk, part: Part, target: str, alignment: Alignment | None) -> Told:
    """The translation `target` of the sentence with holes, with its stand-ins in them."""
    # What the model was not shown, or said wrongly, is none.
    target = expression_of(part.held).sub(lambda match: " " * len(match.group()), target)
    filled = place(chunk, target, alignment)
    moved = None
    if alignment is not None:
        moved = move_around(alignment, (chunk.text, target), (part.segment.text, filled), part.held)
    return Told(filled, moved)
