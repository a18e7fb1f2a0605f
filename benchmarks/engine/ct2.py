"""CTranslate2 on the weights of a checkpoint, set up as well as it can be.

- Norm's epsilon, positions and vocabulary are Ferry's (`engine.convert`); `min_decoding_length=0`, since Ferry may end
  at once; `return_end_token`, so that EOS counts in the length that scores are divided by, as in Ferry. It searches on
  until `beam_size` hypotheses have ended, where Ferry stops as soon as no other can win.
- No scores are asked for, which spares greedy search the softmax.
- For every number of sentences and every beam, what is fastest on these very sentences is chosen before the clock
  starts: workers of one thread each or one worker of many threads, and how a call is cut into batches (it sorts by
  length then).
- Which library multiplies (oneDNN, or MKL with packed weights) is left to it and the processor. On Intel's processors
  it takes MKL and packs weights; forcing MKL on an AMD one made int8 4 to 17 times slower (measured on Zen 3).
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ctranslate2

from engine.work import AtOnce, Group, Ids

NUM_TRIALS = 2  # of each choice; the faster one counts
TRIAL_SENTENCES = 64  # of groups that are cut; a stream is tried whole
STREAM_BATCH_TOKENS = (512, 1024, 2048, 4096)


@dataclass(frozen=True)
class Choice:
    """How calls are made.

    Attributes:
        inter_threads: batches translated at the same time, each by intra_threads.
        max_batch_size: of `batch_type`; 0 is one batch a call.
    """

    inter_threads: int
    intra_threads: int
    max_batch_size: int = 0
    batch_type: str = "examples"

    def __str__(self) -> str:
        batch = f"batches of {self.max_batch_size} {self.batch_type}" if self.max_batch_size else "one batch a call"
        return f"inter {self.inter_threads}, intra {self.intra_threads}, {batch}"


def choices(threads: int, at_once: AtOnce) -> list[Choice]:
    """What is worth trying for calls of `at_once` sentences on `threads` threads."""
    layouts = [(1, threads)] + ([(threads, 1)] if threads > 1 else [])
    if at_once is None:
        return [Choice(*layout, size, "tokens") for layout in layouts for size in STREAM_BATCH_TOKENS]
    found = [Choice(1, threads)]
    if threads > 1 and at_once > 1:
        found.append(Choice(threads, 1, -(-at_once // threads)))
    if at_once >= 32:
        found += [Choice(*layout, size, "tokens") for layout in layouts for size in (512, 1024)]
    return found


class CTranslate2:
    """A converted model, on `threads` threads in all."""

    def __init__(
        self,
        model: Path,
        compute_type: str,
        threads: int,
        pieces: Sequence[str],
        suppressed_ids: Sequence[int],
        length_penalty: float,
    ) -> None:
        self._model, self._compute_type, self._threads = model, compute_type, threads
        self._pieces = pieces
        self._ids = {piece: id_ for id_, piece in enumerate(pieces)}
        self._suppressed = [[pieces[id_]] for id_ in suppressed_ids]
        self._length_penalty = length_penalty
        self._translators: dict[tuple[int, int], ctranslate2.Translator] = {}
        self._inputs: dict[Ids, list[str]] = {}
        self.choice = Choice(1, threads)

    def beam_sizes(self, wanted: Sequence[int]) -> list[int]:
        """See `System`."""
        return list(wanted)

    def prepare(self, groups: Sequence[Group], at_once: AtOnce, beam_size: int) -> str:
        """See `System`."""
        self.load(groups)
        tried = groups if at_once is None else groups[: -(-TRIAL_SENTENCES // at_once)]
        found = choices(self._threads, at_once)
        if len(found) > 1:
            self.choice = min(found, key=lambda choice: self._try(choice, tried, beam_size))
        else:
            [self.choice] = found
        for group in groups:
            self.translate(group, beam_size)
        return str(self.choice)

    def load(self, groups: Sequence[Group]) -> None:
        """Turn ids into the pieces that CTranslate2 reads, which is no part of what is timed."""
        self._inputs = {ids: [self._pieces[id_] for id_ in ids] for group in groups for ids in group.sources}

    def translate(self, group: Group, beam_size: int) -> list[Any]:
        """See `System`."""
        found: list[Any] = self._translator().translate_batch(
            [self._inputs[source] for source in group.sources],
            beam_size=beam_size,
            length_penalty=self._length_penalty,
            max_input_length=0,
            min_decoding_length=0,
            max_decoding_length=group.limit,
            suppress_sequences=self._suppressed,
            return_end_token=True,
            max_batch_size=self.choice.max_batch_size,
            batch_type=self.choice.batch_type,
        )
        return found

    def read(self, translated: Sequence[Any]) -> list[Ids]:
        """See `System`."""
        return [tuple(self._ids[piece] for piece in result.hypotheses[0]) for result in translated]

    def close(self) -> None:
        """See `System`."""
        self._translators.clear()

    def _translator(self) -> ctranslate2.Translator:
        layout = (self.choice.inter_threads, self.choice.intra_threads)
        if layout not in self._translators:
            self._translators[layout] = ctranslate2.Translator(
                str(self._model),
                compute_type=self._compute_type,
                inter_threads=layout[0],
                intra_threads=layout[1],
            )
        return self._translators[layout]

    def _try(self, choice: Choice, groups: Sequence[Group], beam_size: int) -> float:
        """Seconds that `groups` take."""
        self.choice = choice
        seconds = []
        for _ in range(1 + NUM_TRIALS):  # the first one warms up
            started = time.perf_counter()
            for group in groups:
                self.translate(group, beam_size)
            seconds.append(time.perf_counter() - started)
        return min(seconds[1:])
