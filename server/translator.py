"""Texts in, translations out: the one translator behind every dialect of HTTP and behind the file translator.

All sentences of all texts of a request are submitted at once and share the running batch with everyone else's.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from itertools import islice

from server.alignment import align_parts
from server.bundle import LanguagePair, SearchDefaults
from server.detect import Detected, Detector
from server.engine.types import Hypothesis, SearchOptions, SentenceResult
from server.errors import DeadlineExceededError, FerryError, InvalidRequestError, RequestTooLargeError
from server.guard import SERIOUS
from server.markup import Document, assemble, parse
from server.markup import Options as MarkupOptions
from server.markup.placeholders import has_placeholders
from server.models import Model, Models
from server.plan import Part, Translation, assemble_text, examine, join_chunks, plan_text
from server.segment import Split
from server.settings import Limits

# Splitting and tokenising 20,000 characters takes about 10 ms; what is longer goes to a thread, so that no other
# request waits for it.
MAX_INLINE_CHARS = 20_000

MAX_LENGTH_PENALTY = 5.0

PLAIN = MarkupOptions(kind="text")

# Beams with which a sentence is decoded again whose translation has gone wrong.
GUARD_BEAM = 6


@dataclass(frozen=True)
class TranslateOptions:
    """What a request asks for. None takes the default of the model's bundle.

    Attributes:
        source: None takes what each text seems to be in.
        markup: how tags are told from language; None for plain text, of which only placeholders are kept.
        num_alternatives: translations wanted besides the best; they widen the beam if `beam_size` does not say.
        deadline: `time.monotonic()` after which the answer is of no use; None waits as long as it takes.
    """

    source: str | None
    target: str
    beam_size: int | None = None
    num_alternatives: int = 0
    length_penalty: float | None = None
    deadline: float | None = None
    split: Split = "sentences"
    markup: MarkupOptions | None = None


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
    def sources(self) -> list[tuple[int, ...]]:
        """The ids of all parts that have some, in order."""
        return [part.source_ids for part in self.parts if part.source_ids]


@dataclass(frozen=True)
class TranslatedText:
    """One translated text: what made it, from which language, and how sure we are of that if we had to guess."""

    model: Model
    source: str
    detected: Detected | None
    translation: Translation


@dataclass(frozen=True)
class Answer:
    """The texts of a request, in its order."""

    texts: tuple[TranslatedText, ...]

    @property
    def translations(self) -> tuple[Translation, ...]:
        """The translations alone."""
        return tuple(text.translation for text in self.texts)


class Translator:
    """Translates texts with the loaded models, within the limits."""

    def __init__(self, models: Models, limits: Limits) -> None:
        self.models = models
        self.limits = limits
        # Told how many sentences looked wrong, and of each that was mended; for the metrics.
        self.on_suspects: Callable[[int], None] = lambda count: None
        self.on_mended: Callable[[], None] = lambda: None
        self.detector = Detector(code for pair in models.pairs for code in (pair.source, pair.target))

    async def translate(self, texts: Sequence[str], options: TranslateOptions) -> Answer:
        """Translate `texts`; if the caller is cancelled, its sentences leave the engine at the next step.

        Raises:
            InvalidRequestError, RequestTooLargeError, QueueFullError, DeadlineExceededError, EngineStoppedError
        """
        self._check_sizes(texts)
        try:
            async with asyncio.timeout(_seconds_left(options.deadline)):
                if options.source is None and not self.detector.loaded:
                    await asyncio.to_thread(self.detector.load)
                if options.markup is not None or sum(map(len, texts)) > MAX_INLINE_CHARS:
                    planned = await asyncio.to_thread(self.plan, texts, options)
                else:
                    planned = self.plan(texts, options)
                results = await _gather(submit(planned, options.deadline))
                results = await self._mended(planned, results, options.deadline)
                if all(text.document is None for text in planned):
                    return _answer(planned, results)
                # Markup may take long to put back, the more so where somebody means it to.
                return await asyncio.to_thread(_answer, planned, results)
        except TimeoutError as error:
            raise DeadlineExceededError("The deadline passed before the translation was complete.") from error

    async def _mended(
        self, planned: Sequence[PlannedText], results: Sequence[SentenceResult], deadline: float | None
    ) -> list[SentenceResult]:
        """`results`, those with serious symptoms decoded again: a wider beam's best sound hypothesis is taken.

        Where none is sound, the first answer stays; what is wrong with it is told with the segment.
        """
        parts = [(text, part) for text in planned for part in text.parts if part.source_ids]
        suspects = [
            (i, text, part)
            for i, ((text, part), result) in enumerate(zip(parts, results, strict=True))
            if not _is_sound(text, part, result.hypotheses[0])
        ]
        mended = list(results)
        if not suspects:
            return mended
        self.on_suspects(len(suspects))
        again: list[Future[SentenceResult]] = []
        try:
            for _, text, part in suspects:
                options = self._wider(text.options)
                again.append(text.model.engine.submit(part.source_ids, options, deadline=deadline))
            found = await _gather(again)
        except FerryError:  # a server that is too busy for this gives what it has
            _cancel(again)
            return mended
        for (i, text, part), result in zip(suspects, found, strict=True):
            sound = [h for h in result.hypotheses if _is_sound(text, part, h)]
            if sound:
                others = [h for h in mended[i].hypotheses[1:] if h.ids != sound[0].ids]
                mended[i] = replace(mended[i], hypotheses=(sound[0], *others))
                self.on_mended()
        return mended

    def _wider(self, options: SearchOptions) -> SearchOptions:
        beam_size = min(max(options.beam_size + 2, GUARD_BEAM), self.limits.max_beam_size)
        return replace(options, beam_size=beam_size, num_hypotheses=beam_size)

    def plan(self, texts: Sequence[str], options: TranslateOptions) -> list[PlannedText]:
        """Choose the models and take `texts` apart.

        Raises:
            InvalidRequestError, RequestTooLargeError
        """
        if options.source is not None:
            self.models.choose(options.source, options.target)  # a direction that nobody has, even without texts
        planned: list[PlannedText] = []
        num_tokens = 0
        for text in texts:
            planned.append(self._plan_text(text, options))
            num_tokens += sum(map(len, planned[-1].sources))
            if num_tokens > self.limits.max_request_tokens:
                raise RequestTooLargeError(
                    f"text has more than {self.limits.max_request_tokens} tokens, the most one request may have; "
                    "send it in several requests."
                )
        return planned

    def _plan_text(self, text: str, options: TranslateOptions) -> PlannedText:
        kind = options.markup or (PLAIN if has_placeholders(text) else None)
        document = None if kind is None else parse(text, kind)
        texts = [text] if document is None else [chunk.text for chunk in document.chunks]
        detected = self.detect_source(" ".join(texts), options.target) if options.source is None else None
        source = detected.language if detected else options.source
        assert source is not None
        model, pair = self.models.choose(source, options.target)
        search = search_options(options, model.manifest.search, self.limits.max_beam_size)
        if document is not None and any(chunk.marks for chunk in document.chunks):
            search = replace(search, align=True)
        chunks = tuple(plan_text(model, pair, each, options.split) for each in texts)
        return PlannedText(model, pair, detected, search, document, chunks)

    def detect_source(self, text: str, target: str) -> Detected:
        """The language of `text` among those that are translated into `target`.

        Raises:
            UnsupportedPairError: there is none.
        """
        sources = [pair.source for pair in self.models.pairs if pair.target == target.lower()]
        if not sources:
            self.models.complete_pair(None, target)
        ranked = self.detector.rank(text)
        return next(each for each in ranked if each.language in sources)

    def _check_sizes(self, texts: Sequence[str]) -> None:
        limits, chars = self.limits, sum(map(len, texts))
        if len(texts) > limits.max_texts:
            raise RequestTooLargeError(f"text has {len(texts)} texts; a request may have {limits.max_texts}.")
        if chars > limits.max_text_chars:
            raise RequestTooLargeError(f"text has {chars} characters; a request may have {limits.max_text_chars}.")


def search_options(options: TranslateOptions, defaults: SearchDefaults, max_beam_size: int) -> SearchOptions:
    """How the engine shall search, from the request and the bundle's defaults.

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
    return SearchOptions(beam_size=beam_size, num_hypotheses=num_hypotheses, length_penalty=penalty)


def submit(planned: Sequence[PlannedText], deadline: float | None) -> list[Future[SentenceResult]]:
    """Submit every part that has ids; if one is refused, the others are taken back and the refusal raised."""
    futures: list[Future[SentenceResult]] = []
    try:
        for text in planned:
            for ids in text.sources:
                # One by one: what is submitted must be known when the next one is refused.
                futures.append(text.model.engine.submit(ids, text.options, deadline=deadline))  # noqa: PERF401
    except BaseException:
        _cancel(futures)
        raise
    return futures


def _is_sound(text: PlannedText, part: Part, hypothesis: Hypothesis) -> bool:
    return SERIOUS.isdisjoint(examine(part, text.model.tokenizer.decode(hypothesis.ids), hypothesis))


def _answer(planned: Sequence[PlannedText], results: Sequence[SentenceResult]) -> Answer:
    waiting = iter(results)
    return Answer(tuple(_assembled(text, list(islice(waiting, len(text.sources)))) for text in planned))


def _assembled(text: PlannedText, results: Sequence[SentenceResult]) -> TranslatedText:
    waiting = iter(results)
    counts = [sum(bool(part.source_ids) for part in parts) for parts in text.chunks]
    by_chunk = [list(islice(waiting, count)) for count in counts]
    tokenizer = text.model.tokenizer
    translations = [assemble_text(tokenizer, parts, mine) for parts, mine in zip(text.chunks, by_chunk, strict=True)]
    if text.document is None:
        [translation] = translations
    else:
        aligned = [align_parts(tokenizer, parts, mine) for parts, mine in zip(text.chunks, by_chunk, strict=True)]
        translated = [(each.text, alignment) for each, alignment in zip(translations, aligned, strict=True)]
        translation = join_chunks(assemble(text.document, translated), translations)
    return TranslatedText(text.model, text.pair.source, text.detected, translation)


async def _gather(futures: Sequence[Future[SentenceResult]]) -> list[SentenceResult]:
    """All results; if one fails or the caller is cancelled, the others are cancelled too."""
    try:
        return await asyncio.gather(*map(asyncio.wrap_future, futures))
    finally:
        _cancel(futures)


def _cancel(futures: Sequence[Future[SentenceResult]]) -> None:
    for future in futures:
        future.cancel()


def _seconds_left(deadline: float | None) -> float | None:
    return None if deadline is None else deadline - time.monotonic()
