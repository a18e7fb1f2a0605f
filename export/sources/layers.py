"""Layers and tables by fairseq's names, which transformers' MarianMT took over, and by ours."""

import math
from collections.abc import Mapping

import numpy as np

from export.sources.source import Array
from training.model import ModelSettings

LINEARS = {"q_proj": "query", "k_proj": "key", "v_proj": "value", "out_proj": "output"}


def rename_layers(tensors: Mapping[str, Array], settings: ModelSettings, prefix: str = "") -> dict[str, Array]:
    """The tensors of all layers by our names; what is missing is told when the model is built.

    Args:
        tensors: by their names.
        settings: of our model.
        prefix: what their names begin with.
    """
    state: dict[str, Array] = {}
    for index in range(settings.num_encoder_layers):
        theirs, ours = f"{prefix}encoder.layers.{index}", f"encoder.{index}"
        state |= _attention(tensors, f"{theirs}.self_attn", f"{ours}.self_attention")
        state |= rename(tensors, f"{theirs}.self_attn_layer_norm", f"{ours}.self_residual.norm")
        state |= _feed_forward(tensors, theirs, ours)
    for index in range(settings.num_decoder_layers):
        theirs, ours = f"{prefix}decoder.layers.{index}", f"decoder.{index}"
        state |= _attention(tensors, f"{theirs}.self_attn", f"{ours}.self_mixing")
        state |= rename(tensors, f"{theirs}.self_attn_layer_norm", f"{ours}.self_residual.norm")
        state |= _attention(tensors, f"{theirs}.encoder_attn", f"{ours}.cross_attention")
        state |= rename(tensors, f"{theirs}.encoder_attn_layer_norm", f"{ours}.cross_residual.norm")
        state |= _feed_forward(tensors, theirs, ours)
    return state


def rename(tensors: Mapping[str, Array], theirs: str, ours: str) -> dict[str, Array]:
    """Weight and bias of one module, as far as they are there.

    Args:
        tensors: by their names.
        theirs: the module's name there.
        ours: its name in our model.
    """
    kinds = ("weight", "bias")
    return {f"{ours}.{kind}": tensors[f"{theirs}.{kind}"] for kind in kinds if f"{theirs}.{kind}" in tensors}


def _attention(tensors: Mapping[str, Array], theirs: str, ours: str) -> dict[str, Array]:
    found: dict[str, Array] = {}
    for name, our_name in LINEARS.items():
        found |= rename(tensors, f"{theirs}.{name}", f"{ours}.{our_name}")
    return found


def _feed_forward(tensors: Mapping[str, Array], theirs: str, ours: str) -> dict[str, Array]:
    return (
        rename(tensors, f"{theirs}.fc1", f"{ours}.feed_forward.inner")
        | rename(tensors, f"{theirs}.fc2", f"{ours}.feed_forward.outer")
        | rename(tensors, f"{theirs}.final_layer_norm", f"{ours}.feed_forward_residual.norm")
    )


def name_tables(source: Array, target: Array, output: Array, is_scaled: bool) -> dict[str, Array]:
    """The three tables by our names, those that are the same once.

    Args:
        source: [V, D] of the encoder's words.
        target: [V', D] of the decoder's.
        output: [V', D] that gives logits.
        is_scaled: whether what is looked up is multiplied by the square root of D, as our model does; if not, the
            tables are divided by it.
    """
    if not is_scaled:
        factor = np.float32(math.sqrt(source.shape[1]))
        source, target = source / factor, target / factor
    found = {"embedding.weight": source}
    if not np.array_equal(source, target):
        found["target_embedding.weight"] = target
    if not np.array_equal(target, output):
        found["output_embedding.weight"] = output
    return found
