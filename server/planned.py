"""A text of a request between its two ends: planned for the engine, and put together from what the engine answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from server.alignment import align_parts
from server.bundle import LanguagePair
from server.detect import Detected
from server.engine.types import SearchOptions, SentenceResult
from server.markup import Alignment, Document, assemble
from server.models import Model
from server.plan import Part, Translation, assemble_text, join_chunks


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
        alignments: of each sentence, in characters of the whole texts; only where asked for, and not with markup or
            placeholders.
    """

    model: Model
    source: str
    detected: Detected | None
    translation: Translation
    alignments: tuple[Alignment, ...] = ()


def assemble_planned(text: PlannedText, results: Sequence[SentenceResult]) -> TranslatedText:
    """The translation of `text` from the results of its sentences."""
    tokenizer = text.model.tokenizer
    by_chunk = list(_by_chunk(text, results))
    translations = [assemble_text(tokenizer, parts, mine) for parts, mine in by_chunk]
    if text.document is None:
        [translation], [(parts, mine)] = translations, by_chunk
        alignments = tuple(align_parts(tokenizer, parts, mine)) if text.options.align else ()
        return TranslatedText(text.model, text.pair.source, text.detected, translation, alignments)
    aligned = [align_parts(tokenizer, parts, mine) for parts, mine in by_chunk]
    translated = [(each.text, alignment) for each, alignment in zip(translations, aligned, strict=True)]
    translation = join_chunks(assemble(text.document, translated), translations)
    return TranslatedText(text.model, text.pair.source, text.detected, translation)


def _by_chunk(
    text: PlannedText, results: Sequence[SentenceResult]
) -> Iterator[tuple[tuple[Part, ...], list[SentenceResult]]]:
    waiting = iter(results)
    for parts in text.chunks:
        yield parts, list(islice(waiting, sum(bool(part.source_ids) for part in parts)))
