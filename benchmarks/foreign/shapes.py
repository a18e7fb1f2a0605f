"""The shapes that people's models have, with random weights: what a shape costs does not depend on the numbers.

The vocabulary is one of words, `w2`, `w3` and so on, each of one id, so that a text has as many ids as words in every
toolkit. Nothing ever ends a target: all have the length that they are asked for.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from sentencepiece import sentencepiece_model_pb2

from training.model import ModelSettings, Transformer

EOS, UNK = 0, 1  # as in Marian's vocabularies
NEVER = -100.0  # of a logit
NORMAL, UNKNOWN, CONTROL = 1, 2, 3
SEED = 1


@dataclass(frozen=True)
class Shape:
    """Sizes of a kind of model.

    Attributes:
        ids: one vocabulary, one table.
    """

    model: ModelSettings
    ids: int


def _marian(width: int, inner: int, layers: tuple[int, int], mixing: str, activation: str) -> ModelSettings:
    return ModelSettings(
        d_model=width,
        d_ff=inner,
        num_heads=8,
        num_encoder_layers=layers[0],
        num_decoder_layers=layers[1],
        decoder_mixing="ssru" if mixing == "ssru" else "attention",
        norm="layernorm",
        norm_place="post",
        activation="swish" if activation == "swish" else "relu",
        biases=True,
        logits_bias=True,
    )


SHAPES = {
    "opus": Shape(_marian(512, 2048, (6, 6), "attention", "swish"), 58_101),
    "firefox-tiny": Shape(_marian(256, 1536, (6, 2), "ssru", "relu"), 32_000),
    "firefox-base-memory": Shape(_marian(384, 1536, (6, 4), "ssru", "relu"), 32_000),
    "firefox-base": Shape(_marian(512, 2048, (6, 2), "ssru", "relu"), 32_000),
}


@torch.no_grad()
def build_random(shape: Shape) -> Transformer:
    """A model of `shape` whose targets never end, the same every time."""
    torch.manual_seed(SEED)
    model = Transformer(shape.model, shape.ids).eval()
    assert model.logits_bias is not None
    # Norms off one and biases off zero, so that a part which is left out is found out.
    for name, parameter in model.named_parameters():
        if parameter.dim() == 1 and name != "logits_bias":
            parameter.add_(torch.randn_like(parameter) * 0.05)
    model.logits_bias[:] = torch.randn(shape.ids) * 0.5
    model.logits_bias[[EOS, UNK]] = NEVER
    return model


def write_words(path: Path, ids: int) -> None:
    """Write the SentencePiece model `path`, whose ids are words."""
    model = sentencepiece_model_pb2.ModelProto()
    model.pieces.add(piece="</s>", type=CONTROL)
    model.pieces.add(piece="<unk>", type=UNKNOWN)
    for number in range(2, ids):
        model.pieces.add(piece=f"▁w{number}", score=-10.5, type=NORMAL)
    spec = model.trainer_spec
    spec.model_type, spec.vocab_size = 1, ids
    spec.eos_id, spec.unk_id, spec.bos_id, spec.pad_id = EOS, UNK, -1, -1
    model.normalizer_spec.name = "identity"
    path.write_bytes(model.SerializeToString())


def write_list(path: Path, vocabulary: Path) -> None:
    """Write the pieces of the SentencePiece model `vocabulary` as Marian's list of pieces, in YAML."""
    model = sentencepiece_model_pb2.ModelProto()
    model.ParseFromString(vocabulary.read_bytes())
    path.write_text("".join(f'"{each.piece}": {i}\n' for i, each in enumerate(model.pieces)), encoding="utf-8")


def draw_lines(shape: Shape, count: int, length: int) -> list[str]:
    """Lines of words at random: `length` ids each, the end included."""
    numbers = torch.randint(2, shape.ids, (count, length - 1), generator=torch.Generator().manual_seed(SEED))
    return [" ".join(f"w{number}" for number in line) for line in numbers.tolist()]
