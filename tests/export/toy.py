"""Tiny models with random weights, a different size on every axis, and sources for them."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from export.arithmetic import Arithmetic
from export.decoder import build_decoder
from export.encoder import build_encoder
from export.manifest import ExportSettings, build_manifest
from export.quantise import Int8
from export.sources.own import from_checkpoint
from server.bundle import Bundle, Manifest, Precision, describe_file
from server.engine.runtime import Runtime
from training.checkpoint import Checkpoint, Position, Sample
from training.model import ModelSettings, Transformer
from training.settings import DataSettings, TrainSettings

PLAIN = ModelSettings(d_model=24, d_ff=40, num_heads=3, num_encoder_layers=3, num_decoder_layers=2)
SSRU = replace(PLAIN, decoder_mixing="ssru")
# Each value of each setting at least twice, in different company.
CONFIGURATIONS = {
    "plain": PLAIN,
    "ssru": SSRU,
    "marian": replace(PLAIN, norm="layernorm", norm_place="post", activation="swish", biases=True),
    "ssru-marian": replace(SSRU, norm="layernorm", norm_place="post", biases=True),
    "post-rmsnorm": replace(PLAIN, norm_place="post", activation="gelu"),
    "pre-layernorm": replace(PLAIN, norm="layernorm", activation="gelu", biases=True),
    "ssru-no-biases": replace(SSRU, norm="layernorm", activation="swish"),
    "ssru-post-rmsnorm": replace(SSRU, norm_place="post", activation="gelu", biases=True),
    "transformers": replace(
        PLAIN,
        norm="layernorm",
        norm_place="post",
        norm_epsilon=1e-5,
        activation="swish",
        biases=True,
        positions="transformers",
        tie_source_target=False,
        logits_bias=True,
    ),
    "learned": replace(PLAIN, activation="quick_gelu", positions="learned", max_positions=75, tie_target_output=False),
    "ssru-three-tables": replace(
        SSRU, position_offset=2, norm_epsilon=1e-3, tie_source_target=False, tie_target_output=False, logits_bias=True
    ),
}
TAGS = {"de": 4, "en": 5}


def build_checkpoint(
    settings: ModelSettings = PLAIN,
    vocab_size: int = 77,
    tokenizer: Path = Path("none"),
    samples: tuple[Sample, ...] = (),
) -> Checkpoint:
    """A checkpoint as if read from a folder: sources of up to 50 ids, targets of up to 75.

    Where the sides have tables of their own, the target's has 8 ids more.
    """
    torch.manual_seed(7)
    model = Transformer(settings, vocab_size, vocab_size if settings.tie_source_target else vocab_size + 8).eval()
    roughen(model)
    if settings.positions == "learned":
        with torch.no_grad():  # nothing is learned of positions that no source has
            model.source_positions.weight[50:] = model.source_positions.weight[49]
    train = TrainSettings((), (), data=DataSettings(max_length=50), model=settings)
    return Checkpoint(
        path=Path("none"),
        model=model,
        settings=train,
        position=Position(0, 0, 0, 0),
        tokenizer=tokenizer,
        pairs=(("de", "en"), ("en", "de")),
        tag_ids=TAGS,
        metrics={},
        samples=samples,
    )


@torch.no_grad()
def roughen(model: nn.Module) -> None:
    """Make every parameter count: biases off 0, norm weights off 1, and blocks strong enough to outweigh the input."""
    for name, parameter in model.named_parameters():
        if parameter.dim() == 1:
            parameter.add_(torch.randn_like(parameter) * 0.3)
        elif "embedding" not in name:
            parameter.mul_(1.5)


def write_graphs(folder: Path, checkpoint: Checkpoint, arithmetic: Arithmetic) -> tuple[Runtime, Manifest]:
    """The two graphs of `checkpoint` in `folder`, opened by the server's runtime."""
    manifest = build_toy_manifest(checkpoint, ExportSettings(name="toy", precision=precision_of(arithmetic)))
    folder.mkdir(exist_ok=True)
    encoder = build_encoder(checkpoint.model, manifest.dimensions.max_source_length, arithmetic)
    decoder = build_decoder(checkpoint.model, manifest.dimensions.max_target_length, arithmetic)
    (folder / "encoder.onnx").write_bytes(encoder.SerializeToString())
    (folder / "decoder.onnx").write_bytes(decoder.SerializeToString())
    files = {role: describe_file(folder, f"{role}.onnx") for role in ("encoder", "decoder")}
    manifest = replace(manifest, files=files)
    return Runtime.load(Bundle(folder, manifest)), manifest


def build_toy_manifest(checkpoint: Checkpoint, settings: ExportSettings) -> Manifest:
    """The manifest of a bundle of `checkpoint`, which may lack a tokenizer."""
    tokenizer = checkpoint.tokenizer if checkpoint.tokenizer.is_file() else Path(os.devnull)
    return build_manifest(from_checkpoint(replace(checkpoint, tokenizer=tokenizer)), settings)


def precision_of(arithmetic: Arithmetic) -> Precision:
    """What a bundle with graphs of `arithmetic` is called."""
    return "int8" if isinstance(arithmetic, Int8) else "fp32"


def random_sources(lengths: list[int], vocab_size: int = 77) -> list[list[int]]:
    """Source ids with tag and EOS, `lengths` ids each."""
    rng = np.random.default_rng(3)
    return [[TAGS["en"], *rng.integers(6, vocab_size, length - 2).tolist(), 3] for length in lengths]
