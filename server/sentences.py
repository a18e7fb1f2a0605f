"""The sentences of one request in the engine: submitted together, awaited in any order, mended if they went wrong."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType

from server.engine.types import Caller, Hypothesis, SearchOptions, SentenceResult
from server.errors import DeadlineExceededError, FerryError
from server.plan import Part
from server.planned import PlannedText
from server.second_try import is_sound, mend, wider


@dataclass(frozen=True)
class GuardCounts:
    """Whom to tell of each sentence that looked wrong, and of each that was mended."""

    suspect: Callable[[], None] = lambda: None
    mended: Callable[[], None] = lambda: None


class Sentences:
    """All sentences of a request. What is not done when the context ends is taken back from the engine."""

    def __init__(
        self,
        planned: Sequence[PlannedText],
        deadline: float | None,
        caller: Caller,
        max_beam_size: int,
        counts: GuardCounts,
    ) -> None:
        self._sentences = [(text, part) for text in planned for part in text.sentences]
        self._deadline = deadline
        self._caller = caller
        self._max_beam_size = max_beam_size
        self._counts = counts
        self._futures: list[Future[SentenceResult]] = []

    def __enter__(self) -> "Sentences":
        """Submit all; if one is refused, the others are taken back.

        Raises:
            InvalidRequestError, QueueFullError, EngineStoppedError
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

    async def results(self) -> list[SentenceResult]:
        """All results, in order.

        Raises:
            DeadlineExceededError, EngineStoppedError: of the first that has none.
        """
        results = await asyncio.gather(*map(asyncio.wrap_future, self._futures))
        suspects = [i for i, result in enumerate(results) if not self._is_sound(i, result.hypotheses[0])]
        mended = await asyncio.gather(*(self._mended(i, results[i]) for i in suspects))
        for i, result in zip(suspects, mended, strict=True):
            results[i] = result
        return results

    async def result(self, index: int) -> SentenceResult:
        """The result of sentence `index` of the request.

        Raises:
            DeadlineExceededError, EngineStoppedError: it has none.
        """
        seconds_left = None if self._deadline is None else self._deadline - time.monotonic()
        try:
            # The engine ends late sentences, but not where an equal one is waited for that has more time.
            async with asyncio.timeout(seconds_left):
                result = await asyncio.wrap_future(self._futures[index])
                return result if self._is_sound(index, result.hypotheses[0]) else await self._mended(index, result)
        except TimeoutError as error:
            raise DeadlineExceededError("The deadline passed before the sentence was translated.") from error

    async def _mended(self, index: int, result: SentenceResult) -> SentenceResult:
        """`result`, which has serious symptoms, with the best sound hypothesis of a wider beam.

        Where none is sound, or the server too busy for a second try, the first answer stays; what is wrong with it is
        told with the segment.
        """
        self._counts.suspect()
        text, part = self._sentences[index]
        try:
            again = self._submit(text, part, wider(text.options, self._max_beam_size))
            self._futures.append(again)
            found = await asyncio.wrap_future(again)
        except FerryError:
            return result
        mended = mend(text.model.tokenizer, part, result, found)
        if mended is None:
            return result
        self._counts.mended()
        return mended

    def _submit(self, text: PlannedText, part: Part, options: SearchOptions) -> Future[SentenceResult]:
        return text.model.engine.submit(part.source_ids, options, deadline=self._deadline, caller=self._caller)

    def _is_sound(self, index: int, hypothesis: Hypothesis) -> bool:
        text, part = self._sentences[index]
        return is_sound(text.model.tokenizer, part, hypothesis)

    def _cancel(self) -> None:
        for future in self._futures:
            future.cancel()
