"""The cache never shows but in speed: same answers, nobody hurt by who asked before him, nothing left behind."""

import asyncio
import copy
import random
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import errors
from server.bundle import FileEntry, GoldenLine
from server.engine.engine import Engine
from server.engine.types import Caller, EngineSettings, Hypothesis, SearchOptions, SentenceResult
from server.errors import EngineStoppedError, FerryError, QueueFullError
from server.models.cached import LINGER_S, CachingEngine, cached, model_key
from server.models.loading import load_model
from server.models.models import Model, Models
from server.models.results import CacheStats, SentenceCache, size_of
from server.settings import Limits
from server.translation.options import TranslateOptions
from server.translation.translator import Translator
from server.web.metrics import Metrics
from tests.server.conftest import MakeModel
from tests.server.engine.toy import random_sources, write_toy_bundle
from tests.server.fakes import DE, EN, FakeEngine, translated

PATIENCE_S = 60.0
GREEDY = SearchOptions()
BEAM = SearchOptions(beam_size=3, num_hypotheses=2)
HUND, KATZE = (EN, 10, 11, 12, 3), (EN, 20, 21, 3)
BACKGROUND = Caller(background=True)
REAL_MODEL = Path(__file__).parents[3] / "models" / "en-de"


@pytest.fixture
def inner() -> FakeEngine:
    return FakeEngine(hold=True)


@pytest.fixture
def cache() -> SentenceCache:
    return SentenceCache(1 << 20)


@pytest.fixture
def engine(inner: FakeEngine, cache: SentenceCache) -> CachingEngine:
    return CachingEngine(inner, "model", cache)


def counted(cache: SentenceCache) -> tuple[int, int, int]:
    """Hits, joined, misses."""
    stats = cache.stats()
    return stats.hits, stats.joined, stats.misses


def test_what_was_answered_is_not_asked_again(engine: CachingEngine, inner: FakeEngine, cache: SentenceCache) -> None:
    first = engine.submit(HUND, BEAM, deadline=5.0, caller=Caller("somebody"))
    assert not first.done()
    slow = replace(translated(HUND, BEAM), queued_s=0.5, running_s=0.25)
    inner.futures[0].set_result(slow)
    assert first.result(0) == slow
    again = engine.submit(list(HUND), replace(BEAM), deadline=9.0)
    assert again is not first
    assert again.result(0) == replace(slow, queued_s=0.0, running_s=0.0)
    assert inner.sources == [HUND]
    assert inner.callers == [Caller("somebody")]
    assert counted(cache) == (1, 0, 1)


def test_whatever_an_answer_depends_on_makes_it_another(cache: SentenceCache) -> None:
    asked: list[tuple[str, tuple[int, ...], SearchOptions]] = [
        ("model", HUND, GREEDY),
        ("other", HUND, GREEDY),
        ("model", (DE, *HUND[1:]), GREEDY),
        ("model", KATZE, GREEDY),
    ]
    varied = {"beam_size": 4, "num_hypotheses": 2, "length_penalty": 0.5, "max_target_length": 9, "align": True}
    assert list(varied) == [field.name for field in fields(SearchOptions)]
    options = SearchOptions(beam_size=2)
    asked += [("model", HUND, replace(options, **{name: value})) for name, value in varied.items()]
    inner = FakeEngine()
    for name, source, searched in asked * 2:
        found = CachingEngine(inner, name, cache).submit(source, searched).result(0)
        assert found == translated(source, searched)
    assert len(inner.sources) == len(asked)


def test_equal_sentences_in_flight_are_translated_once(
    engine: CachingEngine, inner: FakeEngine, cache: SentenceCache
) -> None:
    futures = [engine.submit(source, GREEDY) for source in (HUND, KATZE, HUND, HUND)]
    assert inner.sources == [HUND, KATZE]
    assert len(set(map(id, futures))) == 4
    assert engine.num_flights == 2
    inner.release()
    assert [future.result(0) for future in futures] == [translated(s, GREEDY) for s in (HUND, KATZE, HUND, HUND)]
    assert engine.num_flights == 0
    assert counted(cache) == (0, 2, 2)


@pytest.mark.parametrize(
    ("leader", "follower", "joins"),
    [
        ({}, {}, True),
        ({}, {"deadline": 5.0}, True),
        ({"deadline": 5.0}, {}, False),
        ({"deadline": 5.0}, {"deadline": 4.0}, True),
        ({"deadline": 5.0}, {"deadline": 5.0 + LINGER_S}, True),
        ({"deadline": 5.0}, {"deadline": 5.1 + LINGER_S}, False),
        ({"caller": BACKGROUND}, {}, False),
        ({"caller": BACKGROUND}, {"caller": BACKGROUND}, True),
        ({}, {"caller": BACKGROUND}, True),
        ({"caller": Caller("a")}, {"caller": Caller("b")}, False),
        ({"caller": BACKGROUND}, {"deadline": 5.0}, False),
    ],
)
def test_nobody_waits_for_what_would_serve_him_worse(
    engine: CachingEngine, inner: FakeEngine, leader: dict[str, Any], follower: dict[str, Any], joins: bool
) -> None:
    futures = [engine.submit(HUND, GREEDY, **leader), engine.submit(HUND, GREEDY, **follower)]
    assert len(inner.futures) == (1 if joins else 2)
    given = [leader] if joins else [leader, follower]
    assert inner.callers == [each.get("caller", Caller()) for each in given]
    assert inner.deadlines == [each["deadline"] + LINGER_S if "deadline" in each else None for each in given]
    inner.release()
    assert [future.result(0) for future in futures] == [translated(HUND, GREEDY)] * 2


def test_the_first_result_answers_all_and_ends_the_other_flights(engine: CachingEngine, inner: FakeEngine) -> None:
    patient = engine.submit(HUND, GREEDY, caller=BACKGROUND)
    prompt = engine.submit(HUND, GREEDY)
    inner.futures[1].set_result(translated(HUND, GREEDY))
    assert patient.result(0) == prompt.result(0) == translated(HUND, GREEDY)
    assert inner.futures[0].cancelled()
    assert engine.num_flights == 0


def test_an_error_ends_its_own_flight_alone(engine: CachingEngine, inner: FakeEngine) -> None:
    patient = engine.submit(HUND, GREEDY, caller=BACKGROUND)
    prompt = engine.submit(HUND, GREEDY)
    inner.futures[0].set_exception(EngineStoppedError("gone"))
    assert isinstance(patient.exception(0), EngineStoppedError)
    assert not prompt.done()
    inner.futures[1].set_result(translated(HUND, GREEDY))
    assert prompt.result(0) == translated(HUND, GREEDY)


def test_who_leaves_takes_nothing_from_who_stays(engine: CachingEngine, inner: FakeEngine) -> None:
    leader, follower, other = [engine.submit(HUND, GREEDY) for _ in range(3)]
    assert leader.cancel()
    assert other.cancel()
    assert not inner.futures[0].cancelled()
    joined_later = engine.submit(HUND, GREEDY)
    inner.release()
    assert follower.result(0) == joined_later.result(0) == translated(HUND, GREEDY)
    with pytest.raises(CancelledError):
        leader.result(0)
    assert len(inner.futures) == 1


def test_the_last_to_leave_ends_the_flight(engine: CachingEngine, inner: FakeEngine) -> None:
    futures = [engine.submit(HUND, GREEDY) for _ in range(3)]
    for future in futures:
        assert not inner.futures[0].cancelled()
        assert future.cancel()
    assert inner.futures[0].cancelled()
    assert engine.num_flights == 0
    assert not wait(futures, timeout=0).not_done, "whoever waits for a cancelled future hears of it"
    again = engine.submit(HUND, GREEDY)
    inner.release()
    assert again.result(0) == translated(HUND, GREEDY)


def test_a_done_callback_that_cancels_does_no_harm(engine: CachingEngine, inner: FakeEngine) -> None:
    first, second = engine.submit(HUND, GREEDY), engine.submit(HUND, GREEDY)
    for one, other in ((first, second), (second, first)):
        one.add_done_callback(lambda _, other=other: other.cancel())  # type: ignore[misc]
    inner.release()
    assert sorted([first.cancelled(), second.cancelled()]) == [False, True]
    assert not wait([first, second], timeout=0).not_done
    assert engine.num_flights == 0


def test_a_done_callback_may_ask_again(engine: CachingEngine, inner: FakeEngine) -> None:
    asked: list[Future[SentenceResult]] = []
    for _ in range(2):
        engine.submit(HUND, GREEDY).add_done_callback(
            lambda _: asked.extend([engine.submit(HUND, GREEDY), engine.submit(KATZE, GREEDY)])
        )
    inner.futures[0].set_result(translated(HUND, GREEDY))
    inner.release()
    assert [each.result(0) for each in asked] == [translated(s, GREEDY) for s in (HUND, KATZE)] * 2


def test_an_error_reaches_all_is_everyone_s_own_and_is_not_kept(
    engine: CachingEngine, inner: FakeEngine, cache: SentenceCache
) -> None:
    futures = [engine.submit(HUND, GREEDY) for _ in range(3)]
    error = EngineStoppedError("the engine has failed")
    error.__cause__ = RuntimeError("why")
    inner.futures[0].set_exception(error)
    depths = []
    for future in futures:
        with pytest.raises(EngineStoppedError, match="the engine has failed") as raised:
            future.result(0)
        assert raised.value.__cause__ is error.__cause__
        depths.append(len(raised.traceback))
    assert len(set(depths)) == 1
    assert len({id(future.exception(0)) for future in futures}) == 3
    assert cache.stats().num_entries == 0
    again = engine.submit(HUND, GREEDY)
    inner.release()
    assert again.result(0) == translated(HUND, GREEDY)


def test_an_error_that_is_not_ours_reaches_all(engine: CachingEngine, inner: FakeEngine) -> None:
    futures = [engine.submit(HUND, GREEDY) for _ in range(2)]
    inner.futures[0].set_exception(MemoryError())
    assert [type(future.exception(0)) for future in futures] == [MemoryError] * 2


def test_a_flight_that_the_engine_cancels_is_cancelled_for_all(engine: CachingEngine, inner: FakeEngine) -> None:
    futures = [engine.submit(HUND, GREEDY) for _ in range(2)]
    assert inner.futures[0].cancel()
    assert all(future.cancelled() for future in futures)
    assert not wait(futures, timeout=0).not_done
    assert engine.num_flights == 0


@pytest.mark.parametrize("kind", [each for each in vars(errors).values() if isinstance(each, type)])
def test_every_error_can_be_told_to_many(engine: CachingEngine, inner: FakeEngine, kind: type[FerryError]) -> None:
    error = kind("what happened", 7.0) if hasattr(kind("", 7.0), "retry_after_s") else kind("what happened")
    futures = [engine.submit(HUND, GREEDY) for _ in range(2)]
    inner.futures[0].set_exception(error)
    for future in futures:
        again = future.exception(0)
        assert again is not error
        assert (type(again), str(again), vars(again)) == (kind, "what happened", vars(error))


def test_a_refusal_leaves_nothing_behind(cache: SentenceCache) -> None:
    inner = FakeEngine(hold=True, capacity=1)
    engine = CachingEngine(inner, "model", cache)
    first = engine.submit(HUND, GREEDY)
    with pytest.raises(QueueFullError):
        engine.submit(KATZE, GREEDY)
    joined = engine.submit(HUND, GREEDY)  # takes no room
    assert engine.num_flights == 1
    inner.release()
    assert first.result(0) == joined.result(0)
    assert counted(cache) == (0, 1, 1)


def test_the_rest_is_the_engine_s_own(
    engine: CachingEngine, inner: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Any] = []
    monkeypatch.setattr(inner, "self_test", heard.append)
    monkeypatch.setattr(inner, "close", heard.append)
    golden = [GoldenLine("de", "en", "Hund", HUND, (10,))]
    engine.self_test(golden)
    engine.close(2.5)
    assert heard == [golden, 2.5]
    assert not engine.failed
    inner.failed = True
    assert engine.failed
    assert engine.stats() == inner.stats()


def test_nobody_can_change_what_others_read(engine: CachingEngine, inner: FakeEngine) -> None:
    alignment = np.ones((3, 5), np.float32)
    result = SentenceResult((Hypothesis((10, 11, 12), 0.0, 0.0, True, alignment),), 0.0, 0.0, 3)
    future = engine.submit(HUND, GREEDY)
    inner.futures[0].set_result(result)
    for each in (future, engine.submit(HUND, GREEDY)):
        shown = each.result(0).hypotheses[0].alignment
        assert shown is not None
        with pytest.raises(ValueError, match="read-only"):
            shown[0, 0] = 5.0


# --- how much is kept


# --- models


def test_two_models_do_not_mix(make_model: MakeModel, cache: SentenceCache) -> None:
    class Backwards(FakeEngine):
        def submit(self, source_ids: Any, options: SearchOptions, **given: Any) -> Future[SentenceResult]:
            return super().submit((source_ids[0], *reversed(source_ids[1:-1]), 3), options, **given)

    first = make_model(FakeEngine())
    other = replace(first.manifest, name="other")
    swapped = replace(first.manifest, files={"tokenizer": FileEntry("spm.model", 0, "another hash")})
    models = [
        first,
        *(Model(replace(first.bundle, manifest=m), first.tokenizer, Backwards()) for m in (other, swapped)),
    ]
    engines = [cached(model, cache).engine for model in models]
    for _ in range(2):
        answers = [engine.submit(HUND, GREEDY).result(0).hypotheses[0].ids for engine in engines]
        assert answers == [(10, 11, 12), (12, 11, 10), (12, 11, 10)]
    assert counted(cache) == (3, 0, 3)
    assert len({model_key(model.manifest) for model in models}) == 3
    assert model_key(first.manifest) == model_key(copy.deepcopy(first.manifest))


def test_a_cache_of_no_bytes_is_none(make_model: MakeModel) -> None:
    model = make_model(FakeEngine())
    assert cached(model, SentenceCache(0)) is model
    assert b"ferry_sentence_cache_max_bytes 0.0" in Metrics(lambda: Models((model,)), []).expose()


def test_what_prometheus_is_told(make_model: MakeModel) -> None:
    cache = SentenceCache(100_000)
    inner = FakeEngine(hold=True)
    models = Models(tuple(cached(make_model(engine), cache) for engine in (inner, FakeEngine())))
    engine = models.all[0].engine
    engine.submit(HUND, GREEDY), engine.submit(HUND, GREEDY)
    inner.release()
    for _ in range(3):
        engine.submit(HUND, GREEDY)
    told = Metrics(lambda: models, []).expose().decode()
    size = size_of(("", HUND, GREEDY), translated(HUND, GREEDY))
    for name, value in {
        "num_entries": 1,
        "num_bytes": size,
        "max_bytes": 100_000,
        "hits_total": 3,
        "joined_total": 1,
        "misses_total": 1,
        "evictions_total": 0,
    }.items():
        assert f"\nferry_sentence_cache_{name} {float(value)}\n" in told
    assert len(fields(CacheStats)) == 7


# --- any order of events

SOURCES = [(EN, 30 + i, 40 + i, 3) for i in range(3)]
DEADLINES = [None, 10.0, 10.5, 20.0]


class Story:
    """What happened to a caching engine over one that is told what to do."""

    def __init__(self, max_bytes: int) -> None:
        self.inner = FakeEngine(hold=True)
        self.engine = CachingEngine(self.inner, "model", SentenceCache(max_bytes))
        self.asked: list[tuple[tuple[int, ...], float | None, bool, Future[SentenceResult]]] = []
        self.cancelled: set[int] = set()
        self.num_failed = 0

    def submit(self, number: int, deadline: float | None, background: bool) -> None:
        source = SOURCES[number % len(SOURCES)]
        future = self.engine.submit(source, GREEDY, deadline=deadline, caller=Caller(background=background))
        self.asked.append((source, deadline, background, future))

    def cancel(self, number: int) -> None:
        if self.asked and self.asked[number % len(self.asked)][-1].cancel():
            self.cancelled.add(number % len(self.asked))

    def complete(self, number: int) -> None:
        if pending := [i for i, future in enumerate(self.inner.futures) if not future.done()]:
            i = pending[number % len(pending)]
            self.inner.futures[i].set_result(translated(self.inner.sources[i], GREEDY))

    def fail(self, number: int) -> None:
        if pending := [future for future in self.inner.futures if not future.done()]:
            pending[number % len(pending)].set_exception(EngineStoppedError("as told"))
            self.num_failed += 1

    def check(self) -> None:
        """Each who waits has a flight that serves him, and each flight has somebody who waits."""
        flights = [
            (source, deadline, caller.background)
            for source, deadline, caller, future in zip(
                self.inner.sources, self.inner.deadlines, self.inner.callers, self.inner.futures, strict=True
            )
            if not future.done()
        ]
        assert self.engine.num_flights == len(flights)
        waiting = [each for each in self.asked if not each[-1].done()]
        for source, deadline, background, _ in waiting:
            assert any(
                source == flown
                and (end is None or (deadline is not None and deadline <= end))
                and (background or not in_background)
                for flown, end, in_background in flights
            )
        assert {source for source, *_ in flights} == {source for source, *_ in waiting}

    def end(self) -> None:
        """Let the rest be answered; everybody has what he asked for."""
        self.inner.release()
        assert self.engine.num_flights == 0
        assert all(future.done() for future in self.inner.futures)
        for i, (source, *_, future) in enumerate(self.asked):
            assert future.cancelled() is (i in self.cancelled)
            if future.cancelled():
                continue
            if (error := future.exception(0)) is None:
                assert future.result(0).hypotheses == translated(source, GREEDY).hypotheses
            else:
                assert isinstance(error, EngineStoppedError)
                assert self.num_failed
        assert not wait([future for *_, future in self.asked], timeout=0).not_done


@given(
    max_bytes=st.sampled_from([1, 1200, 1 << 20]),
    events=st.lists(
        st.tuples(
            st.sampled_from(["submit", "submit", "submit", "cancel", "complete", "fail"]),
            st.integers(0, 20),
            st.sampled_from(DEADLINES),
            st.booleans(),
        ),
        max_size=40,
    ),
)
def test_whatever_happens_each_gets_his_own_answer(
    max_bytes: int, events: list[tuple[str, int, float | None, bool]]
) -> None:
    story = Story(max_bytes)
    for what, number, deadline, background in events:
        if what == "submit":
            story.submit(number, deadline, background)
        else:
            {"cancel": story.cancel, "complete": story.complete, "fail": story.fail}[what](number)
        story.check()
    story.end()


# --- real engines


@pytest.mark.parametrize("max_bytes", [1, 12_000, 1 << 20])
def test_many_threads_at_once(tmp_path: Path, max_bytes: int) -> None:
    """Over a real engine of two threads, with more clients than cores; the small cache forgets all the time."""
    bundle = write_toy_bundle(tmp_path / "bundle")
    settings = EngineSettings(num_threads=2, max_rows=12, max_batch_tokens=512, max_queue_tokens=40_000)
    all_have_asked = threading.Event()
    all_have_asked.set()
    real = Engine(bundle, settings, on_step=lambda _: all_have_asked.wait(PATIENCE_S) and None)
    real.start()
    try:
        requests = [(source, options) for source in random_sources(8, 3, 20, seed=1) for options in (GREEDY, BEAM)]
        alone = [real.submit(*request).result(PATIENCE_S).hypotheses for request in requests]
        engine = CachingEngine(real, "toy", SentenceCache(max_bytes))
        # Nothing is answered before each has asked once, or on some machines nobody would find another's flight.
        all_have_asked.clear()
        asked_once = threading.Barrier(6, all_have_asked.set)

        def ask(seed: int) -> int:
            rng = random.Random(seed)
            num_answered = 0
            for turn in range(10):
                chosen = [rng.randrange(len(requests)) for _ in range(10)]
                caller = Caller(background=rng.random() < 0.3)
                futures = [engine.submit(*requests[i], caller=caller) for i in chosen]
                if turn == 0:
                    asked_once.wait(PATIENCE_S)
                gone = {j for j in range(10) if rng.random() < 0.4 and futures[j].cancel()}
                for j, (i, future) in enumerate(zip(chosen, futures, strict=True)):
                    if j not in gone:
                        assert future.result(PATIENCE_S).hypotheses == alone[i]
                        num_answered += 1
            return num_answered

        with ThreadPoolExecutor(6) as pool:
            assert sum(pool.map(ask, range(6))) > 300
        assert engine.num_flights == 0
        engine.close(PATIENCE_S)
        stats = engine.cache.stats()
        assert stats.joined > 0
        assert (stats.hits > 0) is (max_bytes > 1)
        assert stats.num_bytes <= max_bytes
        left = engine.stats()
        assert (left.rows_in_use, left.waiting_sentences, left.waiting_ids) == (0, 0, 0)
    finally:
        real.close(0.0)


def test_an_engine_that_closes_answers_all_who_wait(tmp_path: Path) -> None:
    last_is_answered = threading.Event()
    # It gets no further than its first step before the queue is given up.
    settings = EngineSettings(num_threads=1, max_rows=2)
    bundle = write_toy_bundle(tmp_path / "bundle")
    real = Engine(bundle, settings, on_step=lambda _: last_is_answered.wait(PATIENCE_S) and None)
    real.start()
    engine = CachingEngine(real, "toy", SentenceCache(1 << 20))
    options = SearchOptions(max_target_length=200)
    futures = [engine.submit(source, options) for source in random_sources(20, 100, 140, seed=2) * 3]
    futures[-1].add_done_callback(lambda _: last_is_answered.set())
    engine.close(0.0)
    assert not wait(futures, timeout=PATIENCE_S).not_done
    failed = [future.exception(0) for future in futures if future.exception(0) is not None]
    assert failed
    assert all(isinstance(error, EngineStoppedError) for error in failed)
    assert engine.num_flights == 0


PEOPLE = ["Die Lehrerin", "Mein Bruder", "Der alte Mann", "Unser Nachbar", "Das Kind"]
DEEDS = ["liest", "sucht", "verkauft", "findet", "vergisst", "kauft"]
THINGS = ["das Buch", "einen Hund", "die alte Uhr", "den Schlüssel", "ein Geschenk", "den Brief seiner Tante"]
PEOPLE_EN = ["The teacher", "My brother", "The old man", "Our neighbour", "The child"]
DEEDS_EN = ["reads", "looks for", "has sold", "will find", "forgets", "buys"]
THINGS_EN = ["the book", "a dog", "the old clock", "the key, which was lost,", "a present", "the letter"]


def combined(people: list[str], deeds: list[str], things: list[str], end: str) -> Iterator[str]:
    for i, person in enumerate(people):
        for j, deed in enumerate(deeds):
            for k, thing in enumerate(things):
                if (i + j + k) % 2 == 0:
                    yield f"{person} {deed} {thing}{end}"


@pytest.fixture(scope="module")
def real_model() -> Iterator[Model]:
    if not REAL_MODEL.is_dir():
        pytest.skip(f"{REAL_MODEL} is not there")
    model = load_model(REAL_MODEL, EngineSettings(num_threads=2), lambda error: None, lambda message: None)
    yield model
    model.engine.close(0.0)


Request = tuple[TranslateOptions, str]
LIMITS = Limits(8, 50, 10_000, 10_000)


async def crowd(translator: Translator, asked: list[Request], num_gone: int = 0) -> list[Any]:
    """The answers to all at once; as many as `num_gone` hang up as soon as all have asked."""
    tasks = [asyncio.create_task(translator.translate([text], options)) for options, text in asked]
    await asyncio.sleep(0)
    for task in tasks[:num_gone]:
        task.cancel()
    return await asyncio.gather(*tasks, return_exceptions=True)


def shown(answer: Any) -> str:
    """All of an answer, floats to the last digit."""
    assert not isinstance(answer, BaseException), answer
    return repr([(each.text, each.score, each.alternatives, each.segments) for each in answer])


@pytest.fixture(scope="module")
def expected(real_model: Model) -> dict[Request, str]:
    """What is answered without a cache: to 180 texts of two sentences."""
    sentences = {
        ("de", "en"): list(combined(PEOPLE, DEEDS, THINGS, ", bevor der Zug nach Berlin abfährt.")),
        ("en", "de"): list(combined(PEOPLE_EN, DEEDS_EN, THINGS_EN, " before the train leaves.")),
    }
    asked = [
        (TranslateOptions(*pair, beam_size=1 + i % 2 * 3, align=i % 5 == 0), f"{text} {texts[7 * i % len(texts)]}")
        for pair, texts in sentences.items()
        for i, text in enumerate(texts)
    ]
    answers = asyncio.run(crowd(Translator(Models((real_model,)), LIMITS), asked))
    return dict(zip(asked, map(shown, answers), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("max_bytes", [60_000, 32 << 20])
def test_answers_do_not_depend_on_the_cache(real_model: Model, expected: dict[Request, str], max_bytes: int) -> None:
    """Texts, scores and alignments, repeated, in crowds, with clients that hang up."""
    cache = SentenceCache(max_bytes)
    model = cached(real_model, cache)
    translator = Translator(Models((model,)), LIMITS)
    rng = random.Random(3)
    for num_gone in (100, 0):
        order = list(expected) * 2
        rng.shuffle(order)
        answers = asyncio.run(crowd(translator, order, num_gone))
        assert [isinstance(each, asyncio.CancelledError) for each in answers[:num_gone]] == [True] * num_gone
        assert list(map(shown, answers[num_gone:])) == [expected[request] for request in order[num_gone:]]
    stats = cache.stats()
    assert stats.hits > 0
    assert stats.joined > 0
    assert (stats.evictions > 0) is (max_bytes < 1 << 20)
    assert isinstance(model.engine, CachingEngine)
    assert model.engine.num_flights == 0
