"""Marian's parameters as our model's: its configuration, names and layouts. Knows nothing of files or vocabularies.

Marian keeps matrices as [in, out], ours are [out, in]; vectors are [1, n]. Norms have an epsilon of 1e-6.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.errors import ExportError
from export.sources.marian_yaml import Settings
from export.sources.source import Array
from training.model import Activation, ModelSettings, Positions

# Its gelu is the exact one (measured: 6e-6 from its scores, and 0.013 with x * sigmoid(1.702 x)).
ACTIVATIONS: Mapping[str, Activation] = {"relu": "relu", "swish": "swish", "gelu": "gelu"}
# What our model has no place for, and the values that ask for nothing of it.
PLAIN: Mapping[str, tuple[str, ...]] = {
    "type": ("transformer",),
    "transformer-ffn-depth": ("2",),
    "transformer-decoder-ffn-depth": ("0", "2"),
    "transformer-no-projection": ("false",),
    "transformer-rnn-projection": ("false",),
    "transformer-no-affine": ("false",),
    "transformer-no-bias": ("false",),
    "transformer-pool": ("false",),
    "transformer-disable-position-embeddings": ("false",),
    "transformer-attention-mask": ("default",),
    "transformer-postprocess-emb": ("d", ""),
    "lemma-dim-emb": ("0",),
    "lemma-dependency": ("",),
    "factors-combine": ("sum",),
    "ulr": ("false",),
    "right-left": ("false",),
}
# What the input of a product is multiplied with before it is rounded to int8, as quantisation-aware training chose it.
ALPHA = "_QuantMultA"
INT8_LIMIT = 127
# The logit of the id that a target starts from, which stands in no vocabulary of Marian's: its share is nothing.
NO_LOGIT = np.float32(-1e4)


@dataclass(frozen=True)
class Weights:
    """Marian's model as ours.

    Attributes:
        settings: of our model.
        state: by our names.
        target_size: Marian's own, without the start id after it.
        input_limits: see `Source`.
    """

    settings: ModelSettings
    state: Mapping[str, Array]
    target_size: int
    input_limits: Mapping[str, float]


def convert(config: Settings, arrays: Mapping[str, NDArray[np.float32]], positions: Positions) -> Weights:
    """Our model of Marian's `arrays` and `config`.

    Raises:
        ExportError: a shape that our model has no place for, or tensors that are missing or left over.
    """
    taken = _Taken(arrays)
    settings = _read_settings(config, taken, positions)
    state = dict(_tables(taken, settings))
    target_size = len(state["logits_bias"])
    for index in range(settings.num_encoder_layers):
        state |= _layer(taken, settings, f"encoder_l{index + 1}", f"encoder.{index}")
    for index in range(settings.num_decoder_layers):
        state |= _layer(taken, settings, f"decoder_l{index + 1}", f"decoder.{index}")
    for side in ("encoder", "decoder"):
        if settings.norm_place == "pre" and settings.final_norm:
            state |= _norm(taken, f"{side}_top", "", f"{side}_norm")
    taken.check_empty()
    return Weights(settings, _add_start(state, settings), target_size, _find_limits(arrays, settings))


class _Taken:
    """The arrays, of which each must be taken once."""

    def __init__(self, arrays: Mapping[str, NDArray[np.float32]]) -> None:
        self._arrays = {
            name: array
            for name, array in arrays.items()
            if not name.startswith("special:") and not name.endswith(ALPHA)
        }
        self._left = set(self._arrays)

    def __contains__(self, name: str) -> bool:
        return name in self._arrays

    def matrix(self, name: str) -> Array:
        """A table, as it is."""
        if name not in self._arrays:
            raise ExportError(f"the model has no tensor {name}; is it a Transformer of Marian's?")
        array = self._arrays[name]
        if array.dtype not in (np.float32, np.float16) or array.ndim != 2:
            raise ExportError(f"tensor {name} is {array.dtype} {list(array.shape)}; it must be a matrix of floats")
        self._left.discard(name)
        return array.astype(np.float32)

    def vector(self, name: str) -> Array:
        return self.matrix(name).ravel()

    def check_empty(self) -> None:
        """Every tensor has found its place, or the model computes what ours does not."""
        if self._left:
            names = ", ".join(sorted(self._left)[:5])
            raise ExportError(f"the model has {len(self._left)} tensors that have no place in ours, such as {names}")


def _read_settings(config: Settings, taken: _Taken, positions: Positions) -> ModelSettings:
    odd = [
        f"{key} is {_text(config, key)!r}, and only {' or '.join(map(repr, values))} is supported"
        for key, values in PLAIN.items()
        if _text(config, key, values[0]) not in values
    ]
    odd += [f"{key} is set" for key in ("transformer-tied-layers", "input-types") if config.get(key)]
    width = int(_text(config, "transformer-dim-ffn", "2048"))
    if int(_text(config, "transformer-decoder-dim-ffn", "0")) not in (0, width):
        odd.append("encoder and decoder have feed-forward blocks of different widths")
    activation = _text(config, "transformer-ffn-activation", "swish")
    if activation not in ACTIVATIONS:
        odd.append(f"transformer-ffn-activation is {activation!r}; there are {', '.join(ACTIVATIONS)}")
    before, after, top = (
        _text(config, f"transformer-{key}", default).replace("d", "")
        for key, default in (("preprocess", ""), ("postprocess", "dan"), ("postprocess-top", ""))
    )
    if (before, after, top) not in (("", "an", ""), ("n", "a", ""), ("n", "a", "n")):
        odd.append(f"norms stand where ours cannot: preprocess {before!r}, postprocess {after!r}, top {top!r}")
    mixing = _text(config, "transformer-decoder-autoreg", "self-attention")
    cell = _text(config, "dec-cell", "ssru")
    if mixing not in ("self-attention", "rnn") or (mixing == "rnn" and cell != "ssru"):
        odd.append(f"transformer-decoder-autoreg is {mixing!r} with cells {cell!r}; there are self-attention and ssru")
    if odd:
        raise ExportError("this kind of model is not supported: " + "; ".join(odd))
    learned = "Wpos" in taken
    return ModelSettings(
        d_model=int(_text(config, "dim-emb", "0")),
        d_ff=width,
        num_heads=int(_text(config, "transformer-heads", "8")),
        num_encoder_layers=int(_text(config, "enc-depth", "0")),
        num_decoder_layers=int(_text(config, "dec-depth", "0")),
        decoder_mixing="ssru" if mixing == "rnn" else "attention",
        norm="layernorm",
        norm_place="pre" if before else "post",
        final_norm=bool(top) or not before,
        activation=ACTIVATIONS[activation],
        biases=True,
        positions="learned" if learned else positions,
        max_positions=len(taken.matrix("Wpos")) if learned else 0,
        tie_source_target="Wemb" in taken,
        tie_target_output=not learned and not any(f"decoder_ff_logit_out_{kind}" in taken for kind in ("W", "Wt")),
        logits_bias=True,
        dropout=0.1,
    )


def _text(config: Settings, key: str, default: str = "") -> str:
    value = config.get(key, default)
    return value if isinstance(value, str) else ", ".join(value)


def _tables(taken: _Taken, settings: ModelSettings) -> Iterator[tuple[str, Array]]:
    # With trained positions Marian adds them to what it looks up as it is, and ours is multiplied by the root of D.
    factor = np.float32(settings.d_model**-0.5 if settings.positions == "learned" else 1)
    target = "Wemb" if settings.tie_source_target else "decoder_Wemb"
    yield "embedding.weight", taken.matrix("Wemb" if settings.tie_source_target else "encoder_Wemb") * factor
    if not settings.tie_source_target:
        yield "target_embedding.weight", taken.matrix(target) * factor
    output = "decoder_ff_logit_out_"
    if f"{output}Wt" in taken:
        yield "output_embedding.weight", taken.matrix(f"{output}Wt")
    elif f"{output}W" in taken:
        yield "output_embedding.weight", taken.matrix(f"{output}W").T
    elif not settings.tie_target_output:
        yield "output_embedding.weight", taken.matrix(target)
    yield "logits_bias", taken.vector(f"{output}b")
    if settings.positions == "learned":
        yield "source_positions.weight", taken.matrix("Wpos")
        yield "target_positions.weight", taken.matrix("Wpos")


def _add_start(state: dict[str, Array], settings: ModelSettings) -> dict[str, Array]:
    """`state` with one more target id, which a target starts from: Marian starts from zeros, and never writes it."""
    names = ["embedding.weight" if settings.tie_source_target else "target_embedding.weight"]
    names += [] if settings.tie_target_output else ["output_embedding.weight"]
    grown = {name: np.pad(state[name], ((0, 1), (0, 0))) for name in names}
    return state | grown | {"logits_bias": np.append(state["logits_bias"], NO_LOGIT)}


def _layer(taken: _Taken, settings: ModelSettings, theirs: str, ours: str) -> dict[str, Array]:
    suffix = "_pre" if settings.norm_place == "pre" else ""
    decodes = theirs.startswith("decoder")
    found = _feed_forward(taken, f"{theirs}_ffn", f"{ours}.feed_forward")
    found |= _norm(taken, f"{theirs}_ffn_ffn", suffix, f"{ours}.feed_forward_residual.norm")
    mixing = f"{ours}.self_mixing" if decodes else f"{ours}.self_attention"
    if decodes and settings.decoder_mixing == "ssru":
        found |= _recurrence(taken, f"{theirs}_rnn", mixing)
        # Marian names this one otherwise before the block than after it.
        found |= _norm(taken, f"{theirs}_rnn" if suffix else f"{theirs}_rnn_ffn", suffix, f"{ours}.self_residual.norm")
    else:
        found |= _attention(taken, f"{theirs}_self", mixing)
        found |= _norm(taken, f"{theirs}_self_Wo", suffix, f"{ours}.self_residual.norm")
    if decodes:
        found |= _attention(taken, f"{theirs}_context", f"{ours}.cross_attention")
        found |= _norm(taken, f"{theirs}_context_Wo", suffix, f"{ours}.cross_residual.norm")
    return found


def _find_limits(arrays: Mapping[str, NDArray[np.float32]], settings: ModelSettings) -> dict[str, float]:
    """The largest magnitude of the input of each site of our graphs, where the model has an alpha for it."""
    encoder, decoder = range(1, settings.num_encoder_layers + 1), range(1, settings.num_decoder_layers + 1)
    # The output projection's goes by either name.
    sites = {"projection": ["none", "Wemb", "decoder_Wemb", "decoder_ff_logit_out_W"]}
    sites["cross_key_value"] = [f"decoder_l{i}_context_W{letter}" for i in decoder for letter in "kv"]
    for side, layers in (("encoder", encoder), ("decoder", decoder)):
        for i in layers:
            theirs, ours = f"{side}_l{i}", f"{side}.{i - 1}"
            mixing = f"{ours}.self_attention" if side == "encoder" else f"{ours}.self_mixing"
            sites[f"{mixing}.query_key_value"] = [f"{theirs}_self_W{letter}" for letter in "qkv"]
            sites[f"{mixing}.output"] = [f"{theirs}_self_Wo"]
            sites[f"{mixing}.forget_value"] = [f"{theirs}_rnn_W", f"{theirs}_rnn_Wf"]
            sites[f"{ours}.cross_attention.query"] = [f"{theirs}_context_Wq"]
            sites[f"{ours}.cross_attention.output"] = [f"{theirs}_context_Wo"]
            sites[f"{ours}.feed_forward.inner"] = [f"{theirs}_ffn_W1"]
            sites[f"{ours}.feed_forward.outer"] = [f"{theirs}_ffn_W2"]
    alphas = {
        name: _alpha(arrays[f"{name}{ALPHA}"])
        for names in sites.values()
        for name in names
        if f"{name}{ALPHA}" in arrays
    }
    found = {site: [alphas[name] for name in names if alphas.get(name, 0) > 0] for site, names in sites.items()}
    return {site: INT8_LIMIT / min(each) for site, each in found.items() if each}


def _alpha(array: NDArray[np.float32]) -> float:
    """The number in `array`; 0, which limits nothing, if there is no sensible one."""
    value = float(array.ravel()[0]) if array.size == 1 else 0.0
    return value if np.isfinite(value) else 0.0


def _attention(taken: _Taken, theirs: str, ours: str) -> dict[str, Array]:
    found = {}
    for letter, name in (("q", "query"), ("k", "key"), ("v", "value"), ("o", "output")):
        found[f"{ours}.{name}.weight"] = taken.matrix(f"{theirs}_W{letter}").T
        found[f"{ours}.{name}.bias"] = taken.vector(f"{theirs}_b{letter}")
    return found


def _recurrence(taken: _Taken, theirs: str, ours: str) -> dict[str, Array]:
    return {
        f"{ours}.forget.weight": taken.matrix(f"{theirs}_Wf").T,
        f"{ours}.forget.bias": taken.vector(f"{theirs}_bf"),
        f"{ours}.value.weight": taken.matrix(f"{theirs}_W").T,
    }


def _feed_forward(taken: _Taken, theirs: str, ours: str) -> dict[str, Array]:
    found = {}
    for number, name in ((1, "inner"), (2, "outer")):
        found[f"{ours}.{name}.weight"] = taken.matrix(f"{theirs}_W{number}").T
        found[f"{ours}.{name}.bias"] = taken.vector(f"{theirs}_b{number}")
    return found


def _norm(taken: _Taken, theirs: str, suffix: str, ours: str) -> dict[str, Array]:
    return {
        f"{ours}.weight": taken.vector(f"{theirs}_ln_scale{suffix}"),
        f"{ours}.bias": taken.vector(f"{theirs}_ln_bias{suffix}"),
    }
