"""The engine: sentences in, hypotheses out, by continuous batching over a bundle's graphs.

Holds the threads and their common queue, and answers every future whatever happens. Must not know HTTP, text or
tokenizers; the caller composes `source_ids` (prefix and EOS included) and decodes what comes back.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import asdict
from itertools import cycle, islice

from server.bundle import Bundle, Dimensions, GoldenLine
from server.engine.cores import count_cores
from server.engine.runtime import Runtime
from server.engine.scheduler import Scheduler
from server.engine.stats import EngineStats, StepTrace
from server.engine.types import ANYBODY, Caller, EngineSettings, SearchOptions, SentenceResult
from server.engine.worker import Worker
from server.errors import BundleError, EngineStoppedError, QueueFullError, SettingsError


class Engine:
    """Engine threads over one set of weights. Methods may be called from any thread."""

    def __init__(
        self,
        bundle: Bundle,
        settings: EngineSettings,
        on_failure: Callable[[BaseException], None] | None = None,
        *,
        on_step: Callable[[StepTrace], None] | None = None,
    ) -> None:
        """Load the graphs and lay out the rows; `start` begins to work.

        Args:
            bundle: a checked bundle.
            settings: limits and sizes.
            on_failure: called once, from the engine thread that died, before its waiters are answered.
            on_step: called after every decode step from the thread that made it; for tests, it must be quick.

        Raises:
            SettingsError: limits under which some sentence could never be translated, or a device that is not there.
            BundleError: graphs that cannot be opened or are not as the manifest says.
        """
        _check_settings(settings, bundle.manifest.dimensions)
        self._settings = settings
        self._on_failure = on_failure
        num_threads = settings.num_threads or count_cores()
        runtime = Runtime.load(bundle, settings.device)
        self._scheduler = Scheduler(bundle.manifest.dimensions, settings, num_threads)
        self._workers = [
            Worker(i, runtime, bundle.manifest, self._scheduler, settings.max_rows, on_step) for i in range(num_threads)
        ]
        self._threads: list[threading.Thread] = []
        self._failure: BaseException | None = None
        self._failure_lock = threading.Lock()

    @property
    def failed(self) -> bool:
        """Whether an engine thread has died. It stays so; the process should end and be restarted."""
        return self._failure is not None

    def start(self) -> None:
        """Start the engine threads; once."""
        assert not self._threads, "the engine was started before"
        self._threads = [
            threading.Thread(target=self._run, args=(worker,), name=f"engine-{i}", daemon=True)
            for i, worker in enumerate(self._workers)
        ]
        for thread in self._threads:
            thread.start()

    def submit(
        self,
        source_ids: Sequence[int],
        options: SearchOptions,
        *,
        deadline: float | None = None,
        caller: Caller = ANYBODY,
    ) -> Future[SentenceResult]:
        """Queue one sentence.

        Args:
            source_ids: what the encoder reads, language prefix and EOS included.
            options: how to search; without `max_target_length`, 2 x source + 16 ids or the model's limit.
            deadline: in seconds of `time.monotonic()`; None waits for ever.
            caller: whose share of the engine it takes.

        Returns:
            A future that is always answered: a result, DeadlineExceededError, EngineStoppedError, or another
            FerryError that concerns this sentence alone. It stays cancellable until then; `cancel()` gives its rows
            back at the next step.

        Raises:
            InvalidRequestError: the request does not fit the model or the engine.
            QueueFullError: the queue has no room now.
            EngineStoppedError: the engine is closing or has failed.
        """
        return self._scheduler.submit(tuple(source_ids), options, deadline, caller)

    def foretell(self, caller: str) -> float | None:
        """Seconds until a sentence that `caller` submits now would begin to run; None where that is not known."""
        return self._scheduler.foretell(Caller(caller))

    def self_test(self, golden_lines: Sequence[GoldenLine]) -> None:
        """Translate the golden lines by greedy search with the default length; also warms the engine up.

        Then measure its pace, so that the first burst of requests is not let in whole.

        Raises:
            BundleError: with every line whose ids differ from those recorded when the bundle was packed.
        """
        results = self._translate_all([line.source_ids for line in golden_lines])
        faults = [
            f"line {i} ({line.source}-{line.target}): expected ids {list(line.target_ids)}, got {list(found)}"
            for i, (line, found) in enumerate(zip(golden_lines, results, strict=True), 1)
            if found != line.target_ids
        ]
        if faults:
            listing = "\n".join(f"  - {fault}" for fault in faults)
            raise BundleError(
                f"{len(faults)} of {len(golden_lines)} golden lines differ from when the bundle was packed:\n"
                f"{listing}\nThis processor or onnxruntime computes otherwise, or the bundle is at fault: export again."
            )
        self._measure_pace([line.source_ids for line in golden_lines])

    def stats(self) -> EngineStats:
        """A snapshot; totals count from the start."""
        queue = self._scheduler.counts()
        counters = [worker.counters for worker in self._workers]
        totals = {name: sum(asdict(c)[name] for c in counters) for name in asdict(counters[0]) if name != "queue_waits"}
        return EngineStats(
            num_threads=len(self._workers),
            max_rows=len(self._workers) * self._settings.max_rows,
            rows_in_use=sum(worker.rows_in_use for worker in self._workers),
            waiting_sentences=queue.waiting_sentences,
            waiting_ids=queue.waiting_ids,
            steps=totals["steps"],
            row_steps=totals["row_steps"],
            peak_rows=max(c.peak_rows for c in counters),
            mean_rows_per_step=totals["row_steps"] / max(totals["steps"], 1),
            encoder_calls=totals["encoder_calls"],
            encoded_ids=totals["encoded_ids"],
            padded_ids=totals["padded_ids"],
            joined_running=totals["joined_running"],
            finished=totals["finished"],
            target_ids=totals["target_ids"],
            cancelled=totals["cancelled"] + queue.cancelled,
            expired=totals["expired"] + queue.expired,
            failed=totals["failed"],
            encode_s=totals["encode_s"],
            decode_s=totals["decode_s"],
            queue_wait_s=totals["queue_wait_s"],
            queue_waits=tuple(map(sum, zip(*(c.queue_waits for c in counters), strict=True))),
            cache_bytes=sum(worker.cache_bytes for worker in self._workers),
            max_cache_bytes=sum(worker.max_cache_bytes for worker in self._workers),
        )

    def close(self, grace_s: float) -> None:
        """Accept no more, finish what was accepted within `grace_s` seconds, and fail the rest. May be repeated."""
        self._scheduler.stop("the engine is shutting down")
        end = time.monotonic() + grace_s
        threads = [thread for thread in self._threads if thread is not threading.current_thread()]
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        for worker in self._workers:
            worker.abort()
        self._scheduler.fail_waiting(EngineStoppedError("the engine shut down before the sentence was translated"))
        for thread in threads:
            thread.join()

    def _run(self, worker: Worker) -> None:
        error = EngineStoppedError("the engine shut down before the sentence was translated")
        try:
            worker.run()
        except BaseException as failure:  # whatever it was, somebody waits for an answer
            error = self._fail(failure)
        finally:
            worker.fail_all(error)

    def _fail(self, failure: BaseException) -> EngineStoppedError:
        """Mark the engine as failed and answer the queue; other threads finish what they run."""
        with self._failure_lock:
            is_first = self._failure is None
            self._failure = self._failure or failure
        error = EngineStoppedError("the engine has failed and takes no more work; retry once it has been restarted")
        error.__cause__ = failure
        self._scheduler.stop(str(error))
        self._scheduler.fail_waiting(error)
        if is_first and self._on_failure is not None:
            self._on_failure(failure)
        return error

    def _measure_pace(self, sources: Sequence[tuple[int, ...]]) -> None:
        """Translate as many of `sources`, over and over, as fill all rows: a few would show less than half the pace.

        Twice, since a start is crowded; the quicker run counts. With the bundled model both take 0.1 s.
        """
        full = list(islice(cycle(sources), len(self._workers) * self._settings.max_rows))
        if full:
            seconds = min(self._time(full) for _ in range(2))
            self._scheduler.guess_pace(sum(map(len, full)), seconds)

    def _time(self, sources: Sequence[tuple[int, ...]]) -> float:
        """Seconds that translating `sources` takes."""
        started = time.monotonic()
        self._translate_all(sources)
        return time.monotonic() - started

    def _translate_all(self, sources: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
        """Greedy ids of each source, however small the queue."""
        assert self._threads, "the engine was not started"
        futures: list[Future[SentenceResult]] = []
        for source_ids in sources:
            while True:
                try:
                    futures.append(self.submit(source_ids, SearchOptions()))
                    break
                except QueueFullError:
                    wait([future for future in futures if not future.done()], return_when=FIRST_COMPLETED)
        return [future.result().hypotheses[0].ids for future in futures]


def _check_settings(settings: EngineSettings, dimensions: Dimensions) -> None:
    longest = -(-dimensions.max_source_length // dimensions.source_multiple) * dimensions.source_multiple
    checks = [
        (settings.num_threads >= 0, f"--num-threads is {settings.num_threads}; choose 0 (one per core) or more"),
        (settings.max_rows >= 1, f"--max-rows is {settings.max_rows}; choose 1 or more"),
        (
            settings.max_batch_tokens >= longest,
            f"--max-batch-tokens is {settings.max_batch_tokens}; the model reads sources of up to {longest} padded ids",
        ),
        (
            settings.max_queue_tokens >= dimensions.max_source_length,
            f"--max-queue-tokens is {settings.max_queue_tokens}; the model reads sources of up to "
            f"{dimensions.max_source_length} ids",
        ),
    ]
    faults = [message for holds, message in checks if not holds]
    if faults:
        raise SettingsError("; ".join(faults))
