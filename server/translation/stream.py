"""Many texts through one engine, in order, with a bounded number in flight: for files of any length."""

from collections import deque
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import Future, wait

from server.bundle import LanguagePair
from server.engine.types import ANYBODY, Caller, SearchOptions, SentenceResult
from server.errors import QueueFullError
from server.models.models import Model
from server.translation.assemble import Outcome, Translation, assemble_text, read_outcome
from server.translation.plan import Part, PlannedText, plan_text, read_document, stand_ins_of, without_surrogates
from server.translation.retry import mend, widen
from server.translation.swaps import keep_stand_ins

# Sentences in flight: enough to keep every row busy and to sort by length, a few MB of memory.
MAX_IN_FLIGHT = 4096

# A second try shares the engine with all that waits, instead of waiting behind it.
SECOND_TRY = Caller("second try")


class LineStream:
    """Translates a stream of texts. When the engine's queue is full it waits, where a request would be refused."""

    def __init__(
        self, model: Model, pair: LanguagePair, options: SearchOptions, second_beam_size: int | None = None
    ) -> None:
        """A stream of its own for each file.

        Args:
            model: loaded and running.
            pair: one of its directions.
            options: of the first search.
            second_beam_size: the widest beam of a second try for what has gone wrong; None gives no second try.
        """
        self._model = model
        self._pair = pair
        self._options = options
        self._second_beam_size = second_beam_size
        self._texts: deque[tuple[PlannedText, list[Future[SentenceResult]]]] = deque()
        self._in_flight: deque[Future[SentenceResult]] = deque()

    def translate(self, texts: Iterable[str]) -> Generator[Translation]:
        """The translation of each text, in order, as soon as it and those before it are done."""
        try:
            for text in texts:
                text = without_surrogates(text)
                document = read_document(text, stand_ins=stand_ins_of(self._model, self._pair))
                planned = plan_text(self._model, self._pair, text, document, self._options)
                futures = [self._submit(part.source_ids, planned.options) for part in planned.sentences]
                self._texts.append((planned, futures))
                while self._texts and (self._head_done() or self._crowded()):
                    yield self._take()
            while self._texts:
                yield self._take()
        finally:
            for future in self._in_flight:
                future.cancel()

    def _submit(
        self, source_ids: tuple[int, ...], options: SearchOptions, caller: Caller = ANYBODY
    ) -> Future[SentenceResult]:
        while True:
            try:
                future = self._model.engine.submit(source_ids, options, caller=caller)
            except QueueFullError:
                if not self._wait_for_oldest():
                    raise
            else:
                self._in_flight.append(future)
                return future

    def _wait_for_oldest(self) -> bool:
        """Wait until the oldest sentence in flight is done; False if there is none to wait for."""
        self._drop_done()
        if not self._in_flight:
            return False
        wait([self._in_flight[0]])
        return True

    def _drop_done(self) -> None:
        while self._in_flight and self._in_flight[0].done():
            self._in_flight.popleft()

    def _head_done(self) -> bool:
        return all(future.done() for future in self._texts[0][1])

    def _crowded(self) -> bool:
        self._drop_done()
        return max(len(self._in_flight), len(self._texts)) >= MAX_IN_FLIGHT

    def _take(self) -> Translation:
        planned, futures = self._texts.popleft()
        outcomes = [
            read_outcome(self._model.tokenizer, part, future.result().hypotheses)
            for part, future in zip(planned.sentences, futures, strict=True)
        ]
        outcomes = [self._hold(planned, part, each) for part, each in zip(planned.sentences, outcomes, strict=True)]
        if self._second_beam_size is not None:
            self._mend(planned.sentences, outcomes, widen(planned.options, self._second_beam_size))
        return assemble_text(planned, outcomes)

    def _hold(self, planned: PlannedText, part: Part, outcome: Outcome) -> Outcome:
        """`outcome`, or one that holds what it has lost."""
        if not part.held:
            return outcome
        way = keep_stand_ins(planned, part, outcome)
        found: SentenceResult | None = None
        while True:
            try:
                source_ids = way.send(found)
            except StopIteration as stop:
                outcome, _ = stop.value
                return outcome
            found = self._submit(source_ids, planned.options, SECOND_TRY).result()

    def _mend(self, sentences: Sequence[Part], outcomes: list[Outcome], options: SearchOptions) -> None:
        """Decode again what has gone wrong, and put what is sound in its place."""
        suspects = [i for i, outcome in enumerate(outcomes) if not outcome.is_sound]
        again = [self._submit(sentences[i].source_ids, options, SECOND_TRY) for i in suspects]
        for i, future in zip(suspects, again, strict=True):
            outcomes[i] = mend(self._model.tokenizer, sentences[i], outcomes[i], future.result()) or outcomes[i]
