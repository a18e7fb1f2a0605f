"""Our model's weights as transformers keeps them: a folder of MarianMT, as on the Hugging Face hub.

The way back from `export.sources.marian_mt`. transformers has attention in its decoders, norms after each block, and an
epsilon of 1e-5 where Marian has 1e-6; it pads with an id after all others, whose row is zeros and starts targets.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from sentencepiece import SentencePieceProcessor
from torch import Tensor

from training.model import Transformer

LINEARS = {"query": "q_proj", "key": "k_proj", "value": "v_proj", "output": "out_proj"}
RESIDUALS = {"self_residual": "self_attn_layer_norm", "cross_residual": "encoder_attn_layer_norm"}
MIXINGS = {"self_attention": "self_attn", "self_mixing": "self_attn", "cross_attention": "encoder_attn"}


def write_folder(folder: Path, model: Transformer, vocabulary: Path, languages: tuple[str, str]) -> None:
    """Write the new `folder`.

    Args:
        folder: of the model.
        model: of one table, with a bias of its logits, post-norm and with attention.
        vocabulary: a SentencePiece model whose ids are the model's.
        languages: source and target.
    """
    folder.mkdir(parents=True)
    pieces = SentencePieceProcessor(model_file=str(vocabulary))
    ids = {pieces.id_to_piece(i): i for i in range(pieces.get_piece_size())}
    pad = len(ids)
    save_file(_tensors(model, pad), folder / "model.safetensors", {"format": "pt"})
    for side in ("source", "target"):
        (folder / f"{side}.spm").write_bytes(vocabulary.read_bytes())
    _write_json(folder / "vocab.json", {**ids, "<pad>": pad})
    _write_json(folder / "tokenizer_config.json", {"source_lang": languages[0], "target_lang": languages[1]})
    _write_json(folder / "config.json", _configuration(model, pad, pieces.eos_id()))


def _tensors(model: Transformer, pad: int) -> dict[str, Tensor]:
    state = {name: tensor.detach() for name, tensor in model.state_dict().items()}
    table = torch.nn.functional.pad(state["embedding.weight"][:pad], (0, 0, 0, 1))
    bias = torch.nn.functional.pad(state["logits_bias"][None, :pad], (0, 1))
    found = {"model.shared.weight": table, "final_logits_bias": bias}
    for name, tensor in state.items():
        side, _, rest = name.partition(".")
        if side in ("encoder", "decoder"):
            index, _, rest = rest.partition(".")
            found[f"model.{side}.layers.{index}.{_rename(rest)}"] = tensor
    return {name: tensor.contiguous().clone() for name, tensor in found.items()}


def _rename(name: str) -> str:
    """The name of a tensor of a layer."""
    block, *parts, kind = name.split(".")
    if block in RESIDUALS:
        return f"{RESIDUALS[block]}.{kind}"
    if block == "feed_forward_residual":
        return f"final_layer_norm.{kind}"
    if block == "feed_forward":
        return f"{'fc1' if parts == ['inner'] else 'fc2'}.{kind}"
    return f"{MIXINGS[block]}.{LINEARS[parts[0]]}.{kind}"


def _configuration(model: Transformer, pad: int, eos: int) -> Mapping[str, object]:
    settings = model.settings
    found: dict[str, object] = {
        "model_type": "marian",
        "architectures": ["MarianMTModel"],
        "d_model": settings.d_model,
        "activation_function": settings.activation,
        "vocab_size": pad + 1,
        "decoder_vocab_size": pad + 1,
        "share_encoder_decoder_embeddings": True,
        "tie_word_embeddings": True,
        "scale_embedding": True,
        "max_position_embeddings": 512,
        "eos_token_id": eos,
        "bos_token_id": eos,
        "pad_token_id": pad,
        "decoder_start_token_id": pad,
        "bad_words_ids": [[pad]],
        "num_beams": 1,
    }
    for side, layers in (("encoder", settings.num_encoder_layers), ("decoder", settings.num_decoder_layers)):
        found |= {
            f"{side}_layers": layers,
            f"{side}_ffn_dim": settings.d_ff,
            f"{side}_attention_heads": settings.num_heads,
        }
    return found


def _write_json(path: Path, value: Mapping[str, object]) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
