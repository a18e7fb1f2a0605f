"""A tiny but real bundle, authored with onnx.helper, and a slow twin of the engine to compare with.

The weights are random, so the translations mean nothing; but each depends on every id of its source, so an answer
given to the wrong caller shows. Every axis has a size of its own.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from server.bundle import (
    FORMAT,
    Bundle,
    DecoderMixing,
    Dimensions,
    GoldenLine,
    LanguagePair,
    Manifest,
    SearchDefaults,
    SpecialIds,
    describe_file,
    read_bundle,
    write_manifest,
)
from server.engine.job import default_max_target_length

PAD, UNK, BOS, EOS = 0, 1, 2, 3
SPECIAL_IDS = SpecialIds(pad=PAD, unk=UNK, bos=BOS, eos=EOS)
SUPPRESSED_IDS = (PAD, UNK, BOS)
DIMENSIONS = Dimensions(
    d_model=32,
    d_ff=48,
    num_heads=4,
    head_dim=8,
    num_encoder_layers=1,
    num_decoder_layers=2,
    vocab_size=137,
    target_vocab_size=137,
    max_source_length=150,
    max_target_length=200,
    source_multiple=16,
)
MANIFEST = Manifest(
    format=FORMAT,
    name="toy",
    version="1",
    created_with="tests",
    precision="fp32",
    decoder_mixing="attention",
    pairs=(LanguagePair("de", "en", ()),),
    special_ids=SPECIAL_IDS,
    suppressed_ids=SUPPRESSED_IDS,
    dimensions=DIMENSIONS,
    search=SearchDefaults(beam_size=1, length_penalty=1.0),
    quality=(),
    files={},
)

Author = Callable[["GraphAuthor", Dimensions, DecoderMixing], None]


class GraphAuthor:
    """Collects the nodes, weights, inputs and outputs of one graph."""

    def __init__(self, seed: int) -> None:
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []
        self._rng = np.random.default_rng(seed)

    def input(self, name: str, dtype: int, shape: list[int | str]) -> str:
        self.inputs.append(helper.make_tensor_value_info(name, dtype, shape))
        return name

    def output(self, name: str, shape: list[int | str]) -> None:
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    def constant(self, value: Any, dtype: Any = np.int64) -> str:
        name = f"constant_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.array(value, dtype), name))
        return name

    def random(self, *shape: int, scale: float) -> str:
        return self.constant(self._rng.normal(size=shape) * scale, np.float32)

    def node(self, op: str, inputs: list[str], outputs: list[str] | None = None, **attributes: Any) -> str:
        outputs = outputs or [f"{op}_{len(self.nodes)}"]
        domain = "com.microsoft" if op == "GroupQueryAttention" else ""
        self.nodes.append(helper.make_node(op, inputs, outputs, domain=domain, **attributes))
        return outputs[0]

    def linear(self, x: str, rows: int, columns: int) -> str:
        return self.node("MatMul", [x, self.random(rows, columns, scale=rows**-0.5)])

    def build(self, name: str) -> bytes:
        graph = helper.make_graph(self.nodes, name, self.inputs, self.outputs, initializer=self.weights)
        opsets = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
        model: onnx.ModelProto = helper.make_model(graph, opset_imports=opsets, ir_version=9)
        return bytes(model.SerializeToString())


def author_encoder(graph: GraphAuthor, sizes: Dimensions, mixing: DecoderMixing) -> None:
    """One layer of single-head attention, then keys and values for every decoder layer."""
    D, H, E = sizes.d_model, sizes.num_heads, sizes.head_dim
    input_ids = graph.input("input_ids", TensorProto.INT64, ["B", "S"])
    mask = graph.input("attention_mask", TensorProto.INT64, ["B", "S"])
    length = graph.node("Shape", [input_ids], start=1, end=2)
    table = graph.random(sizes.max_source_length + sizes.source_multiple, D, scale=1.0)
    positions = graph.node("Slice", [table, graph.constant([0]), length])
    embedded = graph.node("Gather", [graph.random(sizes.vocab_size, D, scale=1.0), input_ids])
    x = graph.node("Add", [embedded, positions])
    scores = graph.node(
        "MatMul", [graph.linear(x, D, D), graph.node("Transpose", [graph.linear(x, D, D)], perm=[0, 2, 1])]
    )
    dropped = graph.node("Sub", [graph.constant(1.0, np.float32), graph.node("Cast", [mask], to=TensorProto.FLOAT)])
    bias = graph.node("Mul", [dropped, graph.constant(-1e9, np.float32)])
    scores = graph.node("Add", [scores, graph.node("Unsqueeze", [bias, graph.constant([1])])])
    mixed = graph.node("MatMul", [graph.node("Softmax", [scores], axis=-1), graph.linear(x, D, D)])
    x = graph.node("Add", [x, mixed])
    for layer in range(sizes.num_decoder_layers):
        for kind in ("key", "value"):
            heads = graph.node("Reshape", [graph.linear(x, D, D), graph.constant([0, 0, H, E])])
            name = f"present.{layer}.encoder.{kind}"
            graph.node("Transpose", [heads], [name], perm=[0, 2, 1, 3])
            graph.output(name, ["B", H, "S", E])


def author_decoder(graph: GraphAuthor, sizes: Dimensions, mixing: DecoderMixing) -> None:
    """One step of every row, as the contract in `server.bundle` has it."""
    D, V = sizes.d_model, sizes.vocab_size
    input_ids = graph.input("input_ids", TensorProto.INT64, ["R", 1])
    position_ids = graph.input("position_ids", TensorProto.INT64, ["R", 1])
    source_lengths = graph.input("source_lengths", TensorProto.INT32, ["R"])
    embedded = graph.node("Gather", [graph.random(V, D, scale=1.0), input_ids])
    table = graph.random(sizes.max_target_length, D, scale=0.5)
    x = graph.node("Add", [embedded, graph.node("Gather", [table, position_ids])])
    cross_last = graph.node("Sub", [source_lengths, graph.constant(1, np.int32)])
    self_last = graph.node("Squeeze", [position_ids, graph.constant([1])])
    self_last = graph.node("Cast", [self_last], to=TensorProto.INT32)
    nothing = graph.node("Slice", [embedded, graph.constant([0]), graph.constant([0]), graph.constant([1])])
    for layer in range(sizes.num_decoder_layers):
        if mixing == "ssru":
            mixed = _author_ssru(graph, x, sizes, layer)
        else:
            states = [graph.linear(x, D, D) for _ in range(3)]
            mixed = _author_attention(graph, states, sizes, f"{layer}.decoder", self_last, "P")
        x = graph.node("Add", [x, graph.linear(mixed, D, D)])
        states = [graph.linear(x, D, D), nothing, nothing]
        mixed = _author_attention(graph, states, sizes, f"{layer}.encoder", cross_last, "S")
        x = graph.node("Add", [x, graph.linear(mixed, D, D)])
        hidden = graph.node("Relu", [graph.linear(x, D, sizes.d_ff)])
        x = graph.node("Add", [x, graph.linear(hidden, sizes.d_ff, D)])
    logits = graph.linear(graph.node("Squeeze", [x, graph.constant([1])]), D, V)
    # Without help a random model would rarely choose EOS.
    wish = graph.random(sizes.max_target_length, 1, scale=3.0)
    wish = graph.node("Squeeze", [graph.node("Gather", [wish, position_ids]), graph.constant([1])])
    only_eos = graph.constant(np.eye(V)[[EOS]], np.float32)
    graph.node("Add", [logits, graph.node("Mul", [wish, only_eos])], ["logits"])
    graph.output("logits", ["R", V])


def _author_attention(graph: GraphAuthor, states: list[str], sizes: Dimensions, name: str, last: str, axis: str) -> str:
    shape: list[int | str] = ["R", sizes.num_heads, axis, sizes.head_dim]
    past = [graph.input(f"past_key_values.{name}.{kind}", TensorProto.FLOAT, shape) for kind in ("key", "value")]
    present = [f"present.{name}.{kind}" for kind in ("key", "value")]
    capacity = graph.node("Cast", [graph.node("Shape", [past[0]], start=2, end=3)], to=TensorProto.INT32)
    mixed = f"mixed.{name}"
    heads = {"num_heads": sizes.num_heads, "kv_num_heads": sizes.num_heads, "scale": 1.0}
    graph.node("GroupQueryAttention", [*states, *past, last, capacity], [mixed, *present], **heads)
    for output in present:
        graph.output(output, shape)
    return mixed


def _author_ssru(graph: GraphAuthor, x: str, sizes: Dimensions, layer: int) -> str:
    """c = f * c + (1 - f) * v."""
    D = sizes.d_model
    before = graph.input(f"past_key_values.{layer}.decoder.state", TensorProto.FLOAT, ["R", D])
    flat = graph.node("Squeeze", [x, graph.constant([1])])
    forget = graph.node("Sigmoid", [graph.linear(flat, D, D)])
    rest = graph.node("Sub", [graph.constant(1.0, np.float32), forget])
    new = graph.node("Mul", [rest, graph.linear(flat, D, D)])
    state = f"present.{layer}.decoder.state"
    graph.node("Add", [graph.node("Mul", [forget, before]), new], [state])
    graph.output(state, ["R", D])
    return graph.node("Unsqueeze", [graph.node("Relu", [state]), graph.constant([1])])


def write_toy_bundle(
    folder: Path,
    mixing: DecoderMixing = "attention",
    dimensions: Dimensions = DIMENSIONS,
    encoder: Author = author_encoder,
    decoder: Author = author_decoder,
) -> Bundle:
    """Write a toy bundle into the new folder `folder` and read it back."""
    folder.mkdir(parents=True)
    for role, author, seed in (("encoder", encoder, 1), ("decoder", decoder, 2)):
        graph = GraphAuthor(seed)
        author(graph, dimensions, mixing)
        (folder / f"{role}.onnx").write_bytes(graph.build(role))
    (folder / "spm.model").write_bytes(b"no tokenizer")
    (folder / "golden.jsonl").write_bytes(b"")
    names = {"encoder": "encoder.onnx", "decoder": "decoder.onnx", "tokenizer": "spm.model", "golden": "golden.jsonl"}
    files = {role: describe_file(folder, name) for role, name in names.items()}
    write_manifest(folder, replace(MANIFEST, decoder_mixing=mixing, dimensions=dimensions, files=files))
    return read_bundle(folder)


def random_sources(count: int, shortest: int, longest: int, seed: int) -> list[tuple[int, ...]]:
    """Sources of random ids, EOS at the end, lengths in [shortest, longest]."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(shortest, longest + 1, count).tolist()
    return [(*rng.integers(EOS + 1, DIMENSIONS.vocab_size, length - 1).tolist(), EOS) for length in lengths]


@dataclass
class Twin:
    """The slow, obvious decoder: one sentence, one row, no binding, no engine code but the default length."""

    bundle: Bundle

    def __post_init__(self) -> None:
        self._encoder = ort.InferenceSession(self.bundle.file("encoder"), providers=["CPUExecutionProvider"])
        self._decoder = ort.InferenceSession(self.bundle.file("decoder"), providers=["CPUExecutionProvider"])
        self._sizes = self.bundle.manifest.dimensions

    def greedy(self, source_ids: tuple[int, ...], max_target_length: int | None = None) -> tuple[int, ...]:
        """Greedy ids without EOS."""
        limit = max_target_length or default_max_target_length(len(source_ids))
        state = self._begin(source_ids)
        ids: list[int] = []
        while len(ids) < min(limit, self._sizes.max_target_length):
            log_probs = self._step(state, ids[-1] if ids else BOS, len(ids))
            ids.append(int(log_probs.argmax()))
            if ids[-1] == EOS:
                return tuple(ids[:-1])
        return tuple(ids)

    def log_probs(self, source_ids: tuple[int, ...], target_ids: tuple[int, ...]) -> NDArray[np.float64]:
        """[V] log-probabilities of what follows `target_ids`, from the start, without any cache kept."""
        state = self._begin(source_ids)
        for position, token in enumerate((BOS, *target_ids)):
            log_probs = self._step(state, token, position)
        return log_probs

    def _begin(self, source_ids: tuple[int, ...]) -> dict[str, NDArray[Any]]:
        padded = -(-len(source_ids) // self._sizes.source_multiple) * self._sizes.source_multiple
        input_ids = np.full((1, padded), PAD, np.int64)
        input_ids[0, : len(source_ids)] = source_ids
        mask = (np.arange(padded)[None] < len(source_ids)).astype(np.int64)
        names = [output.name for output in self._encoder.get_outputs()]
        encoded = self._encoder.run(names, {"input_ids": input_ids, "attention_mask": mask})
        state = {_past(name): array for name, array in zip(names, encoded, strict=True)}
        state["source_lengths"] = np.array([len(source_ids)], np.int32)
        for tensor in self._decoder.get_inputs():
            if ".decoder." in tensor.name:
                shape = [{"R": 1, "P": self._sizes.max_target_length}.get(size, size) for size in tensor.shape]
                state[tensor.name] = np.zeros(shape, np.float32)
        return state

    def _step(self, state: dict[str, NDArray[Any]], token: int, position: int) -> NDArray[np.float64]:
        ids = {"input_ids": np.array([[token]], np.int64), "position_ids": np.array([[position]], np.int64)}
        names = [output.name for output in self._decoder.get_outputs()]
        outputs = dict(zip(names, self._decoder.run(names, state | ids), strict=True))
        scores: NDArray[np.float64] = outputs.pop("logits")[0].astype(np.float64)
        state.update({_past(name): array for name, array in outputs.items()})
        scores -= scores.max()
        scores -= np.log(np.exp(scores).sum())
        scores[list(SUPPRESSED_IDS)] = -np.inf
        return scores


def _past(name: str) -> str:
    return name.replace("present.", "past_key_values.")


def golden_lines(bundle: Bundle, count: int) -> list[GoldenLine]:
    """Golden lines as the twin translates them."""
    twin = Twin(bundle)
    sources = random_sources(count, 3, 20, seed=5)
    return [GoldenLine("de", "en", "", source, twin.greedy(source)) for source in sources]


def dump_manifest(bundle: Bundle) -> dict[str, Any]:
    """The manifest as JSON data, to be spoiled by a test."""
    data: dict[str, Any] = json.loads(json.dumps(asdict(bundle.manifest)))
    return data
