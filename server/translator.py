"""Texts in, translations out: the one translator behind every dialect of HTTP and behind the file translator.

All sentences of all texts of a request are submitted at once and share the running batch with everyone else's.
"""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import islice

from server.bundle import LanguagePair, SearchDefaults
from server.detect import Detected, Detector
from server.engine.types import SearchOptions, SentenceResult
from server.errors import DeadlineExceededError, InvalidRequestError, RequestTooLargeError
from server.models import Model, Models
from server.plan import Part, Translation, assemble_text, plan_text
from server.segment import Split
from server.settings import Limits

# Splitting and tokenising 20,000 characters takes about 10 ms; what is longer goes to a thread, so that no other
# request waits for it.
MAX_INLINE_CHARS = 20_000

MAX_LENGTH_PENALTY = 5.0


@dataclass(frozen=True)
class TranslateOptions:
    """What a request asks for. None takes the default of the model's bundle.

    Attributes:
        source: None takes what each text seems to be in.
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


@dataclass(frozen=True)
class PlannedText:
    """One text ready for the engine: its model, direction, parts, and how they are searched."""

    model: Model
    pair: LanguagePair
    detected: Detected | None
    options: SearchOptions
    parts: tuple[Part, ...]

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
        self.detector = Detector(code for pair in models.pairs for code in (pair.source, pair.target))

    async def translate(self, texts: Sequence[str], options: TranslateOptions) -> Answer:
        """Translate `texts`; if the caller is cancelled, its sentences leave the engine at the next step.

        Raises:
            InvalidRequestError, RequestTooLargeError, QueueFullError, DeadlineExceededError, EngineStoppedError
        """
        self._check_sizes(texts)
        try:
            async with asyncio.timeout(_seconds_left(options.deadline)):
                if sum(map(len, texts)) > MAX_INLINE_CHARS:
                    planned = await asyncio.to_thread(self.plan, texts, options)
                else:
                    planned = self.plan(texts, options)
                results = iter(await _gather(submit(planned, options.deadline)))
        except TimeoutError as error:
            raise DeadlineExceededError("The deadline passed before the translation was complete.") from error
        return Answer(tuple(_assembled(text, list(islice(results, len(text.sources)))) for text in planned))

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
        detected = self.detect_source(text, options.target) if options.source is None else None
        source = detected.language if detected else options.source
        assert source is not None
        model, pair = self.models.choose(source, options.target)
        search = search_options(options, model.manifest.search, self.limits.max_beam_size)
        return PlannedText(model, pair, detected, search, plan_text(model, pair, text, options.split))

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


def _assembled(text: PlannedText, results: Sequence[SentenceResult]) -> TranslatedText:
    translation = assemble_text(text.model.tokenizer, text.parts, results)
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
