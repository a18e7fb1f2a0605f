"""An engine that is asked only for what is not known yet, and only once at a time.

A flight is one sentence in the engine, with all who wait for it. Each waiter has a future of its own and may leave;
when the last one has left, the flight is taken out of the engine. Must not know how a sentence is translated.

One lock guards the table of flights. It is held while the engine takes a sentence in (so the engine's own lock may be
taken under it, never the other way round), and never while a future is resolved or cancelled: a waiter may do what it
likes in its callback.
"""

import hashlib
import json
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field, replace
from functools import partial

from server.bundle import GoldenLine, Manifest
from server.engine.stats import EngineStats
from server.engine.types import ANYBODY, Caller, SearchOptions, SentenceResult
from server.errors import FerryError
from server.models.models import Model, TranslationEngine
from server.models.results import Key, SentenceCache

# Requests get like times from when they come, so each has a later deadline than those before it. A flight may take
# this much longer than the waiter that began it, so that those that come soon after can join; each waiter ends in time.
LINGER_S = 1.0


@dataclass(eq=False)
class _Flight:
    """A sentence in the engine, and its waiters: at least one while it is in the table."""

    deadline: float | None
    caller: Caller
    future: Future[SentenceResult]  # the engine's
    waiters: set[Future[SentenceResult]] = field(default_factory=set)

    def suits(self, deadline: float | None, caller: Caller) -> bool:
        """Whether somebody may wait for it instead of beginning a flight of their own.

        Another caller may have much waiting before it; beside that, a flight of one's own has its own place, and the
        first to land answers both.
        """
        lasts = self.deadline is None or (deadline is not None and deadline <= self.deadline)
        return lasts and caller.name == self.caller.name and (caller.background or not self.caller.background)


class CachingEngine:
    """A `TranslationEngine` before another one. Methods may be called from any thread."""

    def __init__(self, engine: TranslationEngine, model_key: str, cache: SentenceCache) -> None:
        """Ask `engine` only for what `cache` does not know.

        Args:
            engine: resolves its futures without holding a lock that its `submit` takes.
            model_key: another one for each model whose answers may differ.
            cache: may be shared with other models.
        """
        self.cache = cache
        self._engine = engine
        self._model_key = model_key
        self._lock = threading.Lock()
        self._flights: dict[Key, list[_Flight]] = {}  # no list is empty; the oldest flight first

    @property
    def failed(self) -> bool:
        """As the engine says."""
        return self._engine.failed

    def foretell(self, caller: str) -> float | None:
        """As the engine does, of what is not known yet."""
        return self._engine.foretell(caller)

    @property
    def num_flights(self) -> int:
        """Sentences that are in the engine for somebody."""
        with self._lock:
            return sum(map(len, self._flights.values()))

    def submit(
        self,
        source_ids: Sequence[int],
        options: SearchOptions,
        *,
        deadline: float | None = None,
        caller: Caller = ANYBODY,
    ) -> Future[SentenceResult]:
        """A future of the caller's own, done already if the answer is known.

        Args and Raises as of `server.engine.engine.Engine.submit`; but what is late is ended up to `LINGER_S` after
        `deadline`, and whoever waits for another's sentence waits until that one's time has passed.
        """
        key = (self._model_key, tuple(source_ids), options)
        waiter: Future[SentenceResult] = Future()
        begun: _Flight | None = None
        with self._lock:
            known = self.cache.get(key)
            if known is None:
                flight = next((each for each in self._flights.get(key, ()) if each.suits(deadline, caller)), None)
                if flight is None:
                    begun = flight = self._begin(key, deadline, caller)
                else:
                    self.cache.count_joined()
                flight.waiters.add(waiter)
        if known is not None:
            waiter.set_result(known)
            return waiter
        # In this order: the flight may have landed already, and then answers the waiter before anybody can cancel it.
        if begun is not None:
            begun.future.add_done_callback(partial(self._land, key))
        waiter.add_done_callback(partial(self._leave, key))
        return waiter

    def self_test(self, golden_lines: list[GoldenLine]) -> None:
        """By the engine itself: what it once answered proves nothing."""
        self._engine.self_test(golden_lines)

    def stats(self) -> EngineStats:
        """Of the engine alone."""
        return self._engine.stats()

    def close(self, grace_s: float) -> None:
        """Close the engine, which answers every flight."""
        self._engine.close(grace_s)

    def _begin(self, key: Key, deadline: float | None, caller: Caller) -> _Flight:
        """A flight without waiters, in the table."""
        _, source_ids, options = key
        lasting = None if deadline is None else deadline + LINGER_S
        future = self._engine.submit(source_ids, options, deadline=lasting, caller=caller)
        flight = _Flight(lasting, caller, future)
        self._flights.setdefault(key, []).append(flight)
        self.cache.count_miss()
        return flight

    def _land(self, key: Key, future: Future[SentenceResult]) -> None:
        """The engine is done with a flight. A result answers all flights of the sentence, an error only this one."""
        outcome = _outcome(future)
        known = isinstance(outcome, SentenceResult)
        if isinstance(outcome, SentenceResult):
            _protect(outcome)
            self.cache.put(key, outcome)  # before the flights go, or somebody would find neither
        with self._lock:
            ended = [each for each in self._flights.get(key, ()) if known or each.future is future]
            for flight in ended:
                self._remove(key, flight)
        for flight in ended:
            for waiter in flight.waiters:
                _answer(waiter, outcome)
            flight.future.cancel()  # the other flights; what is done stays as it is

    def _leave(self, key: Key, waiter: Future[SentenceResult]) -> None:
        """A waiter is done; if it was cancelled, let it go, and the flight too if it was the last one."""
        if not waiter.cancelled():
            return
        with self._lock:
            flight = next((each for each in self._flights.get(key, ()) if waiter in each.waiters), None)
            if flight is None:
                return  # it has landed, and whoever answers the waiters will find this one cancelled
            flight.waiters.remove(waiter)
            is_empty = not flight.waiters
            if is_empty:
                self._remove(key, flight)
        waiter.set_running_or_notify_cancel()
        if is_empty:
            flight.future.cancel()

    def _remove(self, key: Key, flight: _Flight) -> None:
        flights = self._flights[key]
        flights.remove(flight)
        if not flights:
            del self._flights[key]


def cached(model: Model, cache: SentenceCache) -> Model:
    """`model`, asked through `cache`; the model itself if that may keep nothing."""
    if not cache.max_bytes:
        return model
    return replace(model, engine=CachingEngine(model.engine, model_key(model.manifest), cache))


def model_key(manifest: Manifest) -> str:
    """Another one for each bundle that differs in any file, since the manifest has the hashes of all of them."""
    facts = json.dumps(asdict(manifest), sort_keys=True)
    return f"{manifest.name} {manifest.version} {hashlib.sha256(facts.encode()).hexdigest()}"


def _protect(result: SentenceResult) -> None:
    """Make sure that nobody changes what others read too."""
    for hypothesis in result.hypotheses:
        if hypothesis.alignment is not None:
            hypothesis.alignment.flags.writeable = False


def _outcome(future: Future[SentenceResult]) -> SentenceResult | BaseException | None:
    """Of a future that is done; None if it was cancelled."""
    if future.cancelled():
        return None
    return future.exception() or future.result()


def _answer(waiter: Future[SentenceResult], outcome: SentenceResult | BaseException | None) -> None:
    """Give a waiter the result, an error of its own, or, if the engine has cancelled the sentence, that."""
    if outcome is None:
        waiter.cancel()
    if not waiter.set_running_or_notify_cancel():
        return
    if isinstance(outcome, SentenceResult):
        waiter.set_result(outcome)
    elif isinstance(outcome, FerryError):
        waiter.set_exception(_another(outcome))
    else:
        waiter.set_exception(outcome)


def _another(error: FerryError) -> FerryError:
    """`error` for one more waiter: each raises it, and would add to the traceback of a common one."""
    again = error.__new__(type(error), *error.args)  # without __init__, whose arguments are not known
    again.__dict__.update(error.__dict__)
    again.__cause__ = error.__cause__
    return again
