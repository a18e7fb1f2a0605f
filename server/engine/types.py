"""What goes into the engine and what comes out, frozen."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Device = Literal["cpu", "cuda"]


@dataclass(frozen=True)
class SearchOptions:
    """How one sentence is searched.

    Attributes:
        beam_size: rows the sentence takes; 1 is greedy.
        num_hypotheses: how many to return, best first; at most beam_size.
        length_penalty: score = sum_logprob / length ** length_penalty, length in ids with EOS; 0 is no penalty.
        max_target_length: ids to generate at most, EOS included; None takes a bound from the source's length.
        align: whether hypotheses shall say which source ids they were made from.
    """

    beam_size: int = 1
    num_hypotheses: int = 1
    length_penalty: float = 1.0
    max_target_length: int | None = None
    align: bool = False


@dataclass(frozen=True)
class Caller:
    """For whom a sentence is translated.

    Attributes:
        name: callers with different names share the engine fairly; must say nothing about a person that a log may not.
        background: nobody waits for the answer just now; such work gets a small share while there is other work.
    """

    name: str = ""
    background: bool = False


ANYBODY = Caller()


@dataclass(frozen=True)
class Hypothesis:
    """One translation of one sentence.

    Attributes:
        ids: without BOS and EOS.
        complete: False if the limit cut it off.
        alignment: [len(ids), source ids] float32, rows that sum to 1: what share each source id had in each id; only if
            asked for.
    """

    ids: tuple[int, ...]
    score: float
    sum_logprob: float
    complete: bool
    alignment: NDArray[np.float32] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class SentenceResult:
    """The hypotheses of a sentence, best first, and where its time went (seconds)."""

    hypotheses: tuple[Hypothesis, ...]
    queued_s: float
    running_s: float
    num_steps: int


@dataclass(frozen=True)
class EngineSettings:
    """Limits and sizes of the engine, all finite.

    Attributes:
        num_threads: engine threads; each has its own rows and one intra-op thread; 0 is one per core allowed to us.
        max_rows: rows of one engine thread; a sentence takes beam_size of them.
        max_batch_tokens: padded source ids (longest x sentences) one encoder call may hold.
        max_queue_tokens: source ids that may wait; past it, submit refuses.
        device: where the graphs compute. Rows stay in the machine's memory, so a card pays for copies at every step.
    """

    num_threads: int = 0
    max_rows: int = 64
    max_batch_tokens: int = 1024
    max_queue_tokens: int = 32_768
    device: Device = "cpu"
