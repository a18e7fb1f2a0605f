"""The manifest of a bundle, from its source and what the user asked for."""

import math
from dataclasses import dataclass, field
from importlib import metadata

import onnx
import torch

from export.decoder import alignment_layer
from export.encoder import SOURCE_MULTIPLE
from export.quantise import QuantiseSettings
from export.sources.source import Source
from server.bundle import FORMAT, Dimensions, Manifest, Precision, Quality, SearchDefaults


@dataclass(frozen=True)
class ExportSettings:
    """What the user may choose about a bundle.

    Attributes:
        name: what the server calls the model; empty takes the bundle folder's name.
        beam_size, length_penalty: what a request gets when it does not say.
        quality: measured figures, shown by the server.
        quantise: how int8 numbers are chosen; fp32 has no use for it.
    """

    name: str = ""
    precision: Precision = "fp32"
    beam_size: int = 1
    length_penalty: float = 1.0
    quality: tuple[Quality, ...] = ()
    quantise: QuantiseSettings = field(default_factory=QuantiseSettings)

    def faults(self) -> list[str]:
        """What makes these settings impossible, in words; empty if nothing does."""
        checks = [
            (self.beam_size >= 1, f"--beam-size is {self.beam_size}; choose 1 (greedy) or more"),
            (
                math.isfinite(self.length_penalty) and self.length_penalty >= 0,
                f"--length-penalty is {self.length_penalty}; choose 0 (none) or more",
            ),
            (
                90 <= self.quantise.percentile <= 100,
                f"--percentile is {self.quantise.percentile}; choose 90 to 100 (100 clips nothing)",
            ),
        ]
        return [message for holds, message in checks if not holds]


def build_manifest(source: Source, settings: ExportSettings) -> Manifest:
    """The manifest of a bundle whose files are not yet known: `files` and `version` are empty."""
    return Manifest(
        format=FORMAT,
        name=settings.name,
        version="",
        created_with=_describe_versions(),
        precision=settings.precision,
        decoder_mixing=source.model.settings.decoder_mixing,
        pairs=source.pairs,
        special_ids=source.special_ids,
        suppressed_ids=source.suppressed_ids,
        dimensions=_measure(source),
        search=SearchDefaults(settings.beam_size, settings.length_penalty),
        quality=settings.quality or source.quality,
        files={},
        decoder_output="log_probs",
        alignment_layer=_choose_alignment(source),
        # Marian trains one head of a layer to align, the first.
        alignment_heads=0 if source.alignment_layer is None else 1,
        cache="int8" if settings.precision == "int8" else "float32",
        norms="apart",
    )


def _choose_alignment(source: Source) -> int:
    trained = source.alignment_layer
    return alignment_layer(source.model.settings.num_decoder_layers) if trained is None else trained


def _measure(source: Source) -> Dimensions:
    model = source.model.settings
    return Dimensions(
        d_model=model.d_model,
        d_ff=model.d_ff,
        num_heads=model.num_heads,
        head_dim=model.head_dim,
        num_encoder_layers=model.num_encoder_layers,
        num_decoder_layers=model.num_decoder_layers,
        vocab_size=source.model.vocab_size,
        target_vocab_size=source.model.target_vocab_size,
        max_source_length=source.max_source_length,
        max_target_length=source.max_target_length,
        source_multiple=SOURCE_MULTIPLE,
    )


def _describe_versions() -> str:
    try:
        ferry = metadata.version("ferry-nmt")
    except metadata.PackageNotFoundError:
        ferry = "from source"
    return f"ferry-nmt {ferry}, torch {torch.__version__}, onnx {onnx.__version__}"
