"""A text of a request between its two ends: planned for the engine, and put together from what the engine answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from server.alignment import align_parts, around_placeholders
from server.bundle import LanguagePair
from server.detect import Detected
from server.engine.types import SearchOptions, SentenceResult
from server.markup import Alignment, Document, Options, assemble, parse
from server.markup.placeholders import has_placeholders
from server.models import Model
from server.plan import Part, Translation, assemble_text, join_chunks, plan_text
from server.reading import find_unreadable
from server.segment import Split

PLAIN = Options(kind="text")


@dataclass(frozen=True)
class PlannedText:
    """One text ready for the engine: its model, direction, parts, and how they are searched.

    Attributes:
        document: its markup, None for plain text.
        chunks: the parts of each of the document's chunks; of plain text, of all of it.
    """

    model: Model
    pair: LanguagePair
    detected: Detected | None
    options: SearchOptions
    document: Document | None
    chunks: tuple[tuple[Part, ...], ...]

    @property
    def parts(self) -> list[Part]:
        """All parts, in order."""
        return [part for chunk in self.chunks for part in chunk]

    @property
    def sentences(self) -> list[Part]:
        """The parts that are translated, in order."""
        return [part for part in self.parts if part.source_ids]

    @property
    def num_tokens(self) -> int:
        """Source ids of all sentences."""
        return sum(len(part.source_ids) for part in self.parts)


@dataclass(frozen=True)
class TranslatedText:
    """One translated text: what made it, from which language, and how sure we are of that if we had to guess.

    Attributes:
        alignments: of each sentence, in characters of the whole texts; only where asked for or needed, and not with
            markup.
    """

    model: Model
    source: str
    detected: Detected | None
    translation: Translation
    alignments: tuple[Alignment, ...] = ()


def read_document(text: str, markup: Options | None = None) -> Document | None:
    """`text` taken apart; None if it is plain, without markup or placeholders."""
    kind = markup or (PLAIN if has_placeholders(text) else None)
    return None if kind is None else parse(text, kind)


def plan_for(
    model: Model,
    pair: LanguagePair,
    text: str,
    document: Document | None,
    options: SearchOptions,
    split: Split = "sentences",
    detected: Detected | None = None,
) -> PlannedText:
    """`text` for `model`.

    Args:
        document: what `read_document` made of it.
        options: `align` is for plain text; what has marks is aligned always.
    """
    chunks = _plan_chunks(model, pair, text, document, split)
    sentences = "\n".join(part.segment.text for parts in chunks for part in parts if part.source_ids)
    if unreadable := find_unreadable(model.tokenizer, sentences):
        document = parse(text, replace(document.options if document else PLAIN, unreadable=unreadable))
        chunks = _plan_chunks(model, pair, text, document, split)
    if document is not None:
        options = replace(options, align=any(chunk.marks for chunk in document.chunks))
    return PlannedText(model, pair, detected, options, document, chunks)


def _plan_chunks(
    model: Model, pair: LanguagePair, text: str, document: Document | None, split: Split
) -> tuple[tuple[Part, ...], ...]:
    texts = [text] if document is None else [chunk.text for chunk in document.chunks]
    return tuple(plan_text(model, pair, each, split) for each in texts)


def assemble_planned(text: PlannedText, results: Sequence[SentenceResult]) -> TranslatedText:
    """The translation of `text` from the results of its sentences."""
    tokenizer = text.model.tokenizer
    by_chunk = list(_by_chunk(text, results))
    translations = [assemble_text(tokenizer, parts, mine) for parts, mine in by_chunk]
    if text.document is None:
        [translation], [(parts, mine)] = translations, by_chunk
        alignments = tuple(align_parts(tokenizer, parts, mine)) if text.options.align else ()
        return TranslatedText(text.model, text.pair.source, text.detected, translation, alignments)
    best = [align_parts(tokenizer, parts, mine) for parts, mine in by_chunk]
    depth = max((len(each.alternatives) for each in translations), default=0)
    texts: list[str] = []
    for rank in range(1 + depth):
        aligned = [align_parts(tokenizer, parts, mine, rank) for parts, mine in by_chunk] if rank else best
        ranked = [each.ranked(rank).text for each in translations]
        texts.append(assemble(text.document, list(zip(ranked, aligned, strict=True))))
    translation = join_chunks(texts, translations)
    alignments = _alignments(text.document, translations, best, texts[0])
    return TranslatedText(text.model, text.pair.source, text.detected, translation, alignments)


def _alignments(
    document: Document, chunks: Sequence[Translation], aligned: Sequence[list[Alignment]], target: str
) -> tuple[Alignment, ...]:
    """Of a text with placeholders, which is one chunk; of markup none are told."""
    if document.options.kind != "text" or not chunks:
        return ()
    seen, whole = (document.chunks[0].text, chunks[0].text), (document.source, target)
    return tuple(around_placeholders(aligned[0], seen, whole, document.options.unreadable))


def _by_chunk(
    text: PlannedText, results: Sequence[SentenceResult]
) -> Iterator[tuple[tuple[Part, ...], list[SentenceResult]]]:
    waiting = iter(results)
    for parts in text.chunks:
        yield parts, list(islice(waiting, sum(bool(part.source_ids) for part in parts)))
