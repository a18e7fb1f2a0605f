"""Row memory of one engine thread: what every running row has read and written so far. numpy only.

Holds the decoder's inputs and outputs as arrays of [max_rows, ...] that the runtime binds once; must not know
sentences, search or onnxruntime. The rows in use are always [0:num_rows]: where a row leaves, the last one moves in.
A row is ragged: of its capacity only its own source length and its own position count are ever read.

Bytes of a decoder layer: `8 * d_model * max_rows * (source capacity + target capacity)`, the float32 keys and values of
both attentions, and a quarter of that where they are int8; with SSRU the target's part is `4 * d_model * max_rows`
instead. 64 rows of d=256 take 16 MiB a layer in float32 at the first capacities of 64 + 64 positions, and grow by
doubling to the model's maximum (64 MiB at 256 + 256).
`shrink` gives back what has not been needed for a while.
"""

import math
import mmap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.bundle import Manifest
from server.engine.tensors import ALIGNMENT_QUERY, TensorSpec, axis_sizes, cross_inputs, present_name, state_inputs

# Positions allocated at first; most sentences fit, and doubling from here reaches any model in a few copies.
FIRST_CAPACITY = 64


@dataclass(eq=False)
class Lease:
    """The rows that one sentence holds. `rows` changes when the memory is compacted; read it anew at every step."""

    rows: list[int]


class Slots:
    """Rows, their tensors and their lengths.

    Attributes:
        num_rows: rows in use.
        generation: grows whenever arrays were replaced, so that bindings to them must be made anew.
    """

    def __init__(self, manifest: Manifest, max_rows: int) -> None:
        dimensions = manifest.dimensions
        self.num_rows = 0
        self.generation = 0
        self._max_rows = max_rows
        self._sizes = axis_sizes(dimensions)
        self._limits = {"S": dimensions.max_source_length, "P": dimensions.max_target_length}
        self._capacities = self._first_capacities()
        self._cross_specs = cross_inputs(manifest)
        self._state_specs = state_inputs(manifest)
        self._output_name = manifest.decoder_output
        self._reach = 0  # no row has more positions than this; an upper bound
        # The most that a row took since the last `shrink`, or is to have room for.
        self._needed = dict.fromkeys(self._limits, 0)
        self._alignment_keys = f"past_key_values.{manifest.alignment_layer}.encoder.key"
        self._alignment_heads = manifest.alignment_heads or dimensions.num_heads
        self._queries = np.zeros((max_rows, dimensions.d_model), np.float32) if manifest.alignment_layer >= 0 else None
        self._leases: list[Lease] = []
        self._last_ids = np.zeros((max_rows, 1), np.int64)
        self._positions = np.zeros((max_rows, 1), np.int64)
        self._source_lengths = np.zeros(max_rows, np.int32)
        self._next_scores = np.zeros((max_rows, dimensions.target_vocab_size), np.float32)
        self._tensors = {spec.name: self._allocate(spec) for spec in self._cross_specs + self._state_specs}

    @property
    def next_scores(self) -> NDArray[np.float32]:
        """[R, V] float32 view of the rows in use: what the last decode step gave, by `Manifest.decoder_output`.

        Whoever reads it may overwrite it.
        """
        return self._next_scores[: self.num_rows]

    @property
    def num_bytes(self) -> int:
        """Bytes allocated for the cached tensors (resident or not)."""
        return sum(tensor.nbytes for tensor in self._tensors.values())

    @property
    def max_bytes(self) -> int:
        """Bytes that these take where sources and targets are as long as they may be."""
        return sum(self._shape_and_bytes(spec, self._limits)[1] for spec in self._cross_specs + self._state_specs)

    def inputs(self) -> Mapping[str, NDArray[Any]]:
        """The decoder's inputs by name, each [max_rows, ...]."""
        return {
            "input_ids": self._last_ids,
            "position_ids": self._positions,
            "source_lengths": self._source_lengths,
            **self._tensors,
        }

    def outputs(self) -> Mapping[str, NDArray[Any]]:
        """The decoder's outputs by name: scores of the next ids, and the memory of each `past_key_values`."""
        return {
            self._output_name: self._next_scores,
            **({} if self._queries is None else {ALIGNMENT_QUERY: self._queries}),
            **{present_name(name): array for name, array in self._tensors.items()},
        }

    def add(self, cross: Sequence[NDArray[Any]], index: int, source_length: int, num_rows: int, start_id: int) -> Lease:
        """Take `num_rows` rows for one sentence, all at the start of the same target.

        Args:
            cross: [B, H, S, E] per `tensors.encoder_outputs`.
            index: which of the B sentences.
            source_length: ids of it that are real.
            num_rows: rows to take; the caller has seen that they are free.
            start_id: first id the decoder reads.
        """
        first, last = self.num_rows, self.num_rows + num_rows
        assert last <= self._max_rows, "more rows than there are"
        self._reserve("S", source_length)
        for spec, encoded in zip(self._cross_specs, cross, strict=True):
            self._tensors[spec.name][first:last, :, :source_length] = encoded[index, :, :source_length]
        for spec in self._state_specs:
            if spec.axes == "RD":
                self._tensors[spec.name][first:last] = 0.0
        self._last_ids[first:last] = start_id
        self._positions[first:last] = 0
        self._source_lengths[first:last] = source_length
        lease = Lease(list(range(first, last)))
        self._leases.extend([lease] * num_rows)
        self.num_rows = last
        return lease

    def release(self, lease: Lease) -> None:
        """Free the rows of `lease`; the last rows move into the gaps."""
        for row in sorted(lease.rows, reverse=True):
            last = self.num_rows - 1
            self._needed["P"] = max(self._needed["P"], int(self._positions[row, 0]))
            if row != last:
                self._move(last, row)
            self._leases.pop()
            self.num_rows = last
        lease.rows = []

    def prepare_step(self) -> None:
        """Make room for one more position in every row; call before the decode step."""
        if self._reach >= self._capacities["P"]:  # or it may be: rows have left since it was counted
            self._reach = int(self._positions[: self.num_rows].max(initial=0))
            self._reserve("P", self._reach + 1)

    def advance(self, ids: NDArray[np.int64]) -> None:
        """After a decode step: every row has one more position, and reads `ids` [R] int64 next."""
        self._positions[: self.num_rows] += 1
        self._reach += 1
        self._last_ids[: self.num_rows, 0] = ids

    @property
    def tells_attention(self) -> bool:
        """Whether `attention` may be asked."""
        return self._queries is not None

    def attention(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """[K, L]: how the last decode step's `rows`, all of one sentence, spread over its L source ids; sums to 1.

        Only where `Manifest.alignment_layer` names a layer.
        """
        assert self._queries is not None, "the model tells no alignment"
        heads, length = self._alignment_heads, self._source_lengths[rows[0]]
        keys = self._tensors[self._alignment_keys][rows[0], :heads, :length].astype(np.float32)
        queries = self._queries[rows].reshape(len(rows), -1, keys.shape[2])[:, :heads]
        scores = np.einsum("khe,hle->khl", queries, keys)
        weights = np.exp(scores - scores.max(axis=2, keepdims=True))
        mean: NDArray[np.float32] = (weights / weights.sum(axis=2, keepdims=True)).mean(axis=1)
        return mean

    def reorder(self, rows: Sequence[int], parents: Sequence[int]) -> None:
        """Let each of `rows` go on from what its parent row has cached; the source is the same by definition.

        Args:
            rows: rows whose parent is another row.
            parents: that row, one for each of `rows`; a row may be both.
        """
        if not rows:
            return
        to, source = np.asarray(rows), np.asarray(parents)
        used = int(self._positions[source].max())
        for spec in self._state_specs:
            tensor = self._tensors[spec.name]
            if spec.axes == "RD":
                tensor[to] = tensor[source]  # indexing copies, so a row may be overwritten after it was read
            else:
                tensor[to, :, :used] = tensor[source, :, :used]

    def shrink(self) -> None:
        """Give back what nobody has needed since the last call; called twice in a row, all that nobody needs now."""
        # Twice, since targets go on growing.
        now = {"S": self._longest("S"), "P": 2 * self._longest("P")}
        for axis, needed in self._needed.items():
            capacity = min(FIRST_CAPACITY, self._limits[axis])
            while capacity < max(needed, now[axis]):
                capacity *= 2
            if capacity < self._capacities[axis]:
                self._resize(axis, capacity)
        self._needed = now

    def _move(self, source: int, to: int) -> None:
        source_length, position = int(self._source_lengths[source]), int(self._positions[source, 0])
        for spec in self._cross_specs:
            tensor = self._tensors[spec.name]
            tensor[to, :, :source_length] = tensor[source, :, :source_length]
        for spec in self._state_specs:
            tensor = self._tensors[spec.name]
            if spec.axes == "RD":
                tensor[to] = tensor[source]
            else:
                tensor[to, :, :position] = tensor[source, :, :position]
        for array in (self._last_ids, self._positions, self._source_lengths):
            array[to] = array[source]
        lease = self._leases[source]
        lease.rows[lease.rows.index(source)] = to
        self._leases[to] = lease

    def _reserve(self, axis: str, length: int) -> None:
        """Have at least `length` positions along `axis` (S or P)."""
        self._needed[axis] = max(self._needed[axis], length)
        old = self._capacities[axis]
        if length <= old:
            return
        limit = self._limits[axis]
        assert length <= limit, f"{length} positions, the model has {limit}"
        self._resize(axis, min(max(length, 2 * old), limit))

    def _resize(self, axis: str, capacity: int) -> None:
        """Move the rows in use to memory of `capacity` positions along `axis`."""
        assert self._longest(axis) <= capacity, "rows would lose what they have cached"
        kept = min(capacity, self._capacities[axis])
        self._capacities[axis] = capacity
        for spec in self._cross_specs + self._state_specs:
            if axis in spec.axes:
                old, new = self._tensors[spec.name], self._allocate(spec)
                new[: self.num_rows, :, :kept] = old[: self.num_rows, :, :kept]
                self._tensors[spec.name] = new
        self.generation += 1

    def _longest(self, axis: str) -> int:
        """Positions along `axis` that the rows in use have filled, at most."""
        filled = self._source_lengths if axis == "S" else self._positions
        return int(filled[: self.num_rows].max(initial=0))

    def _first_capacities(self) -> dict[str, int]:
        return {axis: min(FIRST_CAPACITY, limit) for axis, limit in self._limits.items()}

    def _allocate(self, spec: TensorSpec) -> NDArray[Any]:
        """Zeros, in memory of its own that goes back to the system with the array: pages cost nothing until touched."""
        shape, num_bytes = self._shape_and_bytes(spec, self._capacities)
        pages = mmap.mmap(-1, num_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        return np.frombuffer(pages, spec.dtype).reshape(shape)

    def _shape_and_bytes(self, spec: TensorSpec, capacities: Mapping[str, int]) -> tuple[list[int], int]:
        sizes = {**self._sizes, **capacities, "R": self._max_rows}
        shape = [sizes[axis] for axis in spec.axes]
        return shape, np.dtype(spec.dtype).itemsize * math.prod(shape)
