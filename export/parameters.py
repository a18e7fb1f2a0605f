"""A model's settings and weights, read from the two graphs of its bundle: what their authors did, undone.

`_encoder_blocks` and `_decoder_blocks` say which modules went where; they follow `encoder.py` and `decoder.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from export.arithmetic import Affine, Array
from export.errors import ExportError
from export.graph_reader import GraphReader
from server.bundle import Bundle, Dimensions
from training.model import ModelSettings, Transformer

ACTIVATIONS: Mapping[str, Literal["relu", "gelu", "swish"]] = {"Relu": "relu", "Gelu": "gelu", "QuickGelu": "swish"}
NORMS: Mapping[str, Literal["rmsnorm", "layernorm"]] = {
    "RMSNormalization": "rmsnorm",
    "LayerNormalization": "layernorm",
    # Of older bundles, which had the sum before the norm in the same operator.
    "SkipSimplifiedLayerNormalization": "rmsnorm",
    "SkipLayerNormalization": "layernorm",
}


@dataclass(frozen=True)
class Parameters:
    """`weights` is the state dict of a `Transformer` of `settings`: float32, dequantised where the graphs hold int8."""

    settings: ModelSettings
    weights: Mapping[str, Tensor]


def read_parameters(bundle: Bundle, dropout: float) -> Parameters:
    """The parameters of a checked bundle. No graph says what `dropout` was.

    Raises:
        ExportError: settings that no model can have, or graphs that do not hold what such a model has.
    """
    encoder, decoder = GraphReader(bundle.file("encoder")), GraphReader(bundle.file("decoder"))
    settings = _read_settings(encoder, bundle, dropout)
    faults = settings.faults()
    if faults:
        raise ExportError("; ".join(faults))
    factors = _factors(decoder, settings)
    weights = {"embedding.weight": torch.tensor(decoder.table())}
    for graph, blocks in ((encoder, _encoder_blocks(settings)), (decoder, _decoder_blocks(settings))):
        for block in blocks:
            weights |= _read_block(graph, block, factors)
    return Parameters(settings, _fit(weights, settings, bundle.manifest.dimensions))


@dataclass(frozen=True)
class _Block:
    """A scope of a graph and the modules whose parameters it holds.

    Attributes:
        maps: site of each linear map, in order, to the linear modules that were fused there.
        norm: module of the norm; empty if the scope has none.
    """

    scope: str
    maps: Mapping[str, tuple[str, ...]]
    norm: str


def _encoder_blocks(settings: ModelSettings) -> list[_Block]:
    blocks = []
    for layer in (f"encoder.{index}" for index in range(settings.num_encoder_layers)):
        blocks += [_attention(layer, "self_attention", "self_residual"), _feed_forward(layer)]
    cross = [f"decoder.{index}.cross_attention" for index in range(settings.num_decoder_layers)]
    maps = tuple(f"{module}.{kind}" for module in cross for kind in ("key", "value"))
    return [*blocks, _Block("", {"cross_key_value": maps}, _final("encoder_norm", settings))]


def _decoder_blocks(settings: ModelSettings) -> list[_Block]:
    blocks = []
    mixing = _attention if settings.decoder_mixing == "attention" else _recurrence
    for layer in (f"decoder.{index}" for index in range(settings.num_decoder_layers)):
        blocks += [mixing(layer, "self_mixing", "self_residual"), _cross_attention(layer), _feed_forward(layer)]
    return [*blocks, _Block("", {}, _final("decoder_norm", settings))]


def _attention(layer: str, name: str, residual: str) -> _Block:
    scope = f"{layer}.{name}"
    fused = (f"{scope}.query", f"{scope}.key", f"{scope}.value")
    return _Block(scope, {"query_key_value": fused, "output": (f"{scope}.output",)}, f"{layer}.{residual}.norm")


def _recurrence(layer: str, name: str, residual: str) -> _Block:
    scope = f"{layer}.{name}"
    return _Block(scope, {"forget_value": (f"{scope}.forget", f"{scope}.value")}, f"{layer}.{residual}.norm")


def _cross_attention(layer: str) -> _Block:
    """Without keys and values, which the encoder's graph computes."""
    scope = f"{layer}.cross_attention"
    return _Block(scope, {each: (f"{scope}.{each}",) for each in ("query", "output")}, f"{layer}.cross_residual.norm")


def _feed_forward(layer: str) -> _Block:
    scope, norm = f"{layer}.feed_forward", f"{layer}.feed_forward_residual.norm"
    return _Block(scope, {each: (f"{scope}.{each}",) for each in ("inner", "outer")}, norm)


def _final(module: str, settings: ModelSettings) -> str:
    return module if settings.norm_place == "pre" else ""


def _read_settings(encoder: GraphReader, bundle: Bundle, dropout: float) -> ModelSettings:
    sizes = bundle.manifest.dimensions
    activation = encoder.first("encoder.0.feed_forward", ACTIVATIONS)
    if activation is None:
        raise ExportError(f"encoder.0.feed_forward has none of the activations {', '.join(ACTIVATIONS)}")
    return ModelSettings(
        d_model=sizes.d_model,
        d_ff=sizes.d_ff,
        num_heads=sizes.num_heads,
        num_encoder_layers=sizes.num_encoder_layers,
        num_decoder_layers=sizes.num_decoder_layers,
        decoder_mixing=bundle.manifest.decoder_mixing,
        norm=NORMS[encoder.norm("encoder.0.feed_forward", NORMS).op_type],
        norm_place="post" if encoder.first("", NORMS) is None else "pre",
        activation=ACTIVATIONS[activation.op_type],
        biases=encoder.linears("encoder.0.feed_forward", ["inner", "outer"])["inner"].bias is not None,
        dropout=dropout,
    )


def _factors(decoder: GraphReader, settings: ModelSettings) -> dict[str, Array]:
    """What the authors multiplied modules with; [] or [out], 1 for those not named."""
    blocks = [*_encoder_blocks(settings), *_decoder_blocks(settings)]
    modules = [module for block in blocks for modules in block.maps.values() for module in modules]
    factors = {name: np.array(settings.head_dim**-0.5, np.float32) for name in modules if name.endswith(".query")}
    for index in range(settings.num_decoder_layers):
        scope = f"decoder.{index}.cross_attention"
        for kind, scale in zip(("key", "value"), decoder.cache_scales(scope), strict=False):
            factors[f"{scope}.{kind}"] = np.float32(1) / scale
    return factors


def _read_block(graph: GraphReader, block: _Block, factors: Mapping[str, Array]) -> dict[str, Tensor]:
    weights: dict[str, Tensor] = {}
    for site, affine in graph.linears(block.scope, block.maps).items():
        weights |= unfuse(affine, {name: factors.get(name, np.float32(1)) for name in block.maps[site]})
    if block.norm:
        node = graph.norm(block.scope, NORMS)
        num_summands = 2 if node.op_type.startswith("Skip") else 1
        for kind, name in zip(("weight", "bias"), node.input[num_summands:], strict=False):
            weights[f"{block.norm}.{kind}"] = torch.tensor(graph.constant(name))
    return weights


def unfuse(affine: Affine, factors: Mapping[str, Array | np.float32]) -> dict[str, Tensor]:
    """Parameters of the linear modules that `arithmetic.fuse` laid side by side, each times its factor."""
    weights: dict[str, Tensor] = {}
    parts = np.array_split(affine.weight, len(factors), axis=1)
    for part, (name, factor) in zip(parts, factors.items(), strict=True):
        weights[f"{name}.weight"] = torch.tensor((part / factor).T)
    if affine.bias is not None:
        for part, (name, factor) in zip(np.array_split(affine.bias, len(factors)), factors.items(), strict=True):
            weights[f"{name}.bias"] = torch.tensor(part / factor)
    return weights


def _fit(found: Mapping[str, Tensor], settings: ModelSettings, sizes: Dimensions) -> dict[str, Tensor]:
    """What the model has of `found`, which may also hold zeros that stand for biases the model does not have."""
    expected = Transformer(settings, sizes.vocab_size).state_dict()
    for name, parameter in expected.items():
        if name not in found:
            raise ExportError(f"the graphs have no {name}, which a model of these settings has: {settings}")
        if found[name].shape != parameter.shape:
            shapes = f"{list(found[name].shape)} in the graphs and {list(parameter.shape)} by the manifest's dimensions"
            raise ExportError(f"{name} is {shapes}")
    return {name: found[name] for name in expected}
