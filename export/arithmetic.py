"""How a graph multiplies: the protocol that the encoder's and decoder's authors write against, and its fp32 form.

Layers say what is computed; an `Arithmetic` says in which numbers. Each linear map has a site, the path under which
its input's range is calibrated.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from export.graph import GraphBuilder

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Affine:
    """x @ weight + bias: `weight` [in, out], `bias` [out] or None, float32."""

    weight: Array
    bias: Array | None


class Arithmetic(Protocol):
    """The three ways in which the model's parameters enter a graph, and how keys and values are kept."""

    def linear(self, graph: GraphBuilder, x: str, affine: Affine, name: str) -> str:
        """[..., out]: `affine` applied to `x` [..., in]; `name` is its site within the current scope."""
        ...

    def embed(self, graph: GraphBuilder, ids: str, table: Array) -> str:
        """[..., D] of `ids` [...]: rows of `table` [V, D], times the square root of D."""
        ...

    def project(self, graph: GraphBuilder, x: str, rows: Affine) -> str:
        """[R, V]: `x` [R, D] against every row of the weight, which is [V, D] here, plus the bias [V]."""
        ...

    def cache_scale(self, module: str) -> Array | None:
        """[D]: what 1 in the int8 cache stands for; None where the cache holds float32.

        Feature by feature of the keys or values that the linear `module` gives.
        """
        ...


class Float32:
    """Everything as trained."""

    def linear(self, graph: GraphBuilder, x: str, affine: Affine, name: str) -> str:
        """As `Arithmetic.linear`."""
        product = graph.node("MatMul", [x, graph.initializer(affine.weight, f"{name}.weight")])
        if affine.bias is None:
            return product
        return graph.node("Add", [product, graph.initializer(affine.bias, f"{name}.bias")])

    def embed(self, graph: GraphBuilder, ids: str, table: Array) -> str:
        """As `Arithmetic.embed`."""
        rows = graph.node("Gather", [graph.initializer(table, "embedding"), ids])
        factor = np.array(math.sqrt(table.shape[1]), np.float32)
        return graph.node("Mul", [rows, graph.initializer(factor, "embedding_factor")])

    def project(self, graph: GraphBuilder, x: str, rows: Affine) -> str:
        """As `Arithmetic.project`."""
        bias = [] if rows.bias is None else [graph.initializer(rows.bias, "logits_bias")]
        return graph.node("Gemm", [x, graph.initializer(rows.weight, "embedding"), *bias], {"transB": 1})

    def cache_scale(self, module: str) -> Array | None:
        """None: the cache holds float32."""
        return None


@dataclass(frozen=True)
class Tap:
    """A value in a graph that is the input of a site; `row_shape` is its shape in the decoder, without the rows."""

    site: str
    value: str
    row_shape: tuple[int, ...]


@dataclass(frozen=True)
class Tapped(Float32):
    """fp32 that notes the input of each site in `taps`, for calibration."""

    taps: list[Tap] = field(default_factory=list)

    def linear(self, graph: GraphBuilder, x: str, affine: Affine, name: str) -> str:
        """As `Arithmetic.linear`, with a tap on `x`."""
        self.taps.append(Tap(graph.path(name), x, (1, affine.weight.shape[0])))
        return super().linear(graph, x, affine, name)

    def project(self, graph: GraphBuilder, x: str, rows: Affine) -> str:
        """As `Arithmetic.project`, with a tap on `x`."""
        self.taps.append(Tap(graph.path("projection"), x, (rows.weight.shape[1],)))
        return super().project(graph, x, rows)


def fuse(linears: Sequence[nn.Linear], factors: Sequence[float | Array] | None = None) -> Affine:
    """Linear maps of one input side by side: one product instead of several.

    Args:
        linears: all [in, out] of the same input; the outputs lie side by side.
        factors: of each map, or [out] of each of its outputs; None is 1.
    """
    factors = [np.asarray(factor, np.float32) for factor in factors or [1.0] * len(linears)]
    weights = [array(linear.weight).T * f for linear, f in zip(linears, factors, strict=True)]
    if all(linear.bias is None for linear in linears):
        return Affine(np.concatenate(weights, 1), None)
    biases = [
        np.zeros(linear.out_features, np.float32) if linear.bias is None else array(linear.bias) * f
        for linear, f in zip(linears, factors, strict=True)
    ]
    return Affine(np.concatenate(weights, 1), np.concatenate(biases))


def array(tensor: Tensor) -> Array:
    """A parameter as float32 numpy memory."""
    return tensor.detach().to("cpu", torch.float32).numpy()
