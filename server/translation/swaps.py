"""A sentence whose stand-ins did not all come through: others are tried, then it is translated without them.

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
from server.translation.links import Told, align_parts, move_around
from server.translation.plan import Part, PlannedText, cut_text, stand_ins_of

Ended = Literal["copied", "swapped", "cut_out"]
# Ids to translate go out, what came of them comes in: None where the engine takes no more.
Way = Generator[tuple[int, ...], SentenceResult | None, tuple[Outcome, Ended]]

MAX_SWAPS = 2
TEXT = Options(kind="text")


def keep_stand_ins(text: PlannedText, part: Part, first: Outcome) -> Way:
    """A translation of `part` that has each of its stand-ins exactly once, `first` if that does, and how it came to be.

    Whatever the model answers there is one, and it depends on nothing else.
    """
    if first.holds:
        return first, "copied"
    for words in _others(text, part):
        swapped = _one_part(text, _exchanged(words, part.segment.text), tuple(words.values()))
        if swapped is not None and (result := (yield swapped.source_ids)) is not None:
            outcome = read_outcome(text.model.tokenizer, swapped, result.hypotheses)
            if outcome.holds:
                return _swap_back(text, swapped, outcome, words), "swapped"
    return (yield from _cut_out(text, part, first)), "cut_out"


def _others(text: PlannedText, part: Part) -> Iterator[Mapping[str, str]]:
    """Other stand-ins for those of `part`, as long as they are, so that nothing in the sentence moves."""
    known = stand_ins_of(text.model, text.pair)
    source = part.segment.text.casefold()
    unused = [word for word in known if word.casefold() not in source]
    for _ in range(MAX_SWAPS):
        words: dict[str, str] = {}
        for mine in part.reading.stand_ins:
            other = next((word for word in unused if len(word) == len(mine)), mine)
            words[mine] = other
            if other != mine:
                unused.remove(other)
        if all(mine == other for mine, other in words.items()):
            return
        yield words


def _exchanged(words: Mapping[str, str], text: str) -> str:
    return expression_of(words).sub(lambda match: words[match.group()], text)


def _one_part(text: PlannedText, sentence: str, stand_ins: tuple[str, ...]) -> Part | None:
    """`sentence` for the model, None if it does not fit in one piece or says nothing."""
    parts = cut_text(text.model, text.pair, sentence, "nothing", stand_ins)
    return parts[0] if len(parts) == 1 and parts[0].source_ids and parts[0].segment.text == sentence else None


def _swap_back(text: PlannedText, swapped: Part, outcome: Outcome, words: Mapping[str, str]) -> Outcome:
    """`outcome` of the sentence with other stand-ins, with its own."""
    tokenizer, back = text.model.tokenizer, {other: mine for mine, other in words.items()}
    told = tuple(
        Told(_exchanged(back, outcome.text_at(rank, tokenizer, swapped)), _aligned(text, swapped, outcome, rank))
        for rank in range(len(outcome.hypotheses))
    )
    return replace(outcome, target=told[0].text, told=told)


def _aligned(text: PlannedText, part: Part, outcome: Outcome, rank: int) -> Alignment | None:
    return next(iter(align_parts(text.model.tokenizer, [part], [outcome.hypotheses], rank)), None)


def _cut_out(
    text: PlannedText, part: Part, first: Outcome
) -> Generator[tuple[int, ...], SentenceResult | None, Outcome]:
    """The sentence translated with holes, and its stand-ins where the alignment says that the holes are."""
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
    holds = all(has_each_once(part.reading.stand_ins, each.text) for each in told)
    if not holds:  # what nobody has thought of: the sentence stays as it was
        told = (Told(part.segment.text, None),)
        outcome = replace(outcome, hypotheses=outcome.hypotheses[:1])
    return replace(outcome, target=told[0].text, told=told, holds=True)


def _with_holes(part: Part) -> Chunk:
    """The sentence with points in place of its stand-ins."""
    text = part.segment.text
    atoms: list[Atom] = []
    done = 0
    for match in expression_of(part.reading.stand_ins).finditer(text):
        atoms += [Atom("text", each, each) for each in (text[done : match.start()],) if each]
        atoms.append(Atom("point", match.group(), shown=True))
        done = match.end()
    atoms += [Atom("text", each, each) for each in (text[done:],) if each]
    return build_chunk(atoms, {}, TEXT)


def _filled(chunk: Chunk, part: Part, target: str, alignment: Alignment | None) -> Told:
    """The translation `target` of the sentence with holes, with its stand-ins in them."""
    # What the model was not shown, or said wrongly, is none.
    target = expression_of(part.reading.stand_ins).sub(lambda match: " " * len(match.group()), target)
    filled = place(chunk, target, alignment)
    moved = None
    if alignment is not None:
        moved = move_around(alignment, (chunk.text, target), (part.segment.text, filled), part.reading.stand_ins)
    return Told(filled, moved)
