"""The systems that translate: how each is opened, asked and closed. One instance serves one number of threads.

All take the same ids, keep to the same limits of length and the same list of ids that are never generated, and rank
hypotheses by the same score: sum of log-probabilities / length ** penalty, EOS counted. `translate` is what is timed;
what it returns is turned into ids by `read`, which is not.
"""

from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any, Protocol

from engine.work import AtOnce, Group, Ids
from server.bundle import Bundle
from server.engine.engine import Engine
from server.engine.types import EngineSettings, SearchOptions, SentenceResult
from server.errors import QueueFullError


class System(Protocol):
    """Something that translates groups of sentences."""

    def beam_sizes(self, wanted: Sequence[int]) -> list[int]:
        """Those of `wanted` that it can search with."""
        ...

    def prepare(self, groups: Sequence[Group], at_once: AtOnce, beam_size: int) -> str:
        """Choose what suits these groups best, and warm up; what was chosen, in words. Not timed."""
        ...

    def translate(self, group: Group, beam_size: int) -> Any:
        """The translations of a group, in a form of its own."""
        ...

    def read(self, translated: Any) -> list[Ids]:
        """The ids of each translation, with EOS where it was generated."""
        ...

    def close(self) -> None:
        """Give back threads and memory."""
        ...


class Ferry:
    """The engine, asked as the server asks it: sentence by sentence, each with a future."""

    def __init__(self, bundle: Bundle, threads: int, length_penalty: float) -> None:
        self._length_penalty = length_penalty
        self._eos = bundle.manifest.special_ids.eos
        self._engine = Engine(bundle, EngineSettings(num_threads=threads))
        self._engine.start()

    def beam_sizes(self, wanted: Sequence[int]) -> list[int]:
        """See `System`."""
        return list(wanted)

    def prepare(self, groups: Sequence[Group], at_once: AtOnce, beam_size: int) -> str:
        """See `System`. There is nothing to choose."""
        for group in groups:
            self.translate(group, beam_size)
        return "defaults"

    def translate(self, group: Group, beam_size: int) -> list[SentenceResult]:
        """See `System`. A full queue makes the caller wait, as a client told to retry would."""
        options = SearchOptions(beam_size=beam_size, length_penalty=self._length_penalty, max_target_length=group.limit)
        futures: list[Future[SentenceResult]] = []
        for source in group.sources:
            while True:
                try:
                    futures.append(self._engine.submit(source, options))
                    break
                except QueueFullError:
                    wait([future for future in futures if not future.done()], return_when=FIRST_COMPLETED)
        return [future.result() for future in futures]

    def read(self, translated: Sequence[SentenceResult]) -> list[Ids]:
        """See `System`."""
        best = [result.hypotheses[0] for result in translated]
        return [(*each.ids, self._eos) if each.complete else each.ids for each in best]

    def close(self) -> None:
        """See `System`."""
        self._engine.close(0.0)
