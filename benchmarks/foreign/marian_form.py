"""Our model's weights as Marian keeps them: an npz of its names and layouts, which Marian computes.

The way back from `export.sources.marian_weights`: matrices are [in, out], vectors [1, n]. Marian starts a target from
zeros instead of from an id, so whoever writes a trained model sees to it that its start's row is zero.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from training.model import ModelSettings, Transformer

Array = NDArray[np.float32]
Arrays = dict[str, Array]
ACTIVATIONS = ("relu", "swish", "gelu")
EPSILON = 1e-6
NORM_PLACES = {"post": ("", "dan", ""), "pre": ("n", "da", "n")}


def find_faults(settings: ModelSettings) -> list[str]:
    """What Marian cannot compute of such a model, in words; empty if nothing."""
    wanted = {"norm": "layernorm", "norm_epsilon": EPSILON, "positions": "marian", "position_offset": 0, "biases": True}
    reasons = [
        f"{name} is {getattr(settings, name)}, not {value}"
        for name, value in wanted.items()
        if getattr(settings, name) != value
    ]
    if settings.activation not in ACTIVATIONS:
        reasons.append(f"activation is {settings.activation}")
    if settings.tie_source_target and not settings.tie_target_output:
        reasons.append("one table embeds both sides and another gives the logits")
    return reasons


def write_npz(path: Path, model: Transformer, size: int | None = None) -> None:
    """Write `model` as Marian's weights, with its configuration in them.

    Args:
        path: of the new file.
        model: of a shape without `find_faults`.
        size: target ids that the vocabulary has; the rest, a start that import added, is left out. None has all.
    """
    reasons = find_faults(model.settings)
    if reasons:
        raise ValueError("Marian cannot compute this model: " + "; ".join(reasons))
    arrays = list_arrays(model.settings, model.state_dict(), size or model.target_vocab_size)
    sizes = (arrays.get("encoder_Wemb", arrays.get("Wemb", np.empty(0))).shape[0], size or model.target_vocab_size)
    text = write_configuration(model.settings, sizes).encode() + b"\0"
    np.savez(path, **{"special:model.yml": np.frombuffer(text, np.int8), **arrays})  # type: ignore[arg-type]


def list_arrays(settings: ModelSettings, state: Mapping[str, Tensor], size: int) -> Arrays:
    """The tensors of `state` by Marian's names; tables of the target have `size` rows."""
    ours = {name: tensor.detach().float().numpy() for name, tensor in state.items()}
    found = dict(_tables(ours, settings, size))
    for index in range(settings.num_encoder_layers):
        theirs, name = f"encoder_l{index + 1}", f"encoder.{index}"
        found |= _attention(ours, f"{name}.self_attention", f"{theirs}_self")
        found |= _norm(ours, settings, f"{name}.self_residual", f"{theirs}_self_Wo")
        found |= _feed_forward(ours, settings, name, theirs)
    for index in range(settings.num_decoder_layers):
        theirs, name = f"decoder_l{index + 1}", f"decoder.{index}"
        if settings.decoder_mixing == "ssru":
            found |= _recurrence(ours, f"{name}.self_mixing", f"{theirs}_rnn")
            norm = f"{theirs}_rnn" if settings.norm_place == "pre" else f"{theirs}_rnn_ffn"
        else:
            found |= _attention(ours, f"{name}.self_mixing", f"{theirs}_self")
            norm = f"{theirs}_self_Wo"
        found |= _norm(ours, settings, f"{name}.self_residual", norm)
        found |= _attention(ours, f"{name}.cross_attention", f"{theirs}_context")
        found |= _norm(ours, settings, f"{name}.cross_residual", f"{theirs}_context_Wo")
        found |= _feed_forward(ours, settings, name, theirs)
    for side in ("encoder", "decoder"):
        if f"{side}_norm.weight" in ours:
            found |= {f"{side}_top_ln_{kind}": ours[f"{side}_norm.{name}"][None] for kind, name in NORM_PARTS}
    return {name: np.ascontiguousarray(array, np.float32) for name, array in found.items()}


def write_configuration(settings: ModelSettings, sizes: tuple[int, int]) -> str:
    """The text of `special:model.yml`; `sizes` are those of the source's and the target's vocabulary."""
    before, after, top = NORM_PLACES[settings.norm_place]
    if settings.norm_place == "pre" and not settings.final_norm:
        top = ""
    recurs = settings.decoder_mixing == "ssru"
    values = {
        "type": "transformer",
        "dim-emb": settings.d_model,
        "dim-vocabs": f"\n  - {sizes[0]}\n  - {sizes[1]}",
        "enc-depth": settings.num_encoder_layers,
        "dec-depth": settings.num_decoder_layers,
        "dec-cell": "ssru",
        "transformer-decoder-autoreg": "rnn" if recurs else "self-attention",
        "transformer-dim-ffn": settings.d_ff,
        "transformer-ffn-activation": settings.activation,
        "transformer-heads": settings.num_heads,
        "transformer-preprocess": f'"{before}"',
        "transformer-postprocess": after,
        "transformer-postprocess-top": f'"{top}"',
        "tied-embeddings": _say(settings.tie_target_output and not settings.tie_source_target),
        "tied-embeddings-all": _say(settings.tie_source_target),
        "version": "v1.12.42 b7be0e964 2025-05-24 22:34:42 -0700",
    }
    return REST + "".join(f"{key}: {value}\n" for key, value in values.items())


# What Marian asks for, and is the same in all models here.
REST = """bert-train-type-embeddings: true
bert-type-vocab-size: 2
dec-cell-base-depth: 2
dec-cell-high-depth: 1
dim-rnn: 1024
enc-cell: gru
enc-cell-depth: 1
enc-type: bidirectional
factors-combine: sum
factors-dim-emb: 0
input-types:
  []
layer-normalization: false
lemma-dependency: ""
lemma-dim-emb: 0
output-omit-bias: false
right-left: false
separator-symbol: "[eos]"
skip: false
tied-embeddings-src: false
transformer-aan-activation: swish
transformer-aan-depth: 2
transformer-aan-nogate: false
transformer-alibi-shift: false
transformer-alibi-trainable: false
transformer-attention-mask: default
transformer-decoder-dim-ffn: 0
transformer-decoder-ffn-depth: 0
transformer-dim-aan: 2048
transformer-disable-position-embeddings: false
transformer-ffn-depth: 2
transformer-guided-alignment-layer: last
transformer-no-affine: false
transformer-no-bias: false
transformer-no-projection: false
transformer-pool: false
transformer-postprocess-emb: d
transformer-rnn-projection: false
transformer-tied-layers:
  []
transformer-train-position-embeddings: false
ulr: false
ulr-dim-emb: 0
ulr-trainable-transformation: false
"""
NORM_PARTS = (("scale", "weight"), ("bias", "bias"))


def _say(value: bool) -> str:
    return "true" if value else "false"


def _tables(ours: Arrays, settings: ModelSettings, size: int) -> Iterator[tuple[str, Array]]:
    source = ours["embedding.weight"]
    if settings.tie_source_target:
        yield "Wemb", source[:size]
    else:
        yield "encoder_Wemb", source
        yield "decoder_Wemb", ours["target_embedding.weight"][:size]
    if not settings.tie_target_output:
        yield "decoder_ff_logit_out_Wt", ours["output_embedding.weight"][:size]
    bias = ours.get("logits_bias", np.zeros(size, np.float32))
    yield "decoder_ff_logit_out_b", bias[None, :size]


def _attention(ours: Arrays, name: str, theirs: str) -> Arrays:
    found: Arrays = {}
    for letter, part in (("q", "query"), ("k", "key"), ("v", "value"), ("o", "output")):
        found[f"{theirs}_W{letter}"] = ours[f"{name}.{part}.weight"].T
        found[f"{theirs}_b{letter}"] = ours[f"{name}.{part}.bias"][None]
    return found


def _recurrence(ours: Arrays, name: str, theirs: str) -> Arrays:
    return {
        f"{theirs}_W": ours[f"{name}.value.weight"].T,
        f"{theirs}_Wf": ours[f"{name}.forget.weight"].T,
        f"{theirs}_bf": ours[f"{name}.forget.bias"][None],
    }


def _feed_forward(ours: Arrays, settings: ModelSettings, name: str, theirs: str) -> Arrays:
    found: Arrays = {}
    for number, part in ((1, "inner"), (2, "outer")):
        found[f"{theirs}_ffn_W{number}"] = ours[f"{name}.feed_forward.{part}.weight"].T
        found[f"{theirs}_ffn_b{number}"] = ours[f"{name}.feed_forward.{part}.bias"][None]
    return found | _norm(ours, settings, f"{name}.feed_forward_residual", f"{theirs}_ffn_ffn")


def _norm(ours: Arrays, settings: ModelSettings, name: str, theirs: str) -> Arrays:
    suffix = "_pre" if settings.norm_place == "pre" else ""
    return {f"{theirs}_ln_{kind}{suffix}": ours[f"{name}.norm.{part}"][None] for kind, part in NORM_PARTS}
