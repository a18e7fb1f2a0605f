"""Row memory against a plain dictionary of rows, over random comings, goings and reorderings."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from server.bundle import DecoderMixing
from server.engine.slots import FIRST_CAPACITY, Lease, Slots
from server.engine.tensors import cross_inputs, present_name, state_inputs
from tests.server.engine.toy import BOS, DIMENSIONS, MANIFEST

MAX_ROWS = 7
H, E, D = DIMENSIONS.num_heads, DIMENSIONS.head_dim, DIMENSIONS.d_model


class Model:
    """One sentence as it should be in memory: its source, and for each of its rows what the steps wrote."""

    def __init__(self, lease: Lease, cross: list[NDArray[np.float32]], num_rows: int) -> None:
        self.lease = lease
        self.cross = cross  # per tensor [H, S, E]
        self.written: list[list[float]] = [[] for _ in range(num_rows)]
        self.last_ids = [BOS] * num_rows


class Memory:
    """Slots and their model, changed together."""

    def __init__(self, mixing: DecoderMixing, seed: int) -> None:
        self.manifest = replace(MANIFEST, decoder_mixing=mixing)
        self.slots = Slots(self.manifest, MAX_ROWS)
        self.rng = np.random.default_rng(seed)
        self.sentences: list[Model] = []

    def add(self, num_rows: int, source_length: int) -> None:
        cross = [self.rng.normal(size=(3, H, 150, E)).astype(np.float32) for _ in cross_inputs(self.manifest)]
        lease = self.slots.add(cross, 1, source_length, num_rows, BOS)
        self.sentences.append(Model(lease, [c[1, :, :source_length] for c in cross], num_rows))

    def release(self, index: int) -> None:
        self.slots.release(self.sentences.pop(index).lease)

    def step(self) -> None:
        """Write a number of its own for each row, as a decode step would, then reorder every sentence at random."""
        self.slots.prepare_step()
        inputs = self.slots.inputs()
        numbers = self.rng.normal(size=self.slots.num_rows).astype(np.float32)
        for row in range(self.slots.num_rows):
            for spec in state_inputs(self.manifest):
                tensor = inputs[spec.name]
                if spec.axes == "RD":
                    tensor[row] = tensor[row] * 0.5 + numbers[row]
                else:
                    tensor[row, :, inputs["position_ids"][row, 0]] = numbers[row]
        ids = self.rng.integers(4, 99, self.slots.num_rows)
        self.slots.advance(ids)
        moves = []
        for sentence in self.sentences:
            rows = sentence.lease.rows
            parents = self.rng.integers(0, len(rows), len(rows)).tolist()
            written = [sentence.written[k] + [float(numbers[rows[k]])] for k in range(len(rows))]
            sentence.written = [list(written[k]) for k in parents]
            sentence.last_ids = ids[rows].tolist()
            moves += [(row, rows[k]) for row, k in zip(rows, parents, strict=True) if row != rows[k]]
        self.slots.reorder([row for row, _ in moves], [parent for _, parent in moves])

    def check(self) -> None:
        inputs = self.slots.inputs()
        rows = sorted(row for sentence in self.sentences for row in sentence.lease.rows)
        assert rows == list(range(self.slots.num_rows)), "rows in use are the first ones"
        for sentence in self.sentences:
            for k, row in enumerate(sentence.lease.rows):
                length, position = inputs["source_lengths"][row], inputs["position_ids"][row, 0]
                assert position == len(sentence.written[k])
                assert inputs["input_ids"][row, 0] == sentence.last_ids[k]
                for spec, cross in zip(cross_inputs(self.manifest), sentence.cross, strict=True):
                    np.testing.assert_array_equal(inputs[spec.name][row, :, :length], cross)
                self.check_state(row, sentence.written[k])

    def check_state(self, row: int, written: list[float]) -> None:
        for spec in state_inputs(self.manifest):
            tensor = self.slots.inputs()[spec.name]
            if spec.axes == "RD":
                state = np.float32(0)
                for number in written:
                    state = state * np.float32(0.5) + np.float32(number)
                np.testing.assert_allclose(tensor[row], np.full(D, state), rtol=1e-6)
            else:
                expected = np.broadcast_to(np.array(written, np.float32)[:, None], (H, len(written), E))
                np.testing.assert_array_equal(tensor[row, :, : len(written)], expected)


@pytest.mark.parametrize("mixing", ["attention", "ssru"])
@pytest.mark.parametrize("seed", range(4))
def test_rows_keep_what_is_theirs(mixing: DecoderMixing, seed: int) -> None:
    memory = Memory(mixing, seed)
    for _ in range(150):
        free = MAX_ROWS - memory.slots.num_rows
        action = memory.rng.integers(0, 5)
        if action == 0 and free:
            memory.add(int(memory.rng.integers(1, free + 1)), int(memory.rng.integers(1, 151)))
        elif action == 1 and memory.sentences:
            memory.release(int(memory.rng.integers(0, len(memory.sentences))))
        elif action == 2:
            memory.slots.shrink()
        elif memory.slots.num_rows:
            memory.step()
        memory.check()


def test_capacity_grows_with_need_and_shrinks_without() -> None:
    memory = Memory("attention", 0)
    first_bytes, first_generation = memory.slots.num_bytes, memory.slots.generation
    # The module's formula: 8 bytes x d_model x rows x (S + P), for each layer.
    assert first_bytes == DIMENSIONS.num_decoder_layers * 8 * D * MAX_ROWS * 2 * FIRST_CAPACITY
    memory.add(2, source_length=150)
    for _ in range(DIMENSIONS.max_target_length):
        memory.step()
    memory.check()
    assert memory.slots.num_bytes == DIMENSIONS.num_decoder_layers * 8 * D * MAX_ROWS * (150 + 200)
    assert memory.slots.num_bytes == memory.slots.max_bytes
    assert memory.slots.generation > first_generation
    memory.add(3, source_length=5)
    memory.slots.shrink()
    memory.check()
    assert memory.slots.num_bytes == DIMENSIONS.num_decoder_layers * 8 * D * MAX_ROWS * (150 + 200), "still in use"
    memory.release(0)
    memory.slots.shrink()
    assert memory.slots.num_bytes > first_bytes, "needed since the last time"
    memory.slots.shrink()
    assert memory.slots.num_bytes == first_bytes
    memory.step()
    memory.check()


def test_shrink_leaves_what_was_filled_in_memory_that_had_grown_before() -> None:
    memory = Memory("attention", 0)
    memory.add(1, source_length=5)
    for _ in range(FIRST_CAPACITY + 1):
        memory.step()
    memory.add(1, source_length=5)
    memory.release(0)
    memory.slots.shrink()
    for _ in range(FIRST_CAPACITY + 1):  # it need not grow for these
        memory.step()
    memory.slots.shrink()
    memory.check()
    memory.step()
    memory.check()


def test_shrink_of_what_never_grew_keeps_bindings() -> None:
    slots = Slots(MANIFEST, MAX_ROWS)
    slots.shrink()
    assert slots.generation == 0


def test_outputs_share_the_memory_of_inputs() -> None:
    slots = Slots(MANIFEST, MAX_ROWS)
    inputs, outputs = slots.inputs(), slots.outputs()
    for spec in cross_inputs(MANIFEST) + state_inputs(MANIFEST):
        assert outputs[present_name(spec.name)] is inputs[spec.name]
    assert outputs["logits"].shape == (MAX_ROWS, DIMENSIONS.vocab_size)
