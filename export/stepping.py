"""Decoding in lock step over the two graphs: a batch from its first id to its last, nobody joining or leaving.

The plain loop for calibration and verification, on the bindings of the server's own runtime. Sources are padded as
the contract asks. Axis letters: B sentences, S source ids, T target ids, V vocabulary.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from server.bundle import Manifest
from server.engine.runtime import DecodeStep
from server.engine.tensors import (
    TensorSpec,
    axis_sizes,
    cross_inputs,
    decoder_inputs,
    decoder_outputs,
    present_name,
    state_inputs,
)

Array = NDArray[np.float32]


class StepRuntime(Protocol):
    """What a loop needs of `server.engine.runtime.Runtime`."""

    def encode(self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64]) -> list[Array]:
        """Cross keys and values [B, H, S, E] of a padded batch of sources."""

    def bind_step(self, inputs: Mapping[str, NDArray[Any]], outputs: Mapping[str, NDArray[Any]]) -> DecodeStep:
        """A decode step over the caller's own memory, by tensor name."""


@dataclass(frozen=True)
class Greedy:
    """What greedy search gave for one sentence.

    Attributes:
        ids: without BOS and EOS.
        complete: it ended by itself, not at the limit.
        margin: smallest lead of the chosen id over the next best in log-probability, over all steps. What it exceeds,
            in noise, cannot change the ids.
    """

    ids: tuple[int, ...]
    complete: bool
    margin: float


class LockStep:
    """A batch of sentences, all at the same position."""

    def __init__(
        self,
        runtime: StepRuntime,
        manifest: Manifest,
        sources: Sequence[Sequence[int]],
        taps: Mapping[str, NDArray[Any]] | None = None,
    ) -> None:
        """Encode `sources` and bind the decoder to fresh memory.

        Args:
            runtime: runs the two graphs.
            manifest: of their bundle.
            sources: ids, prefix and EOS included.
            taps: memory [B, ...] of further outputs, by name; None for none.
        """
        self.num_rows = len(sources)
        self.manifest = manifest
        input_ids, mask = pad_sources(sources, manifest)
        sizes = {**axis_sizes(manifest.dimensions), "R": self.num_rows, "S": input_ids.shape[1], "1": 1}
        sizes["P"] = manifest.dimensions.max_target_length
        cross = runtime.encode(input_ids, mask)
        caches = {spec.name: array for spec, array in zip(cross_inputs(manifest), cross, strict=True)}
        caches |= {spec.name: _zeros(spec, sizes) for spec in state_inputs(manifest)}
        rest = [spec for spec in decoder_inputs(manifest) if spec.name not in caches]
        self._inputs = {spec.name: _zeros(spec, sizes) for spec in rest}
        self._inputs["source_lengths"][:] = mask.sum(1)
        self._log_probs = _zeros(decoder_outputs(manifest)[0], sizes)
        outputs = {present_name(name): array for name, array in caches.items()}
        outputs[manifest.decoder_output] = self._log_probs
        self._step = runtime.bind_step(self._inputs | caches, outputs | dict(taps or {}))

    def advance(self, ids: NDArray[np.int64]) -> Array:
        """Log-probabilities [B, V] after `ids` [B]; the next call overwrites them."""
        self._inputs["input_ids"][:, 0] = ids
        self._step.run(self.num_rows)
        self._inputs["position_ids"] += 1
        return self._log_probs


def force(loop: LockStep, targets: Sequence[Sequence[int]]) -> list[Array]:
    """Log-probabilities [T + 1, V] of each sentence when BOS and then its target ids are fed, whatever would be chosen.

    A target of the model's full length has no step after its last id: [T, V].
    """
    bos, eos = loop.manifest.special_ids.bos, loop.manifest.special_ids.eos
    fed = [[bos, *target][: loop.manifest.dimensions.max_target_length] for target in targets]
    num_steps = max(map(len, fed))
    steps = [loop.advance(np.array([(ids[t : t + 1] or [eos])[0] for ids in fed])).copy() for t in range(num_steps)]
    return [np.stack([step[row] for step in steps[: len(ids)]]) for row, ids in enumerate(fed)]


def search_greedily(
    loop: LockStep, limits: Sequence[int], observe: Callable[[NDArray[np.bool_]], None] | None = None
) -> list[Greedy]:
    """Greedy search of every sentence.

    Args:
        loop: fresh, at the start of its sentences.
        limits: [B] ids to generate at most, EOS included.
        observe: called after each step with the rows [B] whose sentences were running in it; None for nobody.
    """
    eos, suppressed = loop.manifest.special_ids.eos, list(loop.manifest.suppressed_ids)
    ids = np.full(loop.num_rows, loop.manifest.special_ids.bos)
    chosen: list[list[int]] = [[] for _ in limits]
    margins = np.full(loop.num_rows, np.inf)
    running = np.ones(loop.num_rows, bool)
    while running.any():
        log_probs = loop.advance(ids)
        if observe is not None:
            observe(running)
        log_probs[:, suppressed] = -np.inf
        ids = log_probs.argmax(1)
        best = np.partition(log_probs, -2, axis=1)[:, -2:]
        margins = np.where(running, np.minimum(margins, best[:, 1] - best[:, 0]), margins)
        for row in map(int, np.flatnonzero(running)):
            chosen[row].append(int(ids[row]))
            running[row] = ids[row] != eos and len(chosen[row]) < limits[row]
    complete = [row[-1] == eos for row in chosen]
    return [
        Greedy(tuple(row[:-1] if ended else row), ended, float(margin))
        for row, ended, margin in zip(chosen, complete, margins, strict=True)
    ]


def pad_sources(sources: Sequence[Sequence[int]], manifest: Manifest) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ids and mask [B, S], S the next multiple of `source_multiple`."""
    multiple = manifest.dimensions.source_multiple
    size = -(-max(map(len, sources)) // multiple) * multiple
    mask = np.array([[1] * len(ids) + [0] * (size - len(ids)) for ids in sources], np.int64)
    input_ids = np.full(mask.shape, manifest.special_ids.pad, np.int64)
    input_ids[mask == 1] = [i for ids in sources for i in ids]
    return input_ids, mask


def _zeros(spec: TensorSpec, sizes: Mapping[str, int]) -> NDArray[Any]:
    return np.zeros([sizes[axis] for axis in spec.axes], spec.dtype)
