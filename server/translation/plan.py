"""Texts taken apart for the engine: limits, languages, markup, sentences, ids. Waits for nothing.

No engine and no HTTP: pure functions around the tokenizer, so that they can run in any thread.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from server.bundle import LanguagePair, SearchDefaults
from server.engine.types import SearchOptions
from server.errors import InvalidRequestError, RequestTooLargeError
from server.markup import Document, Options, parse, parse_marked
from server.markup.blocks import may_be_marked
from server.models.models import Model, Models
from server.settings import Limits
from server.text.casing import PLAIN_READING, Reading, is_latin, read_sentence
from server.text.detect import SURE, Detected, Detector
from server.text.segments import Segment, Split, halve, split_text
from server.text.tokenizer import Tokenizer
from server.text.words import expression_of
from server.translation.request import MAX_LENGTH_PENALTY, TranslateOptions, address

PLAIN = Options(kind="text")
_SOFT_HYPHEN = re.compile(r"\xad|&shy;|&#173;|&#[xX]0*[aA][dD];|(?<=\w)[\u200b\u2060](?=\w)")
_FOR_ALL_GENDERS = re.compile(r"(?<!\w)([A-ZÄÖÜ][a-zäöüß]{3,40})[*:_·](?=in(?:nen)?(?!\w))")


@dataclass(frozen=True)
class Part:
    """A segment with its ids, prefix and EOS included; without ids it passes through unchanged.

    Attributes:
        reading: how the model reads the segment's text.
        num_prefix: how many of the ids are the prefix.
        terms: words of it that are translated, and then put in the place of their translation.
        held: all words that its translation must have, each as often: those that stand for something else, and terms.
    """

    segment: Segment
    source_ids: tuple[int, ...]
    reading: Reading = PLAIN_READING
    num_prefix: int = 0
    terms: tuple[str, ...] = ()
    held: tuple[str, ...] = ()


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

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """All parts, in order."""
        return tuple(part for chunk in self.chunks for part in chunk)

    @cached_property
    def sentences(self) -> tuple[Part, ...]:
        """The parts that are translated, in order."""
        return tuple(part for part in self.parts if part.source_ids)

    @cached_property
    def num_tokens(self) -> int:
        """Source ids of all sentences."""
        return sum(len(part.source_ids) for part in self.sentences)


@dataclass(frozen=True)
class Planner:
    """Plans texts for the models that are loaded, within the limits."""

    models: Models
    detector: Detector
    limits: Limits

    @classmethod
    def of(cls, models: Models, limits: Limits) -> "Planner":
        """One that detects among the languages of `models`."""
        return cls(models, Detector(models.languages), limits)

    def with_models(self, models: Models) -> "Planner":
        """One for other models; what tells languages apart stays, if they are the same languages."""
        same = models.languages == self.models.languages
        return replace(self, models=models) if same else Planner.of(models, self.limits)

    def plan(self, texts: Sequence[str], options: TranslateOptions) -> list[PlannedText]:
        """Choose the models and take `texts` apart.

        Raises:
            InvalidRequestError: no model has the direction, or an option is past its limit.
            RequestTooLargeError: the texts have more ids than one request may.
        """
        # Before any text, so that a direction that nobody has is refused even without texts.
        if options.source == options.target:
            return [self._unchanged(text, None, options.target) for text in texts]
        chosen = None if options.source is None else self._choose(options.source, options)
        planned: list[PlannedText] = []
        num_tokens = 0
        for text in texts:
            planned.append(self._plan(text, options, chosen))
            num_tokens += planned[-1].num_tokens
            if num_tokens > self.limits.max_request_tokens:
                raise RequestTooLargeError(
                    f"text has more than {self.limits.max_request_tokens} tokens, the most one request may have; "
                    "send it in several requests."
                )
        return planned

    def check_sizes(self, texts: Sequence[str]) -> None:
        """Refuse more than a request may have, before any work.

        Raises:
            RequestTooLargeError: naming the limit.
        """
        limits, chars = self.limits, sum(map(len, texts))
        if len(texts) > limits.max_texts:
            raise RequestTooLargeError(f"text has {len(texts)} texts; a request may have {limits.max_texts}.")
        if chars > limits.max_text_chars:
            raise RequestTooLargeError(f"text has {chars} characters; a request may have {limits.max_text_chars}.")

    def detect_source(self, text: str, target: str) -> Detected:
        """The language of `text`: `target`, if it surely is in that already, else one of those translated into it.

        The likeliest of those served where it is in none of them.

        Raises:
            UnsupportedPairError: none is translated into it.
        """
        sources = self.models.sources_of(target)
        ranked = self.detector.rank(text)
        first = ranked[0]
        if first.language not in sources:
            # Of languages that nothing tells apart, such as Portuguese and Brazilian, all are as likely.
            alike = [each for each in ranked if each.confidence == first.confidence]
            first = next((each for each in alike if each.language == target.lower()), first)
        if first.is_foreign or (first.language == target.lower() and first.confidence >= SURE):
            return first
        return next(each for each in ranked if each.language in sources)

    def _plan(self, text: str, options: TranslateOptions, chosen: tuple[Model, LanguagePair] | None) -> PlannedText:
        """`text` for the model `chosen`, or for the one of the language that it seems to be in."""
        asked, text = text, without_surrogates(text)
        known = () if chosen is None else stand_ins_of(*chosen)
        document = read_document(text, options.markup, options.split, options.target, known)
        detected = None
        if chosen is None:
            texts = [text] if document is None else [chunk.text for chunk in document.chunks]
            detected = self.detect_source(" ".join(texts), options.target)
            if detected.is_foreign or detected.language == options.target.lower():
                return self._unchanged(asked, detected, options.target)
            chosen = self._choose(detected.language, options)
        model, pair = chosen
        search = read_search(options, model.manifest.search, self.limits.max_beam_size)
        return plan_text(model, pair, text, document, search, options.split, detected)

    def _choose(self, source: str, options: TranslateOptions) -> tuple[Model, LanguagePair]:
        """The model for a direction, and the direction with the form of address that is asked for."""
        model, pair = self.models.choose(source, options.target)
        return model, address(pair, options.formality)

    def _unchanged(self, text: str, detected: Detected | None, target: str) -> PlannedText:
        """`text`, which is in the target language already, or in none that is served."""
        language = detected.language if detected else target
        model, _ = self.models.choose(self.models.sources_of(target)[0], target)
        parts = (Part(Segment(text, ""), ()),)
        return PlannedText(model, LanguagePair(language, language, ()), detected, SearchOptions(), None, (parts,))


def read_document(
    text: str,
    markup: Options | None = None,
    split: Split = "sentences",
    target: str = "",
    stand_ins: Sequence[str] = (),
) -> Document | None:
    """`text` taken apart; None if it is plain, without markup or placeholders.

    Args:
        text: without lone surrogates.
        markup: how tags are told from language; None for plain text.
        split: where it is cut into sentences.
        target: the language that it is translated into, if that is known.
        stand_ins: of its model, if that is known.
    """
    if markup is not None:
        return parse(text, replace(markup, target=target), stand_ins)
    if not may_be_marked(text):
        return None
    return parse_marked(text, replace(_plain_options(split), target=target), stand_ins)


def stand_ins_of(model: Model, pair: LanguagePair) -> Sequence[str]:
    """The words that `model` copies in the direction `pair`, best first."""
    return model.stand_ins.get((pair.source, pair.target), ())


def _plain_options(split: Split) -> Options:
    """How plain text is taken apart that is cut into sentences as `split` says."""
    return PLAIN if split == "sentences" else replace(PLAIN, line_borders=False)


def plan_text(
    model: Model,
    pair: LanguagePair,
    text: str,
    document: Document | None,
    options: SearchOptions,
    split: Split = "sentences",
    detected: Detected | None = None,
) -> PlannedText:
    """Take a text apart for its model.

    Args:
        model: that translates it.
        pair: one of its directions.
        text: without lone surrogates.
        document: what `read_document` made of it.
        options: `align` is for plain text; what has marks is aligned always.
        split: where the text is cut into sentences.
        detected: its language, if that was not given.
    """
    stand_ins = stand_ins_of(model, pair)
    if document is not None and document.stand_ins != stand_ins and _has_shown(document):
        document = parse(text, document.options, stand_ins)
    chunks = _plan_chunks(model, pair, text, document, split)
    readings = [part.reading for parts in chunks for part in parts]
    unreadable = frozenset[str]().union(*(reading.unreadable for reading in readings))
    if not stand_ins:  # then a hole would stand for the word, which is worse than the word badly read
        unreadable = frozenset(char for char in unreadable if not is_latin(char))
    stressed = frozenset[tuple[str, str]]().union(*(reading.stressed for reading in readings))
    if unreadable or stressed:
        kind = document.options if document else _plain_options(split)
        document = parse(text, replace(kind, unreadable=unreadable, stressed=stressed), stand_ins)
        chunks = _plan_chunks(model, pair, text, document, split)
    if document is not None:
        options = replace(options, align=any(chunk.marks or chunk.held for chunk in document.chunks))
    return PlannedText(model, pair, detected, options, document, chunks)


def _has_shown(document: Document) -> bool:
    """Whether anything in it would take a place in a sentence."""
    return any(mark.shown for chunk in document.chunks for mark in chunk.marks)


def without_surrogates(text: str) -> str:
    """`text` with U+FFFD for lone surrogates, which could leave the server in no encoding, and with words in one piece.

    Soft hyphens say where a word of the source may be broken, and would stand loose between the words of a translation;
    so would the sign of German inside a word that means all genders (`Schüler*innen`), where models see two words.
    """
    text = _SOFT_HYPHEN.sub("", text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    return _FOR_ALL_GENDERS.sub(r"\1", text)


def _plan_chunks(
    model: Model, pair: LanguagePair, text: str, document: Document | None, split: Split
) -> tuple[tuple[Part, ...], ...]:
    if document is None:
        return (cut_text(model, pair, text, split),)
    return tuple(
        cut_text(
            model, pair, chunk.text, split, tuple(word for word in chunk.held if word not in chunk.terms), chunk.terms
        )
        for chunk in document.chunks
    )


def cut_text(
    model: Model,
    pair: LanguagePair,
    text: str,
    split: Split = "sentences",
    stand_ins: tuple[str, ...] = (),
    terms: tuple[str, ...] = (),
) -> tuple[Part, ...]:
    """The parts of `text`, in order; each fits the model, nothing is cut off.

    Args:
        model: that translates it.
        pair: one of its directions.
        text: without marks.
        split: where it is cut into sentences.
        stand_ins: words of the text that stand for something else.
        terms: words of the text that are to be put in the place of their translation.
    """
    capacity = model.manifest.dimensions.max_source_length - len(pair.prefix_ids) - 1
    eos = model.manifest.special_ids.eos
    parts: list[Part] = []
    for segment in _split(text, pair.source, split, stand_ins):
        for piece, reading, ids in _fitting(model.tokenizer, segment, capacity, stand_ins):
            source_ids = (*pair.prefix_ids, *ids, eos) if ids else ()
            found = tuple(expression_of(terms).findall(piece.text)) if terms and ids else ()
            parts.append(Part(piece, source_ids, reading, len(pair.prefix_ids), found, (*reading.stand_ins, *found)))
    return tuple(parts)


def _split(text: str, language: str, split: Split, stand_ins: tuple[str, ...]) -> Sequence[Segment]:
    """The segments of `text`; where a sentence ends does not depend on which stand-in is there."""
    if not stand_ins:
        return split_text(text, language, split)
    shown = expression_of(stand_ins).sub(lambda match: "Xo".ljust(len(match.group()), "o"), text)
    segments: list[Segment] = []
    at = 0
    for each in split_text(shown, language, split):
        middle = at + len(each.text)
        segments.append(Segment(text[at:middle], text[middle : middle + len(each.after)]))
        at = middle + len(each.after)
    return segments


def _fitting(
    tokenizer: Tokenizer, segment: Segment, capacity: int, stand_ins: tuple[str, ...]
) -> Sequence[tuple[Segment, Reading, Sequence[int]]]:
    """`segment`, or the parts it is cut into, with at most `capacity` ids each."""
    words = expression_of(stand_ins) if stand_ins else None
    language = words.sub("", segment.text) if words else segment.text
    if not any(map(str.isalpha, language)):  # numbers and signs are the same in every language
        return [(segment, PLAIN_READING, ())]
    reading = read_sentence(tokenizer, segment.text, tuple(words.findall(segment.text)) if words else ())
    ids = tokenizer.encode(reading.text)
    if len(ids) <= capacity:
        return [(segment, reading, ids)]
    halves = halve(segment)
    if halves is None:
        # One character of many ids: its bytes stay together only as long as they fit.
        chunks = [ids[i : i + capacity] for i in range(0, len(ids), capacity)]
        first = [(Segment("", ""), PLAIN_READING, chunk) for chunk in chunks[:-1]]
        return [*first, (segment, reading, chunks[-1])]
    return [fitted for half in halves for fitted in _fitting(tokenizer, half, capacity, stand_ins)]


def read_search(options: TranslateOptions, defaults: SearchDefaults, max_beam_size: int) -> SearchOptions:
    """How the engine shall search, from the request and the bundle's defaults.

    Args:
        options: of the request.
        defaults: of the bundle.
        max_beam_size: the server's limit.

    Raises:
        InvalidRequestError: naming the field and its limit.
    """
    num_hypotheses = 1 + options.num_alternatives
    beam_size = options.beam_size
    if beam_size is None:
        beam_size = min(max(defaults.beam_size, num_hypotheses), max_beam_size)
    penalty = defaults.length_penalty if options.length_penalty is None else options.length_penalty
    if not 1 <= beam_size <= max_beam_size:
        raise InvalidRequestError(f"beam_size is {beam_size}; it must be 1 to {max_beam_size}.")
    if not 1 <= num_hypotheses <= beam_size:
        raise InvalidRequestError(
            f"num_alternatives is {options.num_alternatives}; "
            f"with beam_size {beam_size} it must be 0 to {beam_size - 1}."
        )
    if not 0.0 <= penalty <= MAX_LENGTH_PENALTY:
        raise InvalidRequestError(f"length_penalty is {penalty}; it must be 0 to {MAX_LENGTH_PENALTY}.")
    return SearchOptions(
        beam_size=beam_size, num_hypotheses=num_hypotheses, length_penalty=penalty, align=options.align
    )
