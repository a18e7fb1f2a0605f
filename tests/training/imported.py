"""A model as other toolkits have them, in the place of a checkpoint: the end is id 0, two tokenizers, a zero start."""

import io
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import sentencepiece
import torch
from safetensors.torch import save_file

from tests.corpus import sentences
from training.data.scheme import IdScheme, Prefix, write_scheme
from training.model import ModelSettings, Transformer
from training.settings import TrainSettings

MODEL = ModelSettings(
    d_model=16,
    d_ff=24,
    num_heads=2,
    num_encoder_layers=1,
    num_decoder_layers=1,
    norm="layernorm",
    norm_place="post",
    biases=True,
    tie_source_target=False,
    logits_bias=True,
)


def write_pieces(path: Path, lines: Iterable[str], size: int) -> None:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=model,
        vocab_size=size,
        hard_vocab_limit=False,
        eos_id=0,
        unk_id=1,
        bos_id=-1,
        pad_id=-1,
        minloglevel=2,
    )
    path.write_bytes(model.getvalue())


def write_imported(folder: Path, prefixes: tuple[Prefix, ...] = (Prefix("de", "en", ()),)) -> IdScheme:
    """An untrained one; its scheme."""
    folder.mkdir()
    for name, side, size in (("tokenizer.model", 0, 90), ("target_tokenizer.model", 1, 80)):
        write_pieces(folder / name, [pair[side] for pair in sentences(400)], size)
    sizes = [
        sentencepiece.SentencePieceProcessor(model_file=str(folder / name)).get_piece_size()
        for name in ("tokenizer.model", "target_tokenizer.model")
    ]
    start = sizes[1]
    scheme = IdScheme(sizes[0], start + 1, 0, 1, start, 0, prefixes, (1, start))
    write_scheme(folder, scheme)
    torch.manual_seed(2)
    model = Transformer(MODEL, scheme.vocab_size, scheme.target_vocab_size)
    with torch.no_grad():
        model.target_embedding.weight[start] = 0
        assert model.logits_bias is not None
        model.logits_bias[start] = -1e4
    save_file(model.state_dict(), folder / "model.safetensors")
    settings = json.loads(json.dumps(asdict(TrainSettings((), (), model=MODEL))))
    config = {"format": 1, "vocab_size": scheme.vocab_size, "tag_ids": {}, "settings": settings}
    (folder / "config.json").write_text(json.dumps(config))
    return scheme


def model_options() -> list[str]:
    """The `--set` of a run that has the model's shape."""
    plain = {name: str(v).lower() if isinstance(v, bool) else str(v) for name, v in asdict(MODEL).items()}
    return [f"model.{name}={value}" for name, value in plain.items()]
