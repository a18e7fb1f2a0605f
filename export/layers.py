"""The parts that encoder and decoder share: residual stream with its norms, feed-forward block, heads.

Axis letters: B sentences (or rows), T positions, D d_model, H heads, E head_dim.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from export.arithmetic import Arithmetic, array, fuse
from export.graph import GraphBuilder
from training.model import FeedForward, Residual

EPSILON = 1e-6


@dataclass(frozen=True)
class Stream:
    """The residual stream [B, T, D]: `value`, plus `addend` if that sum is still to be made.

    The sum is left to the next norm, which does both in one operator.
    """

    value: str
    addend: str | None


def residual(graph: GraphBuilder, stream: Stream, module: Residual, block: Callable[[str], str]) -> Stream:
    """The stream after `block`, with the norm before or after it, as the trained module does."""
    if module.pre:
        assert stream.addend is not None
        normed, total = skip_norm(graph, stream.value, stream.addend, module.norm)
        return Stream(total, block(normed))
    x = settle(graph, stream)
    return Stream(skip_norm(graph, x, block(x), module.norm)[0], None)


def finish(graph: GraphBuilder, stream: Stream, norm: nn.Module) -> str:
    """What leaves the stack: normed if the model has a final norm."""
    if isinstance(norm, nn.Identity):
        return settle(graph, stream)
    assert stream.addend is not None
    return skip_norm(graph, stream.value, stream.addend, norm)[0]


def settle(graph: GraphBuilder, stream: Stream) -> str:
    """The stream's value with nothing left to add."""
    if stream.addend is None:
        return stream.value
    return graph.node("Add", [stream.value, stream.addend])


def skip_norm(graph: GraphBuilder, x: str, addend: str, norm: nn.Module) -> tuple[str, str]:
    """The norm of x + addend, and x + addend itself."""
    scale = getattr(norm, "weight", None)
    assert isinstance(norm, nn.RMSNorm | nn.LayerNorm)
    assert scale is not None
    assert norm.eps == EPSILON
    inputs = [x, addend, graph.initializer(array(scale), "norm.weight")]
    if isinstance(norm, nn.LayerNorm) and norm.bias is not None:
        inputs.append(graph.initializer(array(norm.bias), "norm.bias"))
    simplified = isinstance(norm, nn.RMSNorm)
    op = "SkipSimplifiedLayerNormalization" if simplified else "SkipLayerNormalization"
    normed, total = graph.fresh("normed"), graph.fresh("sum")
    graph.emit(op, inputs, [normed, "", "", total], {"epsilon": EPSILON})
    return normed, total


def feed_forward(graph: GraphBuilder, arithmetic: Arithmetic, x: str, module: FeedForward, activation: str) -> str:
    """[B, T, D] of `x` [B, T, D]."""
    inner = arithmetic.linear(graph, x, fuse([module.inner]), "inner")
    return arithmetic.linear(graph, activate(graph, inner, activation), fuse([module.outer]), "outer")


def activate(graph: GraphBuilder, x: str, activation: str) -> str:
    """`x` through the activation of the model's settings."""
    operators: dict[str, tuple[str, dict[str, Any]]] = {
        "relu": ("Relu", {}),
        "gelu": ("Gelu", {"approximate": "none"}),
        "swish": ("QuickGelu", {"alpha": 1.0}),  # x * sigmoid(alpha * x)
    }
    op, attributes = operators[activation]
    return graph.node(op, [x], attributes)


def positions_table(graph: GraphBuilder, table: Any) -> str:
    """The sinusoids [length, D] as a constant."""
    return graph.initializer(np.asarray(table, np.float32), "positions")
