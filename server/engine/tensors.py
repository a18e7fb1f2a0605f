"""Names, types and axes of the two graphs' tensors, written once from the contract in `server.bundle`.

The runtime checks graphs against these, the slots allocate memory by them. Knows no onnxruntime and holds no data.

Axis letters: B sentences, R rows, S source ids, P cached positions, H heads, E head_dim, D d_model, V vocabulary.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from server.bundle import Dimensions, Manifest

ALIGNMENT_QUERY = "alignment_query"


@dataclass(frozen=True)
class TensorSpec:
    """One input or output of a graph: its numpy dtype name and one letter per axis."""

    name: str
    dtype: str
    axes: str


def axis_sizes(dimensions: Dimensions) -> Mapping[str, int]:
    """Sizes of the axes that the model fixes; the others vary from call to call."""
    D, V = dimensions.d_model, dimensions.target_vocab_size
    return {"H": dimensions.num_heads, "E": dimensions.head_dim, "D": D, "V": V}


def encoder_inputs() -> list[TensorSpec]:
    """What an encoder call takes."""
    return [TensorSpec("input_ids", "int64", "BS"), TensorSpec("attention_mask", "int64", "BS")]


def encoder_outputs(manifest: Manifest) -> list[TensorSpec]:
    """Cross keys and values, layer by layer, key before value."""
    return [TensorSpec(f"present.{name}", manifest.cache, "BHSE") for name in _cross_names(manifest)]


def cross_inputs(manifest: Manifest) -> list[TensorSpec]:
    """The decoder's side of `encoder_outputs`, in the same order."""
    return [TensorSpec(f"past_key_values.{name}", manifest.cache, "RHSE") for name in _cross_names(manifest)]


def state_inputs(manifest: Manifest) -> list[TensorSpec]:
    """What a row remembers of its target: self-attention keys and values, or one SSRU state, per layer."""
    layers = range(manifest.dimensions.num_decoder_layers)
    if manifest.decoder_mixing == "ssru":
        return [TensorSpec(f"past_key_values.{layer}.decoder.state", "float32", "RD") for layer in layers]
    names = [f"past_key_values.{layer}.decoder.{kind}" for layer in layers for kind in ("key", "value")]
    return [TensorSpec(name, manifest.cache, "RHPE") for name in names]


def decoder_inputs(manifest: Manifest) -> list[TensorSpec]:
    """What a decode step takes. `R1` axes: the digit is a size of its own."""
    row_inputs = [
        TensorSpec("input_ids", "int64", "R1"),
        TensorSpec("position_ids", "int64", "R1"),
        TensorSpec("source_lengths", "int32", "R"),
    ]
    return row_inputs + cross_inputs(manifest) + state_inputs(manifest)


def decoder_outputs(manifest: Manifest) -> list[TensorSpec]:
    """What a decode step gives: scores of the next id, and a `present` for every `past_key_values`."""
    past = cross_inputs(manifest) + state_inputs(manifest)
    queries = [TensorSpec(ALIGNMENT_QUERY, "float32", "RD")] if manifest.alignment_layer >= 0 else []
    return [
        TensorSpec(manifest.decoder_output, "float32", "RV"),
        *queries,
        *(TensorSpec(present_name(spec.name), spec.dtype, spec.axes) for spec in past),
    ]


def present_name(past_name: str) -> str:
    """Name of the output that is bound to the memory of the input `past_name`."""
    return "present." + past_name.removeprefix("past_key_values.")


def _cross_names(manifest: Manifest) -> list[str]:
    layers = range(manifest.dimensions.num_decoder_layers)
    return [f"{layer}.encoder.{kind}" for layer in layers for kind in ("key", "value")]
