"""The encoder's graph: source ids to the cross-attention keys and values of every decoder layer, computed once.

Everything that treats an id by itself (linear maps, norms, feed-forward blocks: nine tenths of the work) sees the real
ids of all sentences end to end, [N, D], and no padding. Only attention is laid out by sentence, padded to S. There it
is MatMul, Softmax, MatMul: as fast here as MultiHeadAttention (measured: 808 against 856 us for 32 sentences of 32
ids, 4 heads of 64) and, with S a multiple of 16, bit-equal whatever the batch mates and the padding.

Axis letters: B sentences, S source ids, N real source ids of all sentences, D d_model, H heads, E head_dim.
"""

from dataclasses import dataclass

import numpy as np
import onnx

from export.arithmetic import Arithmetic, array, fuse
from export.graph import GraphBuilder, onnx_type
from export.layers import feed_forward, normalise, positions_table, residual
from training.model import Attention, EncoderLayer, Transformer

# Vector code sums in steps of 16 floats; what is left over is summed in another order, and with other bits.
SOURCE_MULTIPLE = 16
HIDDEN = np.float32(-1e9)


@dataclass(frozen=True)
class _Layout:
    """How real ids lie in the padded batch; names of graph values.

    Attributes:
        real: [N] int64, where each real id is among the B * S padded ones.
        padded: [B, 1, S] int64, which real id is at each place; where there is none, some other one.
        size: [1] int64, S.
        mask: [B, 1, 1, S] float32: 0 for real ids, -1e9 for padding, as in training.
        query_key_value: three of [B, H, S] int64, where a head of query, key or value of each place is among the
            N * 3 * H that the linear map gives.
        unpadded: [N, H] int64, where each head of each real id is among the B * H * S that attention gives.
    """

    real: str
    padded: str
    size: str
    mask: str
    query_key_value: list[str]
    unpadded: str


def build_encoder(model: Transformer, max_source_length: int, arithmetic: Arithmetic) -> onnx.ModelProto:
    """Author the graph of `encoder.onnx` (see `server.bundle`) for sources of up to `max_source_length` ids."""
    graph = GraphBuilder("encoder")
    input_ids = graph.input("input_ids", np.int64, ["B", "S"])
    layout = _lay_out(graph, graph.input("attention_mask", np.int64, ["B", "S"]), model.settings.num_heads)
    x = _embed(graph, model, max_source_length, arithmetic, input_ids, layout)
    for index, layer in enumerate(model.encoder):
        assert isinstance(layer, EncoderLayer)
        with graph.scope(f"encoder.{index}"):
            x = _layer(graph, model, layer, arithmetic, x, layout)
    _cross_keys_values(graph, model, arithmetic, normalise(graph, x, model.encoder_norm), layout)
    return graph.build()


def _lay_out(graph: GraphBuilder, attention_mask: str, num_heads: int) -> _Layout:
    flat = graph.node("Reshape", [attention_mask, graph.integers(-1)])
    size = graph.node("Shape", [attention_mask], {"start": 1, "end": 2})
    # The running count of real ids, less one, is the number of the last real id so far.
    counts = graph.node("CumSum", [flat, graph.initializer(np.array(0, np.int64), "axis")])
    numbers = graph.node("Max", [graph.node("Sub", [counts, graph.integers(1)]), graph.integers(0)])
    padded = graph.node("Reshape", [numbers, graph.node("Concat", [graph.integers(-1, 1), size], {"axis": 0})])
    keep = graph.node("Cast", [attention_mask], {"to": onnx_type(np.float32)})
    hide = graph.node("Sub", [graph.initializer(np.array(1, np.float32), "one"), keep])
    scores = graph.node("Mul", [hide, graph.initializer(np.array(HIDDEN), "hidden")])
    real = graph.node("Squeeze", [graph.node("NonZero", [flat]), graph.integers(0)])
    # Head h of id `column` of sentence b is at (b * H + h) * S + column, which is (b * S) * H + column + h * S.
    column = graph.node("Mod", [real, size])
    sentence = graph.node("Mul", [graph.node("Sub", [real, column]), graph.integers(num_heads)])
    firsts = graph.node("Unsqueeze", [graph.node("Add", [sentence, column]), graph.integers(1)])
    steps = graph.node("Mul", [graph.integers(*range(num_heads)), size])
    return _Layout(
        real=real,
        padded=padded,
        size=size,
        mask=graph.node("Unsqueeze", [scores, graph.integers(1, 2)]),
        query_key_value=_head_places(graph, padded, num_heads, 3),
        unpadded=graph.node("Add", [firsts, steps]),
    )


def _head_places(graph: GraphBuilder, padded: str, num_heads: int, num_parts: int) -> list[str]:
    """For each part of a linear map's output, [N, num_parts * H * E], where its heads are: [B, H, S] int64 each.

    With them one Gather both pads and brings each head together, in a single copy.
    """
    first = graph.node("Mul", [padded, graph.integers(num_parts * num_heads)])
    heads = graph.initializer(np.arange(num_heads)[None, :, None], "heads")
    places = graph.node("Add", [first, heads])
    return [places, *(graph.node("Add", [places, graph.integers(k * num_heads)]) for k in range(1, num_parts))]


def _embed(
    graph: GraphBuilder,
    model: Transformer,
    max_source_length: int,
    arithmetic: Arithmetic,
    input_ids: str,
    layout: _Layout,
) -> str:
    padded = -(-max_source_length // SOURCE_MULTIPLE) * SOURCE_MULTIPLE
    table = positions_table(graph, model.positions(padded, "source"))
    positions = graph.node("Gather", [table, graph.node("Mod", [layout.real, layout.size])])
    ids = graph.node("Gather", [graph.node("Reshape", [input_ids, graph.integers(-1)]), layout.real])
    return graph.node("Add", [arithmetic.embed(graph, ids, array(model.embedding.weight)), positions])


def _layer(
    graph: GraphBuilder,
    model: Transformer,
    layer: EncoderLayer,
    arithmetic: Arithmetic,
    x: str,
    layout: _Layout,
) -> str:
    with graph.scope("self_attention"):
        attention = layer.self_attention
        x = residual(graph, x, layer.self_residual, lambda x: _attend(graph, attention, arithmetic, x, layout))
    with graph.scope("feed_forward"):
        activation = model.settings.activation
        block, module = layer.feed_forward_residual, layer.feed_forward
        return residual(graph, x, block, lambda x: feed_forward(graph, arithmetic, x, module, activation))


def _attend(graph: GraphBuilder, attention: Attention, arithmetic: Arithmetic, x: str, layout: _Layout) -> str:
    """[N, D] of `x` [N, D]."""
    H, E = attention.num_heads, attention.head_dim
    maps = [attention.query, attention.key, attention.value]
    fused = arithmetic.linear(graph, x, fuse(maps, [E**-0.5, 1.0, 1.0]), "query_key_value")
    fused = graph.node("Reshape", [fused, graph.integers(-1, E)])
    query, key, value = (graph.node("Gather", [fused, places]) for places in layout.query_key_value)
    scores = graph.node("Add", [graph.node("FusedMatMul", [query, key], {"transB": 1}), layout.mask])
    mixed = graph.node("MatMul", [graph.node("Softmax", [scores], {"axis": -1}), value])
    mixed = graph.node("Gather", [graph.node("Reshape", [mixed, graph.integers(-1, E)]), layout.unpadded])
    mixed = graph.node("Reshape", [mixed, graph.integers(-1, H * E)])
    return arithmetic.linear(graph, mixed, fuse([attention.output]), "output")


def _cross_keys_values(
    graph: GraphBuilder, model: Transformer, arithmetic: Arithmetic, encoded: str, layout: _Layout
) -> None:
    H, E = model.settings.num_heads, model.settings.head_dim
    maps, names, scales = [], [], []
    for index, layer in enumerate(model.decoder):
        for kind in ("key", "value"):
            maps.append(getattr(layer.cross_attention, kind))
            names.append(f"present.{index}.encoder.{kind}")
            scales.append(arithmetic.cache_scale(f"decoder.{index}.cross_attention.{kind}"))
    # The scales of an int8 cache are divided into the weights, so that one step is 1 for all features.
    cache = np.float32 if scales[0] is None else np.int8
    factors = [np.float32(1) / (np.ones(1, np.float32) if scale is None else scale) for scale in scales]
    fused = arithmetic.linear(graph, encoded, fuse(maps, factors), "cross_key_value")
    if cache is np.int8:
        step, zero = graph.initializer(np.array(1, np.float32), "one"), graph.initializer(np.array(0, np.int8), "zero")
        fused = graph.node("QuantizeLinear", [fused, step, zero])
    fused = graph.node("Reshape", [fused, graph.integers(-1, E)])
    for places, name in zip(_head_places(graph, layout.padded, H, len(names)), names, strict=True):
        graph.emit("Gather", [fused, places], [name])
        graph.output(name, cache, ["B", H, "S", E])
