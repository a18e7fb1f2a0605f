"""The sentences of one request in the engine: submitted together, awaited in any order, mended if they went wrong."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType

from server.engine.types import Caller, SearchOptions, SentenceResult
from server.errors import DeadlineExceededError, FerryError
from server.translation.assemble import Outcome, read_outcome
from server.translation.plan import Part, PlannedText
from server.translation.request import TranslateOptions
from server.translation.retry import mend, widen
from server.translation.swaps import Ended, keep_stand_ins


@dataclass(frozen=True)
class GuardCounts:
    """Whom to tell of each sentence that looked wrong, of each that was mended, and how each with stand-ins ended."""

    suspect: Callable[[], None] = lambda: None
    mended: Callable[[], None] = lambda: None
    held: Callable[[Ended], None] = lambda ended: None


class Sentences:
    """All sentences of a request. What is not done when the context ends is taken back from the engine.

    They are those of all `planned` texts, in order, for the caller and by the deadline of `options`; `max_beam_size`
    limits the second search of a sentence that went wrong.
    """

    def __init__(
        self,
        planned: Sequence[PlannedText],
        options: TranslateOptions,
        max_beam_size: int,
        counts: GuardCounts,
    ) -> None:
        self._sentences = [(text, part) for text in planned for part in text.sentences]
        self._deadline = options.deadline
        self._caller = Caller(options.caller, options.background)
        self._max_beam_size = max_beam_size
        self._counts = counts
        self._futures: list[Future[SentenceResult]] = []

    def __enter__(self) -> "Sentences":
        """Submit all; if one is refused, the others are taken back.

        Raises:
            InvalidRequestError: a sentence does not fit the model or the engine.
            QueueFullError: the queue has no room for all of them.
            EngineStoppedError: the engine is closing or has failed.
        """
        try:
            for text, part in self._sentences:
                self._futures.append(self._submit(text, part, text.options))
        except BaseException:
            self._cancel()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cancel()

    async def outcomes(self) -> list[Outcome]:
        """What became of all of them, in order.

        Raises:
            DeadlineExceededError: a sentence was not done in time.
            EngineStoppedError: the engine stopped before one was done.
        """
        results = await asyncio.gather(*map(asyncio.wrap_future, self._futures))
        outcomes = await asyncio.gather(*(self._hold(i, self._read(i, each)) for i, each in enumerate(results)))
        suspects = [i for i, outcome in enumerate(outcomes) if not outcome.is_sound]
        mended = await asyncio.gather(*(self._mend(i, outcomes[i]) for i in suspects))
        for i, outcome in zip(suspects, mended, strict=True):
            outcomes[i] = outcome
        return outcomes

    async def outcome(self, index: int) -> Outcome:
        """What became of sentence `index` of the request.

        Raises:
            DeadlineExceededError: it was not done in time.
            EngineStoppedError: the engine stopped before it was done.
        """
        seconds_left = None if self._deadline is None else self._deadline - time.monotonic()
        try:
            # The engine ends late sentences, but not where an equal one is waited for that has more time.
            async with asyncio.timeout(seconds_left):
                result = await asyncio.wrap_future(self._futures[index])
                outcome = await self._hold(index, self._read(index, result))
                return outcome if outcome.is_sound else await self._mend(index, outcome)
        except TimeoutError as error:
            raise DeadlineExceededError("The deadline passed before the sentence was translated.") from error

    async def _hold(self, index: int, outcome: Outcome) -> Outcome:
        """`outcome`, or one that holds what it has lost."""
        text, part = self._sentences[index]
        if not part.held:
            return outcome
        way = keep_stand_ins(text, part, outcome)
        found: SentenceResult | None = None
        while True:
            try:
                source_ids = way.send(found)
            except StopIteration as stop:
                outcome, ended = stop.value
                self._counts.held(ended)
                return outcome
            found = await self._ask_again(text, source_ids)

    async def _ask_again(self, text: PlannedText, source_ids: tuple[int, ...]) -> SentenceResult | None:
        """What the engine says to that, None where it is too busy."""
        try:
            submit = text.model.engine.submit
            again = submit(source_ids, text.options, deadline=self._deadline, caller=self._caller)
            self._futures.append(again)
            return await asyncio.wrap_future(again)
        except FerryError:
            return None

    async def _mend(self, index: int, outcome: Outcome) -> Outcome:
        """`outcome`, which is not sound, with the best sound hypothesis of a wider beam.

        Where none is sound, or the server too busy for a second try, the first answer stays; what is wrong with it is
        told with the segment.
        """
        self._counts.suspect()
        text, part = self._sentences[index]
        try:
            again = self._submit(text, part, widen(text.options, self._max_beam_size))
            self._futures.append(again)
            found = await asyncio.wrap_future(again)
        except FerryError:
            return outcome
        mended = mend(text.model.tokenizer, part, outcome, found)
        if mended is None:
            return outcome
        self._counts.mended()
        return mended

    def _submit(self, text: PlannedText, part: Part, options: SearchOptions) -> Future[SentenceResult]:
        return text.model.engine.submit(part.source_ids, options, deadline=self._deadline, caller=self._caller)

    def _read(self, index: int, result: SentenceResult) -> Outcome:
        text, part = self._sentences[index]
        return read_outcome(text.model.tokenizer, part, result.hypotheses)

    def _cancel(self) -> None:
        for future in self._futures:
            future.cancel()
