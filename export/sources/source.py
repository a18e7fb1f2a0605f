"""What a bundle is made of, whoever trained it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from export.errors import ExportError
from server.bundle import LanguagePair, Quality, SearchDefaults, SpecialIds
from training.checkpoint import Sample
from training.model import ModelSettings, Transformer

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Source:
    """A trained model with all that is needed to use it.

    Attributes:
        family: who trained it; empty for our own checkpoints.
        model: float32, in evaluation mode.
        tokenizers: SentencePiece models whose ids are the model's: one for both sides, or the source's and the
            target's.
        suppressed_ids: target ids that are never generated.
        max_source_length: in ids, prefix and EOS included; max_target_length likewise with EOS.
        samples: lines of every direction to calibrate, prove and self-test with.
        search: what its makers searched with.
        licence: its terms, in words; empty if nothing says.
        files: SHA-256 of each file that was read, by its name.
        name: what was fetched from a service, and its revision.
        figures: what its makers say of its quality, by name.
        alignment_layer: decoder layer whose cross-attention was trained to align; None where none was.
        input_limits: the largest magnitude of the input of a site, its path in the graphs, that int8 need tell apart,
            as its makers found it; for the others, and for the smaller side of each range, calibration finds out.
    """

    family: str
    model: Transformer
    tokenizers: tuple[bytes, ...]
    pairs: tuple[LanguagePair, ...]
    special_ids: SpecialIds
    suppressed_ids: tuple[int, ...]
    max_source_length: int
    max_target_length: int
    samples: tuple[Sample, ...] = ()
    search: SearchDefaults = field(default_factory=lambda: SearchDefaults(1, 1.0))
    quality: tuple[Quality, ...] = ()
    licence: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)
    alignment_layer: int | None = None
    input_limits: Mapping[str, float] = field(default_factory=dict)


def build_model(settings: ModelSettings, weights: Mapping[str, Array]) -> Transformer:
    """A model of `settings` with `weights`, by the names of its state; tables say the sizes of the vocabularies.

    Raises:
        ExportError: settings that no model can have, or weights that are not those of such a model.
    """
    faults = settings.faults()
    if faults:
        raise ExportError("the model cannot be built: " + "; ".join(faults))
    target = "embedding.weight" if settings.tie_source_target else "target_embedding.weight"
    with torch.device("meta"):
        model = Transformer(settings, len(weights["embedding.weight"]), len(weights[target]))
    wanted = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    faults = [f"{name} is missing" for name in wanted if name not in weights]
    faults += [f"{name} is not a part of such a model" for name in weights if name not in wanted]
    faults += [
        f"{name} is {list(found.shape)}, and by the model's settings {list(wanted[name])}"
        for name, found in weights.items()
        if name in wanted and found.shape != wanted[name]
    ]
    faults += [f"{name} has numbers that are not finite" for name, found in weights.items() if not _is_finite(found)]
    if faults:
        raise ExportError("the weights are not those of the model that its configuration describes: " + _some(faults))
    state = {name: torch.from_numpy(np.ascontiguousarray(weights[name], np.float32)) for name in wanted}
    model.load_state_dict(state, assign=True)
    return model.eval()


def _is_finite(values: Array) -> bool:
    return bool(np.isfinite(values).all())


def _some(faults: list[str]) -> str:
    return "; ".join(faults[:5]) + (f"; and {len(faults) - 5} more" if len(faults) > 5 else "")
