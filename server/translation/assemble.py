"""What the engine made of the sentences read, and put together to the translated text. Pure, for any thread."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from statistics import fmean

from server.engine.types import Hypothesis
from server.markup import Alignment, Document, place_all
from server.markup.held import put_back
from server.models.models import Model
from server.text.detect import Detected
from server.text.symptoms import Symptom, find_symptoms
from server.text.tokenizer import Tokenizer
from server.text.words import has_each_once
from server.translation.exchange import exchange_terms
from server.translation.links import Told, align_parts, around_placeholders, move
from server.translation.plan import Part, PlannedText

# A copy comes out a copy again, or one with a slip; and other numbers or names alone are better than any other symptom.
_HARMLESS: frozenset[Symptom] = frozenset({"copied"})
_SMALL: frozenset[Symptom] = frozenset({"copied", "numbers", "names"})


@dataclass(frozen=True)
class Outcome:
    """A translated sentence, its best hypothesis read once.

    Attributes:
        hypotheses: best first, at least one.
        target: the text of the best, written as its source is.
        symptoms: what is wrong with it as a translation, by all that can be told.
        is_sound: whether nothing is wrong that another search might mend.
        is_whole: whether nothing worse is wrong with it than its numbers or a name.
        holds: whether it has each stand-in and each term of its source exactly once; if not, it is neither sound nor
            whole.
        told: text and alignment of each hypothesis where they cannot be read from its ids.
    """

    hypotheses: tuple[Hypothesis, ...]
    target: str
    symptoms: tuple[Symptom, ...]
    is_sound: bool
    is_whole: bool
    holds: bool = True
    told: tuple[Told, ...] = ()

    def text_at(self, rank: int, tokenizer: Tokenizer, part: Part) -> str:
        """The text of hypothesis `rank`."""
        if rank == 0:
            return self.target
        return self.told[rank].text if self.told else part.reading.write(tokenizer.decode(self.hypotheses[rank].ids))


def read_outcome(tokenizer: Tokenizer, part: Part, hypotheses: tuple[Hypothesis, ...]) -> Outcome:
    """What the engine's `hypotheses` make of the sentence `part`.

    Those that lose a stand-in or a term are left out, unless all do.
    """
    holds = True
    told: tuple[Told, ...] = ()
    reading = part.reading
    if reading.stand_ins:
        held = tuple(
            each for each in hypotheses if has_each_once(reading.stand_ins, reading.write(tokenizer.decode(each.ids)))
        )
        holds, hypotheses = bool(held), held or hypotheses
    if part.terms and holds:
        with_terms = [(each, exchanged) for each in hypotheses if (exchanged := exchange_terms(tokenizer, part, each))]
        holds = bool(with_terms)
        if with_terms:
            hypotheses, told = (tuple(each) for each in zip(*with_terms, strict=True))
    best = hypotheses[0]
    target = part.reading.write(tokenizer.decode(best.ids))
    text_ids = part.source_ids[part.num_prefix : -1]
    symptoms = find_symptoms(part.segment.text, target, text_ids, best.ids)
    return Outcome(
        hypotheses,
        told[0].text if told else target,
        symptoms,
        is_sound=holds and _HARMLESS.issuperset(symptoms),
        is_whole=holds and _SMALL.issuperset(symptoms),
        holds=holds,
        told=told,
    )


@dataclass(frozen=True)
class TranslatedSegment:
    """A sentence (or a part of an over-long one) and its best translation.

    Attributes:
        score: None if it passed through.
        symptoms: why not to trust it, see `server.text.symptoms`.
    """

    source: str
    target: str
    score: float | None
    complete: bool
    symptoms: tuple[Symptom, ...] = ()


@dataclass(frozen=True)
class Alternative:
    """The k-th best translation of a text: the k-th hypothesis of each of its sentences."""

    text: str
    score: float | None


@dataclass(frozen=True)
class Translation:
    """A translated text.

    Attributes:
        score: the mean of its sentences' scores, None if there was nothing to translate.
        model: what made it.
        source: the code of the language it was translated from.
        detected: how sure we are of that language, if we had to guess.
        alignments: of each sentence, in characters of the whole texts; only where asked for or needed, and not with
            markup.
        num_marks: how many tags, placeholders and the like were kept as they are; a pair of tags is one.
    """

    text: str
    score: float | None
    alternatives: tuple[Alternative, ...]
    segments: tuple[TranslatedSegment, ...]
    model: Model
    source: str
    detected: Detected | None
    alignments: tuple[Alignment, ...] = ()
    num_marks: int = 0


@dataclass(frozen=True)
class _Chunk:
    """A stretch of text between two marks, translated; `ranked` has the best at 0, then the alternatives."""

    parts: Sequence[Part]
    outcomes: Sequence[Outcome]
    ranked: Sequence[Alternative]

    @property
    def hypotheses(self) -> list[tuple[Hypothesis, ...] | tuple[Told, ...]]:
        """Of each sentence, or what is told in their place."""
        return [outcome.told or outcome.hypotheses for outcome in self.outcomes]

    def at(self, rank: int) -> Alternative:
        """The translation at `rank`; past the last it is the last."""
        return self.ranked[min(rank, len(self.ranked) - 1)]


def assemble_texts(planned: Sequence[PlannedText], outcomes: Sequence[Outcome]) -> tuple[Translation, ...]:
    """The translations of the texts of a request from what became of all their sentences, in order."""
    waiting = iter(outcomes)
    return tuple(assemble_text(text, list(islice(waiting, len(text.sentences)))) for text in planned)


def assemble_text(text: PlannedText, outcomes: Sequence[Outcome]) -> Translation:
    """The translation of `text` from what became of its sentences, in order."""
    tokenizer = text.model.tokenizer
    chunks = [_join(tokenizer, parts, mine) for parts, mine in _by_chunk(text, outcomes)]
    if text.document is None:
        [chunk] = chunks
        ranked = list(chunk.ranked)
        alignments = tuple(align_parts(tokenizer, chunk.parts, chunk.hypotheses)) if text.options.align else ()
    else:
        ranked, alignments = _place_marks(tokenizer, text.document, chunks)
    return Translation(
        text=ranked[0].text,
        score=ranked[0].score,
        alternatives=tuple(ranked[1:]),
        segments=tuple(_all_segments(text, chunks)),
        model=text.model,
        source=text.pair.source,
        detected=text.detected,
        alignments=alignments,
        num_marks=0 if text.document is None else _count_marks(text.document),
    )


def _count_marks(document: Document) -> int:
    """What is kept of `document` as it is; terms of a glossary are not, and neither is white space."""
    terms = tuple(f"<{tag}" for tag in document.options.term_tags)
    kept: list[str] = []
    for part in document.parts:
        if isinstance(part, str):
            kept.append(part.strip())
        else:
            kept += (mark.raw for mark in part.marks if mark.kind != "end" or mark.partner is None)
            kept += part.held.values()
    return sum(bool(raw) and not (terms and raw.startswith(terms)) for raw in kept)


def _by_chunk(text: PlannedText, outcomes: Sequence[Outcome]) -> Iterator[tuple[tuple[Part, ...], list[Outcome]]]:
    waiting = iter(outcomes)
    for parts in text.chunks:
        yield parts, list(islice(waiting, sum(bool(part.source_ids) for part in parts)))


def _join(tokenizer: Tokenizer, parts: Sequence[Part], outcomes: Sequence[Outcome]) -> _Chunk:
    """The translation of a stretch of text at every rank that one of its sentences has."""
    depth = max((len(outcome.hypotheses) for outcome in outcomes), default=1)
    return _Chunk(parts, outcomes, [_at_rank(tokenizer, parts, outcomes, rank) for rank in range(depth)])


def _at_rank(tokenizer: Tokenizer, parts: Sequence[Part], outcomes: Sequence[Outcome], rank: int) -> Alternative:
    """The text with the hypothesis at `rank` of each sentence, or the last one of a sentence that has fewer."""
    waiting = iter(outcomes)
    pieces: list[str] = []
    chosen: list[Hypothesis] = []
    for part in parts:
        target = part.segment.text
        if part.source_ids:
            outcome = next(waiting)
            number = min(rank, len(outcome.hypotheses) - 1)
            chosen.append(outcome.hypotheses[number])
            target = outcome.text_at(number, tokenizer, part)
        pieces += (target, part.segment.after)
    return Alternative("".join(pieces), fmean(each.score for each in chosen) if chosen else None)


def _all_segments(text: PlannedText, chunks: Sequence[_Chunk]) -> Iterator[TranslatedSegment]:
    """Of every chunk, with what is held in place of what stood for it."""
    held = [{}] * len(chunks) if text.document is None else [chunk.held for chunk in text.document.chunks]
    for mine, chunk in zip(held, chunks, strict=True):
        for each in _segments(chunk):
            yield (
                replace(each, source=put_back(mine, each.source), target=put_back(mine, each.target)) if mine else each
            )


def _segments(chunk: _Chunk) -> Iterator[TranslatedSegment]:
    waiting = iter(chunk.outcomes)
    for part in chunk.parts:
        source = part.segment.text
        if part.source_ids:
            outcome = next(waiting)
            best = outcome.hypotheses[0]
            if source:
                yield TranslatedSegment(source, outcome.target, best.score, best.complete, outcome.symptoms)
        elif source:
            yield TranslatedSegment(source, source, None, True)


def _place_marks(
    tokenizer: Tokenizer, document: Document, chunks: Sequence[_Chunk]
) -> tuple[list[Alternative], tuple[Alignment, ...]]:
    """The whole text at every rank with its marks in place, and the alignments of the best."""
    depth = max((len(chunk.ranked) for chunk in chunks), default=1)
    ranked: list[Alternative] = []
    alignments: tuple[Alignment, ...] = ()
    for rank in range(depth):
        aligned = [align_parts(tokenizer, chunk.parts, chunk.hypotheses, rank) for chunk in chunks]
        mine = [chunk.at(rank) for chunk in chunks]
        placed = place_all(document, list(zip((each.text for each in mine), aligned, strict=True)))
        # Of a text with placeholders; of markup none are told.
        if rank == 0 and document.options.kind == "text":
            alignments = tuple(_alignments(document, [each.text for each in mine], aligned, placed))
        scores = [each.score for each in mine if each.score is not None]
        ranked.append(Alternative("".join(placed), fmean(scores) if scores else None))
    return ranked, alignments


def _alignments(
    document: Document, targets: Sequence[str], aligned: Sequence[list[Alignment]], placed: Sequence[str]
) -> Iterator[Alignment]:
    """Alignments of the whole text from those of its chunks, whose translations are `targets` and then `placed`."""
    waiting = zip(targets, aligned, strict=True)
    source_start = target_start = 0
    for part, piece in zip(document.parts, placed, strict=True):
        if isinstance(part, str):
            source_start += len(part)
        else:
            target, mine = next(waiting)
            seen, whole = (part.text, target), (part.source, piece)
            for each in around_placeholders(mine, seen, whole, document.options.unreadable, part.held):
                yield move(each, source_start, target_start)
            source_start += len(part.source)
        target_start += len(piece)
