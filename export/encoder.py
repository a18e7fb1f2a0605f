"""The encoder's graph: source ids to the cross-attention keys and values of every decoder layer, computed once.

Attention is MatMul, Softmax, MatMul: as fast here as MultiHeadAttention (measured: 808 against 856 us for 32
sentences of 32 ids, 4 heads of 64) and, with S a multiple of 16, bit-equal whatever the batch mates and the padding.

Axis letters: B sentences, S source ids, D d_model, H heads, E head_dim.
"""

import numpy as np
import onnx

from export.arithmetic import Arithmetic, array, fuse
from export.graph import GraphBuilder, onnx_type
from export.layers import Stream, feed_forward, finish, positions_table, residual
from training.model import Attention, EncoderLayer, Transformer, sinusoids

# Vector code sums in steps of 16 floats; what is left over is summed in another order, and with other bits.
SOURCE_MULTIPLE = 16
HIDDEN = np.float32(-1e9)


def build_encoder(model: Transformer, max_source_length: int, arithmetic: Arithmetic) -> onnx.ModelProto:
    """Author the graph of `encoder.onnx` (see `server.bundle`) for sources of up to `max_source_length` ids."""
    graph = GraphBuilder("encoder")
    input_ids = graph.input("input_ids", np.int64, ["B", "S"])
    attention_mask = graph.input("attention_mask", np.int64, ["B", "S"])
    mask = _additive_mask(graph, attention_mask)
    stream = _embed(graph, model, max_source_length, arithmetic, input_ids)
    for index, layer in enumerate(model.encoder):
        assert isinstance(layer, EncoderLayer)
        with graph.scope(f"encoder.{index}"):
            stream = _layer(graph, model, layer, arithmetic, stream, mask)
    _cross_keys_values(graph, model, arithmetic, finish(graph, stream, model.encoder_norm))
    return graph.build()


def _embed(
    graph: GraphBuilder, model: Transformer, max_source_length: int, arithmetic: Arithmetic, input_ids: str
) -> Stream:
    padded = -(-max_source_length // SOURCE_MULTIPLE) * SOURCE_MULTIPLE
    table = positions_table(graph, sinusoids(padded, model.settings.d_model))
    num_ids = graph.node("Shape", [input_ids], {"start": 1, "end": 2})
    positions = graph.node("Slice", [table, graph.integers(0), num_ids, graph.integers(0)])
    return Stream(arithmetic.embed(graph, input_ids, array(model.embedding.weight)), positions)


def _additive_mask(graph: GraphBuilder, attention_mask: str) -> str:
    """[B, 1, 1, S] float32: 0 where the mask is 1, -1e9 where it is 0; as in training."""
    keep = graph.node("Cast", [attention_mask], {"to": onnx_type(np.float32)})
    hide = graph.node("Sub", [graph.initializer(np.array(1, np.float32), "one"), keep])
    scores = graph.node("Mul", [hide, graph.initializer(np.array(HIDDEN), "hidden")])
    return graph.node("Unsqueeze", [scores, graph.integers(1, 2)])


def _layer(
    graph: GraphBuilder, model: Transformer, layer: EncoderLayer, arithmetic: Arithmetic, stream: Stream, mask: str
) -> Stream:
    with graph.scope("self_attention"):
        attention = layer.self_attention
        stream = residual(graph, stream, layer.self_residual, lambda x: _attend(graph, attention, arithmetic, x, mask))
    with graph.scope("feed_forward"):
        activation = model.settings.activation
        block, module = layer.feed_forward_residual, layer.feed_forward
        return residual(graph, stream, block, lambda x: feed_forward(graph, arithmetic, x, module, activation))


def _attend(graph: GraphBuilder, attention: Attention, arithmetic: Arithmetic, x: str, mask: str) -> str:
    H, E = attention.num_heads, attention.head_dim
    maps = [attention.query, attention.key, attention.value]
    fused = arithmetic.linear(graph, x, fuse(maps, [E**-0.5, 1.0, 1.0]), "query_key_value")
    # [B, S, 3, H, E] to [3, B, H, S, E]: one transposition for all three, whose parts are then contiguous.
    heads = graph.node("Reshape", [fused, graph.integers(0, 0, 3, H, E)])
    heads = graph.node("Transpose", [heads], {"perm": [2, 0, 3, 1, 4]})
    parts = graph.nodes("Split", [heads], 3, {"axis": 0, "num_outputs": 3})
    query, key, value = (graph.node("Squeeze", [part, graph.integers(0)]) for part in parts)
    scores = graph.node("Add", [graph.node("FusedMatMul", [query, key], {"transB": 1}), mask])
    mixed = graph.node("MatMul", [graph.node("Softmax", [scores], {"axis": -1}), value])
    mixed = graph.node(
        "Reshape", [graph.node("Transpose", [mixed], {"perm": [0, 2, 1, 3]}), graph.integers(0, 0, H * E)]
    )
    return arithmetic.linear(graph, mixed, fuse([attention.output]), "output")


def _cross_keys_values(graph: GraphBuilder, model: Transformer, arithmetic: Arithmetic, encoded: str) -> None:
    H, E = model.settings.num_heads, model.settings.head_dim
    maps, names = [], []
    for index, layer in enumerate(model.decoder):
        maps += [layer.cross_attention.key, layer.cross_attention.value]  # type: ignore[union-attr]
        names += [f"present.{index}.encoder.key", f"present.{index}.encoder.value"]
    fused = arithmetic.linear(graph, encoded, fuse(maps), "cross_key_value")  # type: ignore[arg-type]
    for part, name in zip(_split(graph, fused, len(names)), names, strict=True):
        heads = graph.node("Reshape", [part, graph.integers(0, 0, H, E)])
        graph.emit("Transpose", [heads], [name], {"perm": [0, 2, 1, 3]})
        graph.output(name, np.float32, ["B", H, "S", E])


def _split(graph: GraphBuilder, x: str, num_parts: int) -> list[str]:
    return graph.nodes("Split", [x], num_parts, {"axis": 2, "num_outputs": num_parts})
