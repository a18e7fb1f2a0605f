"""Int8 arithmetic with static scales: uint8 activations times int8 weights, summed exactly in int32.

An activation's scale and zero point come from calibration and are constants of the graph, so what a row gets cannot
depend on its batch mates. Weights have one scale per output channel. The embedding table is stored once, one scale
per row: looked up, and multiplied as the output projection, whose output channels are the vocabulary.

Keys and values are kept in int8 too, one static scale per feature: attention reads them anew at every step, and with
many rows at once the step was waiting for their bytes (measured: 64 rows of 48 positions, caches cold, 587 us a layer
in float32 and 178 us in int8).
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from export.arithmetic import Affine, Array
from export.calibration import ActivationRange, Calibration
from export.graph import GraphBuilder, onnx_type

# Room for the sums of products: 2 ** 30 of int32's 2 ** 31.
BIAS_LIMIT = 2.0**30


@dataclass(frozen=True)
class QuantiseSettings:
    """How int8 numbers are chosen.

    Attributes:
        percentile: share of a site's calibration values, in percent, that its range must hold; the rest is clipped.
        weight_bits: 7 keeps weights within 64, so that two products of a uint8 and a weight fit 16 bits
            (2 * 255 * 64 = 32,640) and sums are right on x86 processors without VNNI too; 8 uses 127.

    Measured on a 7 M model, 200 sentences, against fp32 logits: at 99.99 %, 7 bits give 1.9 % error (of their
    deviation) and cost 0.0006 nats a step, 8 bits 1.4 % and 0.0003; at 99.9 % 3.3 % and 0.0025; at the maximum, 2.0 %
    and 0.0007. Seven-bit activations with 8-bit weights, as safe on old processors, give 2.2 % and 0.0007.
    """

    percentile: float = 99.99
    weight_bits: Literal[7, 8] = 7

    @property
    def weight_limit(self) -> int:
        """Largest magnitude of an int8 weight."""
        return 64 if self.weight_bits == 7 else 127


class Int8:
    """The arithmetic of an int8 bundle."""

    def __init__(self, calibration: Calibration, settings: QuantiseSettings) -> None:
        self._calibration = calibration
        self._limit = settings.weight_limit

    def linear(self, graph: GraphBuilder, x: str, affine: Affine, name: str) -> str:
        """As `Arithmetic.linear`."""
        rows, scales = quantise_rows(affine.weight.T, self._limit)
        weight = graph.initializer(rows.T, f"{name}.weight")
        quantised, scale, zero_point = self._quantise(graph, x, name)
        bias = "" if affine.bias is None else graph.initializer(affine.bias, f"{name}.bias")
        weight_scale = graph.initializer(scales, f"{name}.weight_scale")
        return graph.node("MatMulIntegerToFloat", [quantised, weight, scale, weight_scale, zero_point, "", bias])

    def embed(self, graph: GraphBuilder, ids: str, table: Array) -> str:
        """As `Arithmetic.embed`."""
        rows, scales = quantise_rows(table, self._limit)
        looked_up = graph.node("Gather", [graph.initializer(rows, "embedding"), ids])
        factors = graph.initializer(scales[:, None] * np.float32(math.sqrt(table.shape[1])), "embedding_factors")
        numbers = graph.node("Cast", [looked_up], {"to": onnx_type(np.float32)})
        return graph.node("Mul", [numbers, graph.node("Gather", [factors, ids])])

    def project(self, graph: GraphBuilder, x: str, rows: Affine) -> str:
        """As `Arithmetic.project`."""
        numbers, scales = quantise_rows(rows.weight, self._limit)
        weight = graph.initializer(numbers, "embedding")
        quantised, scale, zero_point = self._quantise(graph, x, "projection")
        weight_scale = graph.initializer(scales, "embedding_scale")
        weight_zero = graph.initializer(np.zeros(len(numbers), np.int8), "embedding_zero")
        inputs = [quantised, scale, zero_point, weight, weight_scale, weight_zero]
        if rows.bias is not None:
            steps = scales * self._calibration.ranges[graph.path("projection")].scale
            inputs.append(graph.initializer(quantise_bias(rows.bias, steps), "logits_bias"))
        return graph.node("QGemm", inputs, {"transB": 1})

    def cache_scale(self, module: str) -> Array | None:
        """As `Arithmetic.cache_scale`, from the calibration."""
        return self._calibration.cache_scale(module)

    def _quantise(self, graph: GraphBuilder, x: str, name: str) -> tuple[str, str, str]:
        """`x` as uint8, with the names of its scale and zero point."""
        chosen: ActivationRange = self._calibration.ranges[graph.path(name)]
        scale = graph.initializer(np.array(chosen.scale), f"{name}.scale")
        zero_point = graph.initializer(np.array(chosen.zero_point), f"{name}.zero_point")
        return graph.node("QuantizeLinear", [x, scale, zero_point]), scale, zero_point


def quantise_bias(bias: Array, steps: Array) -> NDArray[np.int32]:
    """`bias` [V] in steps of the sums that it is added to, some 1e-5 to 1e-4 each."""
    counts: NDArray[np.int32] = np.rint(np.clip(bias / steps, -BIAS_LIMIT, BIAS_LIMIT)).astype(np.int32)
    return counts


def quantise_rows(matrix: Array, limit: int) -> tuple[NDArray[np.int8], Array]:
    """Int8 numbers within `limit`, and one float32 scale per row; numbers * scales[:, None] is about `matrix`."""
    scales = np.abs(matrix).max(1) / np.float32(limit)
    scales[scales == 0] = 1
    return np.rint(matrix / scales[:, None]).astype(np.int8), scales
