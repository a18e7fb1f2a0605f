"""What translates the same lines with the same weights: Ferry, Marian and CTranslate2, on one thread.

Each gets groups of lines, one group after another, as what it reads: Ferry and CTranslate2 ids or pieces that were made
before the clock starts, Marian text, since it takes nothing else (cutting a line takes it some ten microseconds).
"""

import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import ctranslate2
from sentencepiece import SentencePieceProcessor

from server.bundle import read_bundle
from server.engine.engine import Engine
from server.engine.types import EngineSettings, SearchOptions

Groups = Sequence[Sequence[str]]
WORKER = Path(__file__).with_name("marian_worker.py")
# Of a call with many lines: how many of them, sorted by length, are computed together.
BATCHES = (64, 32, 16)


@dataclass(frozen=True)
class Search:
    """How all search.

    Attributes:
        factor: ids of a target at most, over those of its source.
        length: ids of every target, instead; 0 leaves it open.
        penalty: power of the length that scores are divided by.
    """

    beam_size: int
    factor: float = 3.0
    length: int = 0
    penalty: float = 1.0

    def limit(self, source: int) -> int:
        """Ids of a target at most, for a source of so many."""
        return self.length or int(self.factor * source)


@dataclass(frozen=True)
class Turn:
    """What one system gave: seconds, those of its processor time, and texts in order."""

    seconds: float
    cpu_s: float
    texts: tuple[str, ...]


class Clock:
    """Time, and processor time of this process, since it was made."""

    def __init__(self) -> None:
        self._started, self._cpu = time.perf_counter(), time.process_time()

    def read(self) -> tuple[float, float]:
        """Seconds of both."""
        return time.perf_counter() - self._started, time.process_time() - self._cpu


class System(Protocol):
    """Something that translates groups of lines."""

    def translate(self, groups: Groups) -> Turn:
        """The translations."""
        ...

    def close(self) -> None:
        """Give back threads and memory."""
        ...


class Ferry:
    """The engine, asked as the server asks it: sentence by sentence, each with a future."""

    def __init__(self, folder: Path, search: Search) -> None:
        bundle = read_bundle(folder)
        self._search, self._sizes = search, bundle.manifest.dimensions
        self._eos = bundle.manifest.special_ids.eos
        files = bundle.tokenizers()
        self._source, self._target = (SentencePieceProcessor(model_file=str(files[i])) for i in (0, -1))
        self._engine = Engine(bundle, EngineSettings(num_threads=1))
        self._engine.start()

    def translate(self, groups: Groups) -> Turn:
        """See `System`."""
        room = self._sizes.max_source_length - 1
        sources = [[(*ids[:room], self._eos) for ids in self._source.encode(list(group))] for group in groups]
        options = [[self._options(len(ids)) for ids in group] for group in sources]
        found = []
        clock = Clock()
        for group, each in zip(sources, options, strict=True):
            futures = [self._engine.submit(ids, option) for ids, option in zip(group, each, strict=True)]
            found += [future.result() for future in futures]
        return Turn(*clock.read(), tuple(self._target.decode(list(result.hypotheses[0].ids)) for result in found))

    def _options(self, source: int) -> SearchOptions:
        search = self._search
        limit = min(search.limit(source), self._sizes.max_target_length)
        return SearchOptions(search.beam_size, length_penalty=search.penalty, max_target_length=limit)

    def close(self) -> None:
        """See `System`."""
        self._engine.close(0.0)


class Marian:
    """pymarian, in a process of its own; which batches are best is tried before the clock starts."""

    def __init__(self, python: Path, model: Path, vocabularies: tuple[Path, Path], search: Search) -> None:
        self._command = [str(python), str(WORKER)]
        factor = search.factor
        self._options = (
            f"-m {model} -v {vocabularies[0]} {vocabularies[1]} --cpu-threads 1 -b {search.beam_size} "
            f"--normalize {search.penalty} --max-length-factor {factor} --max-length 512 --workspace 512 --quiet "
            f"--quiet-translation"
        )
        self._worker, self._batch = self._start(BATCHES[0]), BATCHES[0]

    def choose(self, groups: Groups) -> int:
        """The best of `BATCHES` for `groups`, which is used from now on."""
        if max(map(len, groups)) > BATCHES[-1]:
            seconds = {}
            for batch in BATCHES:
                self._use(batch)
                self.translate(groups)
                seconds[batch] = min(self.translate(groups).cpu_s for _ in range(2))
            self._use(min(seconds, key=lambda batch: seconds[batch]))
        return self._batch

    def translate(self, groups: Groups) -> Turn:
        """See `System`."""
        worker = self._worker
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdin.write(json.dumps({"lines": [list(group) for group in groups]}) + "\n")
        worker.stdin.flush()
        found = json.loads(worker.stdout.readline())
        return Turn(found["seconds"], found["cpu"], tuple(text for group in found["texts"] for text in group))

    def close(self) -> None:
        """See `System`."""
        assert self._worker.stdin is not None
        assert self._worker.stdout is not None
        self._worker.stdin.close()
        self._worker.wait()
        self._worker.stdout.close()

    def _use(self, batch: int) -> None:
        if batch != self._batch:
            self.close()
            self._worker, self._batch = self._start(batch), batch

    def _start(self, batch: int) -> "subprocess.Popen[str]":
        options = f"{self._options} --mini-batch {batch} --maxi-batch 100 --maxi-batch-sort src"
        worker = subprocess.Popen(
            [*self._command, options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        assert worker.stdout is not None
        worker.stdout.readline()  # it is there once it has loaded its model
        return worker


class CTranslate2:
    """A converted model."""

    def __init__(self, model: Path, vocabularies: tuple[Path, Path], search: Search) -> None:
        self._search = search
        self._source, self._target = (SentencePieceProcessor(model_file=str(path)) for path in vocabularies)
        self._translator = ctranslate2.Translator(str(model), compute_type="int8", inter_threads=1, intra_threads=1)

    def translate(self, groups: Groups) -> Turn:
        """See `System`. Calls of many lines are cut into batches of 16, sorted by length."""
        search = self._search
        sources = [self._source.encode(list(group), out_type=str) for group in groups]
        found = []
        clock = Clock()
        for group in sources:
            found += self._translator.translate_batch(
                group,
                beam_size=search.beam_size,
                length_penalty=search.penalty,
                max_input_length=0,
                min_decoding_length=search.length or 1,
                max_decoding_length=search.limit(max(map(len, group)) + 1),
                max_batch_size=BATCHES[-1] if len(group) > BATCHES[-1] and not search.length else 0,
            )
        return Turn(*clock.read(), tuple(self._target.decode(result.hypotheses[0]) for result in found))

    def close(self) -> None:
        """See `System`."""
        self._translator.unload_model()
