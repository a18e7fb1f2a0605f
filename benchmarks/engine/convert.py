"""A checkpoint of Ferry's as a CTranslate2 model: the same weights in the layout that `TransformerSpec` asks for.

Ids stay what they are: id i is line i of the vocabulary, and source ids come with tag and EOS, so CTranslate2 adds
none. Its norm's epsilon is set to Ferry's, and its positions are Ferry's table, since its own start from 1. The shape
must be one that CTranslate2 computes, which `faults` tells.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2.converters import utils
from ctranslate2.specs import common_spec, transformer_spec
from sentencepiece import SentencePieceProcessor
from torch import Tensor

from training.checkpoint import Checkpoint
from training.data.tokenizer import BOS, EOS, UNK
from training.model import ModelSettings, sinusoids

EPSILON = 1e-6  # as in training/model.py
ACTIVATIONS = {
    "relu": common_spec.Activation.RELU,
    "gelu": common_spec.Activation.GELU,
    "swish": common_spec.Activation.SWISH,
}

Weights = Mapping[str, Tensor]


def faults(settings: ModelSettings) -> list[str]:
    """What CTranslate2, or the conversion to it here, cannot compute of such a model, in words; empty if nothing."""
    if settings.decoder_mixing != "attention":
        return [f"it has no decoder with {settings.decoder_mixing.upper()}"]
    usual = ModelSettings()
    names = ("positions", "position_offset", "norm_epsilon", "tie_source_target", "tie_target_output", "logits_bias")
    wanted = {name: getattr(usual, name) for name in names}
    reasons = [f"{name} is not {value}" for name, value in wanted.items() if getattr(settings, name) != value]
    if settings.activation not in ACTIVATIONS:
        reasons.append(f"activation is {settings.activation}")
    return reasons


def read_pieces(tokenizer: Path) -> list[str]:
    """The piece of every id of a SentencePiece model."""
    processor = SentencePieceProcessor(model_file=str(tokenizer))
    pieces: list[str] = processor.id_to_piece(list(range(processor.get_piece_size())))
    return pieces


def convert(checkpoint: Checkpoint, folder: Path, quantization: str) -> None:
    """Write the CTranslate2 model `folder`, which must not exist.

    Args:
        quantization: of the weights, one of CTranslate2's names: `float32`, `int8_float32`.

    Raises:
        ValueError: the model's shape is not one that CTranslate2 computes.
    """
    settings = checkpoint.settings.model
    reasons = faults(settings)
    if reasons:
        raise ValueError("CTranslate2 cannot compute this model: " + "; ".join(reasons))
    # Copies: quantisation scales its arrays in place.
    weights = {name: tensor.clone() for name, tensor in checkpoint.model.state_dict().items()}
    spec = build_spec(weights, settings, checkpoint.max_source_length, checkpoint.max_target_length)
    pieces = read_pieces(checkpoint.tokenizer)
    spec.register_source_vocabulary(pieces)
    spec.register_target_vocabulary(pieces)
    spec.config.unk_token, spec.config.bos_token, spec.config.eos_token = pieces[UNK], pieces[BOS], pieces[EOS]
    spec.config.decoder_start_token = pieces[BOS]
    spec.config.layer_norm_epsilon = EPSILON
    spec.validate()
    spec.optimize(quantization)
    folder.mkdir(parents=True)
    spec.save(str(folder))


def build_spec(weights: Weights, settings: ModelSettings, max_source_length: int, max_target_length: int) -> Any:
    """CTranslate2's description of the model, filled with `weights`."""
    spec = transformer_spec.TransformerSpec.from_config(
        (settings.num_encoder_layers, settings.num_decoder_layers),
        settings.num_heads,
        pre_norm=settings.norm_place == "pre",
        activation=ACTIVATIONS[settings.activation],
        rms_norm=settings.norm == "rmsnorm",
    )
    embedding = weights["embedding.weight"].numpy()
    spec.encoder.embeddings[0].weight = embedding
    spec.decoder.embeddings.weight = embedding
    spec.decoder.projection.weight = embedding
    spec.encoder.position_encodings.encodings = sinusoids(max_source_length, settings.d_model).numpy()
    spec.decoder.position_encodings.encodings = sinusoids(max_target_length, settings.d_model).numpy()
    for index, layer in enumerate(spec.encoder.layer):
        name = f"encoder.{index}"
        _set_attention(layer.self_attention, weights, f"{name}.self_attention", f"{name}.self_residual")
        _set_feed_forward(layer.ffn, weights, name)
    for index, layer in enumerate(spec.decoder.layer):
        name = f"decoder.{index}"
        _set_attention(layer.self_attention, weights, f"{name}.self_mixing", f"{name}.self_residual")
        _set_attention(layer.attention, weights, f"{name}.cross_attention", f"{name}.cross_residual")
        _set_feed_forward(layer.ffn, weights, name)
    if settings.norm_place == "pre":
        _set_norm(spec.encoder.layer_norm, weights, "encoder_norm")
        _set_norm(spec.decoder.layer_norm, weights, "decoder_norm")
    return spec


def _set_attention(spec: Any, weights: Weights, name: str, residual: str) -> None:
    """Query, key and value are one linear map in self-attention, query alone and key with value across."""
    parts = [_linear(weights, f"{name}.{kind}") for kind in ("query", "key", "value")]
    groups = [parts] if len(spec.linear) == 2 else [parts[:1], parts[1:]]
    for linear, group in zip(spec.linear, groups, strict=False):
        utils.fuse_linear(linear, group)
    _set_linear(spec.linear[-1], weights, f"{name}.output")
    _set_norm(spec.layer_norm, weights, f"{residual}.norm")


def _set_feed_forward(spec: Any, weights: Weights, layer: str) -> None:
    _set_linear(spec.linear_0, weights, f"{layer}.feed_forward.inner")
    _set_linear(spec.linear_1, weights, f"{layer}.feed_forward.outer")
    _set_norm(spec.layer_norm, weights, f"{layer}.feed_forward_residual.norm")


def _linear(weights: Weights, name: str) -> common_spec.LinearSpec:
    linear = common_spec.LinearSpec()
    _set_linear(linear, weights, name)
    return linear


def _set_linear(spec: Any, weights: Weights, name: str) -> None:
    spec.weight = weights[f"{name}.weight"].numpy()
    if f"{name}.bias" in weights:
        spec.bias = weights[f"{name}.bias"].numpy()


def _set_norm(spec: Any, weights: Weights, name: str) -> None:
    """CTranslate2 asks for a beta of every layer norm; a model without biases has none, which is one of zeros."""
    spec.gamma = weights[f"{name}.weight"].numpy()
    if hasattr(spec, "beta"):
        spec.beta = weights[f"{name}.bias"].numpy() if f"{name}.bias" in weights else np.zeros_like(spec.gamma)
