"""Texts in, translations out: the one translator behind every dialect of HTTP and behind the file translator.

All sentences of all texts of a request are submitted at once and share the running batch with everyone else's.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice

from server.bundle import SearchDefaults
from server.detect import Detected, Detector
from server.engine.types import Caller, SearchOptions, SentenceResult
from server.errors import DeadlineExceededError, InvalidRequestError, RequestTooLargeError
from server.markup import Options as MarkupOptions
from server.markup import parse
from server.markup.placeholders import has_placeholders
from server.models import Models
from server.plan import Translation, plan_text
from server.planned import PlannedText, TranslatedText, assemble_planned
from server.segment import Split
from server.sentences import GuardCounts, Sentences
from server.settings import Limits

# Splitting and tokenising 20,000 characters takes about 10 ms; what is longer goes to a thread, so that no other
# request waits for it.
MAX_INLINE_CHARS = 20_000

MAX_LENGTH_PENALTY = 5.0

PLAIN = MarkupOptions(kind="text")


@dataclass(frozen=True)
class TranslateOptions:
    """What a request asks for. None takes the default of the model's bundle.

    Attributes:
        source: None takes what each text seems to be in.
        align: whether to tell which words were made from which; not with markup or placeholders.
        markup: how tags are told from language; None for plain text, of which only placeholders are kept.
        num_alternatives: translations wanted besides the best; they widen the beam if `beam_size` does not say.
        deadline: `time.monotonic()` after which the answer is of no use; None waits as long as it takes.
        background: nobody waits just now; requests that are not go before it.
        caller: callers of different names share the engine fairly.
    """

    source: str | None
    target: str
    beam_size: int | None = None
    num_alternatives: int = 0
    length_penalty: float | None = None
    deadline: float | None = None
    split: Split = "sentences"
    markup: MarkupOptions | None = None
    align: bool = False
    background: bool = False
    caller: str = ""


@dataclass(frozen=True)
class Answer:
    """The texts of a request, in its order."""

    texts: tuple[TranslatedText, ...]

    @property
    def translations(self) -> tuple[Translation, ...]:
        """The translations alone."""
        return tuple(text.translation for text in self.texts)


@dataclass(frozen=True)
class Piece:
    """What can be told of the answer already: the next part of the translation of text number `index`.

    The pieces of a text, joined, are its translation.
    """

    index: int
    text: str


class Translator:
    """Translates texts with the loaded models, within the limits."""

    def __init__(self, models: Models, limits: Limits) -> None:
        self.models = models
        self.limits = limits
        self.guard_counts = GuardCounts()
        self.detector = Detector(code for pair in models.pairs for code in (pair.source, pair.target))

    async def translate(self, texts: Sequence[str], options: TranslateOptions) -> Answer:
        """Translate `texts`; if the caller is cancelled, its sentences leave the engine at the next step.

        Raises:
            InvalidRequestError, RequestTooLargeError, QueueFullError, DeadlineExceededError, EngineStoppedError
        """
        with _told_as_deadline():
            async with asyncio.timeout(_seconds_left(options.deadline)):
                planned = await self._planned(texts, options)
                with self._sentences(planned, options) as sentences:
                    results = await sentences.results()
                if all(text.document is None for text in planned):
                    return _answer(planned, results)
                # Markup may take long to put back, the more so where somebody means it to.
                return await asyncio.to_thread(_answer, planned, results)

    async def stream(self, texts: Sequence[str], options: TranslateOptions) -> AsyncGenerator[Piece]:
        """Translate `texts`, giving what is done as soon as all before it is: sentence by sentence, in order.

        A text with markup or placeholders is one piece, since only the whole of it can be checked. Closing the
        generator takes the sentences back, as cancelling does.

        Raises:
            InvalidRequestError, RequestTooLargeError, QueueFullError, DeadlineExceededError, EngineStoppedError
        """
        with _told_as_deadline():
            # Not around a yield: it would fire in whoever took the piece. The engine ends late sentences by itself.
            async with asyncio.timeout(_seconds_left(options.deadline)):
                planned = await self._planned(texts, options)
        with self._sentences(planned, options) as sentences:
            first = 0
            for index, text in enumerate(planned):
                async for piece in _pieces(text, sentences, first):
                    yield Piece(index, piece)
                first += len(text.sentences)

    async def _planned(self, texts: Sequence[str], options: TranslateOptions) -> list[PlannedText]:
        """`plan`, in a thread where it takes long."""
        self._check_sizes(texts)
        if options.source is None and not self.detector.loaded:
            await asyncio.to_thread(self.detector.load)
        if options.markup is not None or sum(map(len, texts)) > MAX_INLINE_CHARS:
            return await asyncio.to_thread(self.plan, texts, options)
        return self.plan(texts, options)

    def _sentences(self, planned: Sequence[PlannedText], options: TranslateOptions) -> Sentences:
        caller = Caller(options.caller, options.background)
        return Sentences(planned, options.deadline, caller, self.limits.max_beam_size, self.guard_counts)

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
            num_tokens += planned[-1].num_tokens
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
        if options.align if document is None else any(chunk.marks for chunk in document.chunks):
            search = replace(search, align=True)
        chunks = tuple(plan_text(model, pair, each, options.split) for each in texts)
        return PlannedText(model, pair, detected, search, document, chunks)

    def detect_source(self, text: str, target: str) -> Detected:
        """The language of `text` among those that are translated into `target`.

        Raises:
            UnsupportedPairError: there is none.
        """
        sources = self.models.sources_of(target)
        return next(each for each in self.detector.rank(text) if each.language in sources)

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


def _answer(planned: Sequence[PlannedText], results: Sequence[SentenceResult]) -> Answer:
    waiting = iter(results)
    return Answer(tuple(assemble_planned(text, list(islice(waiting, len(text.sentences)))) for text in planned))


async def _pieces(text: PlannedText, sentences: Sentences, first: int) -> AsyncGenerator[str]:
    """The translation of `text` in pieces; its sentences are those from number `first`."""
    if text.document is not None:
        results = [await sentences.result(first + i) for i in range(len(text.sentences))]
        yield (await asyncio.to_thread(assemble_planned, text, results)).translation.text
        return
    decode = text.model.tokenizer.decode
    for part in text.parts:
        target = part.segment.text
        if part.source_ids:
            target = decode((await sentences.result(first)).hypotheses[0].ids)
            first += 1
        if target or part.segment.after:
            yield target + part.segment.after


@contextmanager
def _told_as_deadline() -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise DeadlineExceededError("The deadline passed before the translation was complete.") from error


def _seconds_left(deadline: float | None) -> float | None:
    return None if deadline is None else deadline - time.monotonic()
