"""A sentence on its way through the engine: what is asked, checked and with defaults filled in, and who waits.

Knows the limits of the model and of the engine; must not know queues, threads or tensors.
"""

import math
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from server.bundle import Dimensions
from server.engine.types import ANYBODY, Caller, EngineSettings, SearchOptions, SentenceResult
from server.errors import FerryError, InvalidRequestError


@dataclass(frozen=True, eq=False)
class Job:
    """One submitted sentence.

    Attributes:
        source_ids: prefix and EOS included.
        options: checked; `max_target_length` is a number.
        deadline: in seconds of `time.monotonic()`; None waits for ever.
        submitted: when, by the same clock.
        future: PENDING until the answer, so that `cancel()` works while the sentence runs.
        caller: whose share of the engine it takes.
        num_rows: decoder rows the sentence takes.
        cost: about how much work it is, in source ids times rows.
    """

    source_ids: tuple[int, ...]
    options: SearchOptions
    deadline: float | None
    submitted: float
    future: Future[SentenceResult]
    caller: Caller = ANYBODY
    num_rows: int = field(init=False)
    cost: int = field(init=False)

    def __post_init__(self) -> None:
        # Once: the scheduler asks for both at every step.
        object.__setattr__(self, "num_rows", self.options.beam_size)
        object.__setattr__(self, "cost", len(self.source_ids) * self.options.beam_size)

    def answer(self, result: SentenceResult) -> bool:
        """Publish the result, unless the caller has cancelled. Each job is answered or failed once."""
        if not self.future.set_running_or_notify_cancel():
            return False
        self.future.set_result(result)
        return True

    def fail(self, error: FerryError) -> bool:
        """Publish an error, unless the caller has cancelled."""
        if not self.future.set_running_or_notify_cancel():
            return False
        self.future.set_exception(error)
        return True


def default_max_target_length(num_source_ids: int) -> int:
    """The bound when a request gives none: twice the source, and 16 ids more so that short sources have room."""
    return 2 * num_source_ids + 16


def resolve_options(
    source_ids: tuple[int, ...], options: SearchOptions, dimensions: Dimensions, settings: EngineSettings
) -> SearchOptions:
    """Check a request and fill in its default length.

    Args:
        source_ids: prefix and EOS included.
        options: as the caller gave them.
        dimensions: of the model.
        settings: of the engine.

    Raises:
        InvalidRequestError: with every fault found.
    """
    faults = list(_faults(source_ids, options, dimensions, settings))
    if faults:
        raise InvalidRequestError("; ".join(faults))
    if options.max_target_length is not None:
        return options
    limit = min(default_max_target_length(len(source_ids)), dimensions.max_target_length)
    return replace(options, max_target_length=limit)


def _faults(
    source_ids: tuple[int, ...], options: SearchOptions, dimensions: Dimensions, settings: EngineSettings
) -> Iterator[str]:
    if not source_ids:
        yield "source_ids is empty; it holds at least EOS"
    if len(source_ids) > dimensions.max_source_length:
        yield (
            f"the source has {len(source_ids)} ids, the model reads at most {dimensions.max_source_length}; "
            "split it into shorter sentences"
        )
    if source_ids and not (min(source_ids) >= 0 and max(source_ids) < dimensions.vocab_size):
        outside = next(i for i in source_ids if not 0 <= i < dimensions.vocab_size)
        yield f"source id {outside} is outside the vocabulary of {dimensions.vocab_size}; use the bundle's tokenizer"
    if not 1 <= options.beam_size <= settings.max_rows:
        yield f"beam_size is {options.beam_size}; choose 1 to {settings.max_rows} (the server's --max-rows)"
    if not 1 <= options.num_hypotheses <= options.beam_size:
        yield (
            f"num_hypotheses is {options.num_hypotheses}; choose 1 to beam_size, which is {options.beam_size}, "
            "or raise beam_size"
        )
    if not (math.isfinite(options.length_penalty) and options.length_penalty >= 0):
        yield f"length_penalty is {options.length_penalty}; choose 0 (none) or more"
    limit = options.max_target_length
    if limit is not None and not 1 <= limit <= dimensions.max_target_length:
        yield f"max_target_length is {limit}; choose 1 to {dimensions.max_target_length}, or none"
