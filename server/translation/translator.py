"""Texts in, translations out: the one translator behind every dialect of HTTP and behind the file translator.

All sentences of all texts of a request are submitted at once and share the running batch with everyone else's.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from server.errors import DeadlineExceededError
from server.markup.marks import may_have_marks
from server.models.models import Models
from server.settings import Limits
from server.text.detect import Detected, Detector
from server.translation.assemble import Translation, assemble_text, assemble_texts
from server.translation.plan import PlannedText, Planner
from server.translation.request import TranslateOptions
from server.translation.sentences import GuardCounts, Sentences

T = TypeVar("T")

# Splitting and tokenising 20,000 characters takes about 10 ms; what is longer goes to a thread, so that no other
# request waits for it. With marks it takes some six times as long.
MAX_INLINE_CHARS = 20_000
MAX_INLINE_MARKED_CHARS = 1_000


@dataclass(frozen=True)
class Piece:
    """What can be told of the answer already: the next part of the translation of text number `index`.

    The pieces of a text, joined, are its translation.
    """

    index: int
    text: str


class _Held(Generic[T]):
    """One value, and how many use it now."""

    def __init__(self, value: T) -> None:
        self.value = value
        self.num_users = 0
        self.retired = False
        self.unused = asyncio.Event()


class Live(Generic[T]):
    """Something that is exchanged while it is in use: those who have begun with the old one end with it.

    The current value. For one event loop: only its tasks use and exchange it.
    """

    def __init__(self, value: T) -> None:
        self._held = _Held(value)

    @property
    def current(self) -> T:
        """The value now; it may be exchanged at any `await`."""
        return self._held.value

    @contextmanager
    def use(self) -> Iterator[T]:
        """The current value, kept alive until the context ends."""
        held = self._held
        held.num_users += 1
        try:
            yield held.value
        finally:
            held.num_users -= 1
            if held.retired and not held.num_users:
                held.unused.set()

    async def exchange(self, value: T) -> T:
        """Make `value` current at once; the old value, when nobody uses it any more."""
        held, self._held = self._held, _Held(value)
        held.retired = True
        if held.num_users:
            await held.unused.wait()
        return held.value


class Translator:
    """Translates texts with the loaded models, within the limits."""

    def __init__(self, models: Models, limits: Limits) -> None:
        self.limits = limits
        self.guard_counts = GuardCounts()
        self._planner = Live(Planner.of(models, limits))

    @property
    def models(self) -> Models:
        """The models that answer now."""
        return self._planner.current.models

    @property
    def detector(self) -> Detector:
        """What tells their languages apart."""
        return self._planner.current.detector

    def detect_source(self, text: str, target: str) -> Detected:
        """The language of `text`: `target`, if it surely is in that already, else one of those translated into it.

        Raises:
            UnsupportedPairError: none is translated into it.
        """
        return self._planner.current.detect_source(text, target)

    async def swap(self, models: Models) -> Models:
        """Answer with `models` from now on; the ones before, when all requests that have begun with them are done."""
        planner = await self._planner.exchange(self._planner.current.with_models(models))
        return planner.models

    async def translate(self, texts: Sequence[str], options: TranslateOptions) -> tuple[Translation, ...]:
        """Translate `texts`, in order; if the caller is cancelled, its sentences leave the engine at the next step.

        Raises:
            InvalidRequestError: no model has the direction, or an option is past its limit.
            RequestTooLargeError: there are more texts, characters or ids than one request may have.
            QueueFullError: the queue has no room for all sentences now.
            DeadlineExceededError: they were not done in time.
            EngineStoppedError: the engine is closing or has failed.
        """
        try:
            async with asyncio.timeout(_seconds_left(options.deadline)):
                with self._planner.use() as planner:
                    planned = await _plan(planner, texts, options)
                    with Sentences(planned, options, self.limits.max_beam_size, self.guard_counts) as sentences:
                        outcomes = await sentences.outcomes()
                if all(text.document is None for text in planned):
                    return assemble_texts(planned, outcomes)
                # Markup may take long to put back, the more so where somebody means it to.
                return await asyncio.to_thread(assemble_texts, planned, outcomes)
        except TimeoutError as error:
            raise _too_late() from error

    async def stream(self, texts: Sequence[str], options: TranslateOptions) -> AsyncGenerator[Piece]:
        """Translate `texts`, giving what is done as soon as all before it is: sentence by sentence, in order.

        A text with markup or placeholders is one piece, since only the whole of it can be checked. Closing the
        generator takes the sentences back, as cancelling does.

        Raises:
            InvalidRequestError: no model has the direction, or an option is past its limit.
            RequestTooLargeError: there are more texts, characters or ids than one request may have.
            QueueFullError: the queue has no room for all sentences now.
            DeadlineExceededError: they were not done in time.
            EngineStoppedError: the engine is closing or has failed.
        """
        with self._planner.use() as planner:
            try:
                # Not around a yield: it would fire in whoever took the piece. Each sentence is waited for in time.
                async with asyncio.timeout(_seconds_left(options.deadline)):
                    planned = await _plan(planner, texts, options)
            except TimeoutError as error:
                raise _too_late() from error
            with Sentences(planned, options, self.limits.max_beam_size, self.guard_counts) as sentences:
                first = 0
                for index, text in enumerate(planned):
                    async for piece in _pieces(text, sentences, first):
                        yield Piece(index, piece)
                    first += len(text.sentences)


async def _plan(planner: Planner, texts: Sequence[str], options: TranslateOptions) -> list[PlannedText]:
    """`planner.plan`, in a thread where it takes long."""
    planner.check_sizes(texts)
    if options.source is None and not planner.detector.loaded:
        await asyncio.to_thread(planner.detector.load)
    num_chars = sum(map(len, texts))
    is_short = num_chars <= MAX_INLINE_MARKED_CHARS or not any(map(may_have_marks, texts))
    if options.markup is not None or num_chars > MAX_INLINE_CHARS or not is_short:
        return await asyncio.to_thread(planner.plan, texts, options)
    return planner.plan(texts, options)


async def _pieces(text: PlannedText, sentences: Sentences, first: int) -> AsyncGenerator[str]:
    """The translation of `text` in pieces; its sentences are those from number `first`."""
    if text.document is not None:
        outcomes = [await sentences.outcome(first + i) for i in range(len(text.sentences))]
        yield (await asyncio.to_thread(assemble_text, text, outcomes)).text
        return
    for part in text.parts:
        target = part.segment.text
        if part.source_ids:
            target = (await sentences.outcome(first)).target
            first += 1
        if target or part.segment.after:
            yield target + part.segment.after


def _too_late() -> DeadlineExceededError:
    return DeadlineExceededError("The deadline passed before the translation was complete.")


def _seconds_left(deadline: float | None) -> float | None:
    return None if deadline is None else deadline - time.monotonic()
