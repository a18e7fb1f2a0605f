"""What Prometheus is told. Labels come from fixed sets only: routes, statuses, error codes, model names; never text."""

from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.routing import Route
from starlette.types import Scope

from server.engine.stats import QUEUE_WAIT_BOUNDS_S
from server.models.cached import CachingEngine
from server.models.models import Models
from server.models.results import SentenceCache
from server.translation.swaps import Ended

# The label of requests that no route answers.
OTHER = "other"

# From the time of one decode step to the usual deadline, seconds.
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

# Field of EngineStats -> what it is.
_ENGINE_GAUGES = {
    "num_threads": "Engine threads.",
    "max_rows": "Decoder rows there are.",
    "rows_in_use": "Decoder rows that sentences hold now.",
    "waiting_sentences": "Sentences in the queue now.",
    "waiting_ids": "Source ids in the queue now.",
    "peak_rows": "Most rows in one step of one thread.",
    "cache_bytes": "Memory allocated for rows.",
}
_ENGINE_COUNTERS = {
    "steps": "Decode steps.",
    "row_steps": "Rows advanced, summed over steps.",
    "encoder_calls": "Encoder runs, each for all newcomers of a step.",
    "encoded_ids": "Source ids encoded, without padding.",
    "padded_ids": "Source ids encoded, with padding.",
    "joined_running": "Sentences that joined a batch that was already running.",
    "finished": "Sentences translated.",
    "target_ids": "Target ids of their best hypotheses.",
    "cancelled": "Sentences cancelled while they waited or ran.",
    "expired": "Sentences whose deadline passed while they waited or ran.",
    "failed": "Sentences answered with another error.",
    "encode_s": "Seconds in encoder runs.",
    "decode_s": "Seconds in decode steps.",
}
_SECONDS = {"encode_s": "encode_seconds", "decode_s": "decode_seconds"}  # Prometheus writes units out
# Field of CacheStats -> what it is.
_CACHE_GAUGES = {
    "num_entries": "Translated sentences that are kept now.",
    "num_bytes": "Memory they take, estimated.",
    "max_bytes": "Memory they may take.",
}
_CACHE_COUNTERS = {
    "hits": "Sentences answered with what was kept.",
    "joined": "Sentences that waited for an equal one in the engine.",
    "misses": "Sentences given to the engine.",
    "evictions": "Translated sentences given up for newer ones.",
}


def route_of(scope: Scope) -> str:
    """The template of the route that answered or would have, since a path may hold an id; `other` if none did."""
    if "ferry.route" in scope:
        early: str = scope["ferry.route"]
        return early
    route = scope.get("route")
    return route.path if isinstance(route, Route) else OTHER


class Metrics:
    """The registry of one application; children of labels are bound once."""

    media_type = "text/plain; version=0.0.4; charset=utf-8"

    def __init__(self, models: Callable[[], Models], paths: Sequence[str]) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_EngineCollector(models))
        self._registry.register(_CacheCollector(models))
        ProcessCollector(registry=self._registry)  # memory, descriptors, processor time
        latency = Histogram(
            "ferry_request_seconds", "Time to answer, by route.", ["route"], buckets=_BUCKETS, registry=self._registry
        )
        self._latency = {path: latency.labels(path) for path in (*paths, OTHER)}
        self._requests = Counter(
            "ferry_requests", "Requests answered, by route and status.", ["route", "status"], registry=self._registry
        )
        self._requests_bound: dict[tuple[str, int], Counter] = {}
        self._refusals = Counter(
            "ferry_refusals", "Requests refused, by error code.", ["code"], registry=self._registry
        )
        self._refusals_bound: dict[str, Counter] = {}

        self._first_piece = Histogram(
            "ferry_first_piece_seconds",
            "Time to the first piece of a streamed answer.",
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._suspects = Counter(
            "ferry_guard_suspects",
            "Sentences decoded again: looped, empty, of odd length, partly untranslated, with other numbers or names.",
            registry=self._registry,
        )
        self._mended = Counter("ferry_guard_mended", "Those of them that were then sound.", registry=self._registry)

        stand_ins = Counter(
            "ferry_stand_ins",
            "Sentences with stand-ins or terms, by how it ended: copied, exchanged, others taken (swapped), cut out.",
            ["ended"],
            registry=self._registry,
        )
        self._stand_ins = {ended: stand_ins.labels(ended) for ended in get_args(Ended)}

    def observe_first_piece(self, seconds: float) -> None:
        """A streamed answer has begun to go out, so long after its request came."""
        self._first_piece.observe(seconds)

    def count_suspect(self) -> None:
        """A sentence whose first translation looked wrong."""
        self._suspects.inc()

    def count_mended(self) -> None:
        """One of them that is now sound."""
        self._mended.inc()

    def count_stand_ins(self, ended: str) -> None:
        """A sentence with stand-ins, and what became of them."""
        self._stand_ins[ended].inc()

    def observe(self, route: str, status: int, seconds: float, error_code: str | None) -> None:
        """Count one answered request.

        Args:
            route: its template; others than those known count as one.
            status: of the answer.
            seconds: that it took.
            error_code: None if it went well.
        """
        self._latency[route].observe(seconds)
        key = (route, status)
        if key not in self._requests_bound:
            self._requests_bound[key] = self._requests.labels(route, str(status))
        self._requests_bound[key].inc()
        if error_code is not None:
            if error_code not in self._refusals_bound:
                self._refusals_bound[error_code] = self._refusals.labels(error_code)
            self._refusals_bound[error_code].inc()

    def expose(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self._registry)


class _EngineCollector(Collector):
    """Reads the engines when it is asked, so that counting costs the engines nothing."""

    def __init__(self, models: Callable[[], Models]) -> None:
        self._models = models

    def collect(self) -> Iterable[Metric]:
        models = self._models()
        ready = GaugeMetricFamily("ferry_ready", "1 while the server can translate.")
        ready.add_metric([], float(models.ready))
        yield ready
        stats = [(label, model.engine.stats()) for label, model in models.by_label.items()]
        for field, doc in _ENGINE_GAUGES.items():
            gauge = GaugeMetricFamily(f"ferry_engine_{field}", doc, labels=["model"])
            for name, snapshot in stats:
                gauge.add_metric([name], getattr(snapshot, field))
            yield gauge
        for field, doc in _ENGINE_COUNTERS.items():
            counter = CounterMetricFamily(f"ferry_engine_{_SECONDS.get(field, field)}", doc, labels=["model"])
            for name, snapshot in stats:
                counter.add_metric([name], getattr(snapshot, field))
            yield counter
        waits = HistogramMetricFamily(
            "ferry_engine_queue_wait_seconds", "How long sentences waited that an engine thread took.", labels=["model"]
        )
        for name, snapshot in stats:
            bounds = [*map(str, QUEUE_WAIT_BOUNDS_S), "+Inf"]
            buckets = list(zip(bounds, accumulate(snapshot.queue_waits), strict=True))
            waits.add_metric([name], buckets, snapshot.queue_wait_s)
        yield waits


class _CacheCollector(Collector):
    """Reads the cache, which is one for all models; zeros where there is none."""

    def __init__(self, models: Callable[[], Models]) -> None:
        self._models = models

    def collect(self) -> Iterable[Metric]:
        stats = self._cache().stats()
        for field, doc in _CACHE_GAUGES.items():
            yield GaugeMetricFamily(f"ferry_sentence_cache_{field}", doc, getattr(stats, field))
        for field, doc in _CACHE_COUNTERS.items():
            yield CounterMetricFamily(f"ferry_sentence_cache_{field}", doc, getattr(stats, field))

    def _cache(self) -> SentenceCache:
        engines = [model.engine for model in self._models().all]
        return next((engine.cache for engine in engines if isinstance(engine, CachingEngine)), SentenceCache(0))
