"""A model's settings and weights, read from the two graphs of its bundle: what their authors did, undone.

`_encoder_blocks` and `_decoder_blocks` say which modules went where; they follow `encoder.py` and `decoder.py`.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from export.arithmetic import Affine, Array
from export.errors import ExportError
from export.graph_reader import GraphReader
from server.bundle import Bundle, Dimensions
from training.model import Activation, ModelSettings, Transformer, sinusoids

ACTIVATIONS: Mapping[str, Activation] = {"Relu": "relu", "Gelu": "gelu", "QuickGelu": "swish"}
# Where the first position may stand in the sinusoids: published models start at 0 or 2.
OFFSETS = range(9)
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
    settings = _read_settings(encoder, decoder, bundle, dropout)
    faults = settings.faults()
    if faults:
        raise ExportError("; ".join(faults))
    factors = _factors(decoder, settings)
    weights = _read_tables(encoder, decoder, settings)
    for graph, blocks in ((encoder, _encoder_blocks(settings)), (decoder, _decoder_blocks(settings))):
        for block in blocks:
            weights |= _read_block(graph, block, factors)
    return Parameters(settings, _fit(weights, settings, bundle.manifest.dimensions))


def _read_tables(encoder: GraphReader, decoder: GraphReader, settings: ModelSettings) -> dict[str, Tensor]:
    projection = decoder.projection()
    source, target = encoder.embedding(), decoder.embedding()
    tables = {
        # In int8 the rounded rows are one table, which the projection has without a further rounding.
        "embedding": projection.weight if _is_tied(settings) else source,
        "target_embedding": projection.weight if settings.tie_target_output else target,
        "output_embedding": projection.weight,
    }
    if settings.positions == "learned":
        tables["source_positions"] = _stretch(encoder.positions(), settings.max_positions)
        tables["target_positions"] = _stretch(decoder.positions(), settings.max_positions)
    weights = {f"{name}.weight": torch.tensor(table) for name, table in tables.items()}
    return weights if projection.bias is None else weights | {"logits_bias": torch.tensor(projection.bias)}


def _is_tied(settings: ModelSettings) -> bool:
    return settings.tie_source_target and settings.tie_target_output


def _stretch(table: Array, num_rows: int) -> Array:
    """The first `num_rows` of `table`; the last again where there are no more."""
    return table[np.minimum(np.arange(num_rows), len(table) - 1)]


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
    return module if settings.norm_place == "pre" and settings.final_norm else ""


def _read_settings(encoder: GraphReader, decoder: GraphReader, bundle: Bundle, dropout: float) -> ModelSettings:
    sizes = bundle.manifest.dimensions
    norm = encoder.norm("encoder.0.feed_forward", NORMS)
    projection, source, target = decoder.projection(), encoder.embedding(), decoder.embedding()
    inner = encoder.linears("encoder.0.feed_forward", ["inner", "outer"])["inner"]
    final_norm = encoder.first("", NORMS) is not None
    settings = ModelSettings(
        d_model=sizes.d_model,
        d_ff=sizes.d_ff,
        num_heads=sizes.num_heads,
        num_encoder_layers=sizes.num_encoder_layers,
        num_decoder_layers=sizes.num_decoder_layers,
        decoder_mixing=bundle.manifest.decoder_mixing,
        norm=NORMS[norm.op_type],
        norm_place="pre" if final_norm or _is_first(encoder, norm) else "post",
        norm_epsilon=_epsilon(norm),
        final_norm=final_norm or not _is_first(encoder, norm),
        activation=_activation(encoder),
        biases=inner.bias is not None,
        tie_source_target=_equal(source, target),
        tie_target_output=_equal(target, projection.weight),
        logits_bias=projection.bias is not None,
        # Where one head tells, it was trained to.
        alignment_layer=bundle.manifest.alignment_layer if bundle.manifest.alignment_heads else -1,
        dropout=dropout,
    )
    return replace(settings, **_read_positions(encoder, decoder, sizes))


def _read_positions(encoder: GraphReader, decoder: GraphReader, sizes: Dimensions) -> dict[str, Any]:
    """The settings of positions: sinusoids where the tables are, or else learned."""
    longest = max(sizes.max_source_length, sizes.max_target_length)
    tables = [encoder.positions()[: sizes.max_source_length], decoder.positions()]
    for kind, offset in itertools.product(("marian", "transformers"), OFFSETS):
        wave = sinusoids(longest, sizes.d_model, "marian" if kind == "marian" else "transformers", offset).numpy()
        if all(_equal(table, wave[: len(table)]) for table in tables):
            return {"positions": kind, "position_offset": offset}
    return {"positions": "learned", "max_positions": longest}


def _activation(encoder: GraphReader) -> Activation:
    node = encoder.first("encoder.0.feed_forward", ACTIVATIONS)
    if node is None:
        raise ExportError(f"encoder.0.feed_forward has none of the activations {', '.join(ACTIVATIONS)}")
    alphas = [each.f for each in node.attribute if each.name == "alpha"]
    return "quick_gelu" if alphas and alphas[0] > 1.5 else ACTIVATIONS[node.op_type]


def _epsilon(norm: Any) -> float:
    """As it was given: the graph keeps 32 bits of it, which seven digits tell."""
    return next(
        (float(f"{each.f:.7g}") for each in norm.attribute if each.name == "epsilon"), ModelSettings().norm_epsilon
    )


def _is_first(encoder: GraphReader, norm: Any) -> bool:
    """Whether the feed-forward block's norm is before it."""
    return encoder.comes_first("encoder.0.feed_forward", norm)


def _equal(table: Array, other: Array) -> bool:
    """Whether two tables are the same, but for the rounding of what int8 multiplies them with."""
    return table.shape == other.shape and bool(np.allclose(table, other, rtol=1e-5, atol=1e-7))


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
    if settings.tie_source_target and sizes.vocab_size != sizes.target_vocab_size:
        raise ExportError(
            f"the graphs look up the ids of both sides in one table, and by the manifest there are {sizes.vocab_size} "
            f"source ids and {sizes.target_vocab_size} target ids"
        )
    expected = Transformer(settings, sizes.vocab_size, sizes.target_vocab_size).state_dict()
    for name, parameter in expected.items():
        if name not in found:
            raise ExportError(f"the graphs have no {name}, which a model of these settings has: {settings}")
        if found[name].shape != parameter.shape:
            shapes = f"{list(found[name].shape)} in the graphs and {list(parameter.shape)} by the manifest's dimensions"
            raise ExportError(f"{name} is {shapes}")
    return {name: found[name] for name in expected}
