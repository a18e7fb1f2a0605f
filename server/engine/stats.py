"""What an engine tells of itself: a snapshot for metrics, and a trace of single steps. Frozen; no behaviour."""

from dataclasses import dataclass, field

# Upper bounds, in seconds, of the buckets for waits in the queue; one more bucket takes what is longer.
QUEUE_WAIT_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


@dataclass(frozen=True)
class StepTrace:
    """One decode step of one engine thread.

    Attributes:
        thread: which engine thread.
        step: how many decode steps it had made before.
        rows: rows that advanced.
        joined: sentences admitted just before this step.
        left: sentences that gave their rows back since the step before: finished, cancelled, expired or failed.
    """

    thread: int
    step: int
    rows: int
    joined: int
    left: int


@dataclass
class WorkerCounters:
    """Running totals of one engine thread, which alone writes them; others read, at worst a step behind.

    Attributes:
        steps: decode steps.
        row_steps: rows advanced, summed over steps.
        peak_rows: most rows in one step.
        encoder_calls: encoder runs, each for all newcomers of a step.
        encoded_ids: source ids encoded, without padding.
        padded_ids: the same with padding.
        joined_running: sentences that joined while others were already running in that thread.
        finished: sentences answered with a result.
        target_ids: ids in their best hypotheses, EOS included.
        cancelled: sentences cancelled while they ran.
        expired: sentences whose deadline passed while they ran.
        failed: sentences answered with another error.
        encode_s: seconds in encoder runs.
        decode_s: seconds in decode steps, the choice of the next ids included.
        queue_wait_s: seconds that the sentences it has taken had waited.
        queue_waits: how many of them had waited how long, by `QUEUE_WAIT_BOUNDS_S`.
    """

    steps: int = 0
    row_steps: int = 0
    peak_rows: int = 0
    encoder_calls: int = 0
    encoded_ids: int = 0
    padded_ids: int = 0
    joined_running: int = 0
    finished: int = 0
    target_ids: int = 0
    cancelled: int = 0
    expired: int = 0
    failed: int = 0
    encode_s: float = 0.0
    decode_s: float = 0.0
    queue_wait_s: float = 0.0
    queue_waits: list[int] = field(default_factory=lambda: [0] * (len(QUEUE_WAIT_BOUNDS_S) + 1))


@dataclass(frozen=True)
class EngineStats:
    """A snapshot of the whole engine; totals since its start. Fields as in `WorkerCounters`, summed over threads.

    Attributes:
        num_threads: engine threads.
        max_rows: rows of all threads together.
        rows_in_use: rows that sentences hold now.
        waiting_sentences: sentences in the queue now.
        waiting_ids: source ids in the queue now.
        peak_rows: most rows in one step of one thread.
        mean_rows_per_step: row_steps / steps; 0 before the first step.
        cancelled: while they waited or ran.
        expired: while they waited or ran.
        cache_bytes: memory allocated for rows, resident or not.
        max_cache_bytes: the same if sentences are as long as they may be.
    """

    num_threads: int
    max_rows: int
    rows_in_use: int
    waiting_sentences: int
    waiting_ids: int
    steps: int
    row_steps: int
    peak_rows: int
    mean_rows_per_step: float
    encoder_calls: int
    encoded_ids: int
    padded_ids: int
    joined_running: int
    finished: int
    target_ids: int
    cancelled: int
    expired: int
    failed: int
    encode_s: float
    decode_s: float
    queue_wait_s: float
    queue_waits: tuple[int, ...]
    cache_bytes: int
    max_cache_bytes: int = 0
