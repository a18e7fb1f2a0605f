"""What is measured of a model's copying depends on nothing but the model, and is little where it copies nothing."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from server.bundle import GoldenLine, Manifest
from server.engine.types import SearchOptions, SentenceResult
from server.errors import QueueFullError
from server.models.copies import CANDIDATES, MAX_SAMPLES, MOST, find_texts, measure_stand_ins
from server.text.tokenizer import Tokenizer
from tests.server.conftest import tiny_model
from tests.server.fakes import FakeEngine

LINES = (
    "Der Hund läuft durch den Park.",
    "Das Haus am See ist alt und schön.",
    "Wir fahren morgen mit dem Zug nach Berlin.",
)
TEXTS = {("de", "en"): LINES, ("en", "de"): LINES}


class LosingEngine(FakeEngine):
    """Copies all words in both directions, but for those that it loses."""

    def __init__(self, tokenizer: Tokenizer, *lost: str, capacity: int | None = None) -> None:
        super().__init__(hold=True, capacity=capacity)
        self.tokenizer, self.lost = tokenizer, lost

    def submit(self, source_ids: Sequence[int], options: SearchOptions, **more: Any) -> Future[SentenceResult]:
        try:
            future = super().submit((4, *source_ids[1:]), options, **more)
        except QueueFullError:
            self.release()
            raise
        if self.capacity is None:
            self.release()
        result: Future[SentenceResult] = Future()
        future.add_done_callback(lambda done: result.set_result(self._spoil(done.result())))
        return result

    def _spoil(self, found: SentenceResult) -> SentenceResult:
        text = " ".join(word for word in self.tokenizer.decode(found.hypotheses[0].ids).split() if self._keeps(word))
        return replace(found, hypotheses=(replace(found.hypotheses[0], ids=tuple(self.tokenizer.encode(text))),))

    def _keeps(self, word: str) -> bool:
        return not any(lost in word for lost in self.lost)


@pytest.fixture
def manifest(tokenizer: Tokenizer, tmp_path: Path) -> Manifest:
    return tiny_model(FakeEngine(), tokenizer, tmp_path).manifest


def test_the_best_of_what_is_copied_is_named_by_direction(manifest: Manifest, tokenizer: Tokenizer) -> None:
    found = measure_stand_ins(manifest, tokenizer, LosingEngine(tokenizer, "B2", "42"), TEXTS)
    assert [(each.source, each.target) for each in found] == [("de", "en"), ("en", "de")]
    for each in found:
        assert list(each.rates) == [word for word in CANDIDATES if word not in ("B2", "42")][:MOST]
        assert set(each.rates.values()) == {1.0}


def test_a_model_that_copies_too_few_has_none(manifest: Manifest, tokenizer: Tokenizer) -> None:
    kept = CANDIDATES[:3]
    engine = LosingEngine(tokenizer, *(word for word in CANDIDATES if word not in kept))
    assert [each.rates for each in measure_stand_ins(manifest, tokenizer, engine, TEXTS)] == [{}, {}]


def test_a_model_that_copies_nothing_is_not_asked_for_long(manifest: Manifest, tokenizer: Tokenizer) -> None:
    engine = LosingEngine(tokenizer, *CANDIDATES)
    assert [each.rates for each in measure_stand_ins(manifest, tokenizer, engine, {("de", "en"): LINES * 40})] == [
        {}
    ] * 2
    assert len(engine.sources) <= 40 * len(LINES) + len(CANDIDATES) * (MAX_SAMPLES // 8 + 1)


def test_without_text_there_are_none(manifest: Manifest, tokenizer: Tokenizer) -> None:
    assert [each.rates for each in measure_stand_ins(manifest, tokenizer, FakeEngine(), {})] == [{}, {}]


def test_a_full_queue_is_waited_for(manifest: Manifest, tokenizer: Tokenizer) -> None:
    alone = measure_stand_ins(manifest, tokenizer, LosingEngine(tokenizer), TEXTS)
    released = ReleasingEngine(tokenizer, capacity=7)
    assert measure_stand_ins(manifest, tokenizer, released, TEXTS) == alone
    assert released.most_waiting == 7


class ReleasingEngine(LosingEngine):
    """One whose last answers come without another question."""

    def submit(self, source_ids: Sequence[int], options: SearchOptions, **more: Any) -> Future[SentenceResult]:
        waiting = super().submit(source_ids, options, **more)
        return _Impatient(self, waiting)


class _Impatient(Future[SentenceResult]):
    def __init__(self, engine: FakeEngine, waiting: Future[SentenceResult]) -> None:
        super().__init__()
        self._engine = engine
        waiting.add_done_callback(lambda done: self.set_result(done.result()))

    def result(self, timeout: float | None = None) -> SentenceResult:
        self._engine.release()
        return super().result(timeout)


def test_what_is_too_long_is_cut(manifest: Manifest, tokenizer: Tokenizer) -> None:
    engine = LosingEngine(tokenizer)
    measure_stand_ins(manifest, tokenizer, engine, {("de", "en"): ["Donaudampfschifffahrt " * 30]})
    assert max(map(len, engine.sources)) == manifest.dimensions.max_source_length


def test_golden_lines_serve_both_directions(manifest: Manifest, tokenizer: Tokenizer) -> None:
    golden = [GoldenLine("de", "en", LINES[0], (), ()), GoldenLine("en", "de", "The dog runs.", (), ())]
    found = find_texts(manifest, tokenizer, LosingEngine(tokenizer, "Hund"), golden)
    assert found["de", "en"] == [LINES[0], "The dog runs."]
    assert found["en", "de"] == ["Der läuft durch den Park.", "The dog runs."]
    one_way = replace(manifest, pairs=manifest.pairs[:1])
    assert find_texts(one_way, tokenizer, LosingEngine(tokenizer), golden) == {("de", "en"): [LINES[0]]}
