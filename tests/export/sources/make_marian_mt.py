"""How the fixtures in `marian_mt/` were made: four tiny MarianMT models with what transformers computes of them.

Not a test. With transformers 5.24.0 and torch 2.13.0 installed, from the repository's root (a minute):
    PYTHONPATH=. python tests/export/sources/make_marian_mt.py FOLDER [NAME ...]
Weights are random: norms off 1, biases off 0, the pad's row zero. `shuffled` has ids in no order, two target languages
and its weights as PyTorch's tensors. `many` reads English and has seven target languages; it learned for a minute to
write a piece that the language decides, and to copy a few.
"""

import io
import json
import sys
from pathlib import Path

import numpy as np
import sentencepiece
import torch
from transformers import MarianConfig, MarianMTModel, MarianTokenizer

from tests.corpus import sentences

NAMES = ("shared", "separate", "shuffled", "many")
TAGS = ("deu", "fra", "por", "pob", "cmn_Hans", "srp_Latn", "srp_Cyrl")
SIZES = {
    "d_model": 16,
    "encoder_layers": 2,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 24,
    "decoder_ffn_dim": 24,
    "max_position_embeddings": 160,
}
NUM_LINES = 8


def train_pieces(lines: list[str], size: int) -> bytes:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=model,
        model_type="unigram",
        vocab_size=size,
        hard_vocab_limit=False,
        normalization_rule_name="identity",
        minloglevel=2,
    )
    return model.getvalue()


def texts_of(model: bytes) -> list[str]:
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    ids = range(processor.get_piece_size())
    return [processor.id_to_piece(i) for i in ids if not processor.is_control(i) and not processor.is_unknown(i)]


def number(pieces: list[str], name: str) -> dict[str, int]:
    """Marian's numbers: the end 0, unknown 1, the pad last; or any, as tc-big models have them."""
    if name != "shuffled":
        tags = [f">>{code}<<" for code in TAGS] if name == "many" else []
        return {piece: i for i, piece in enumerate(["</s>", "<unk>", *pieces, *tags, "<pad>"])}
    pieces = [*pieces, "</s>", "<unk>", ">>deu<<", ">>eng<<"]
    order = np.random.default_rng(4).permutation(len(pieces))
    return {pieces[i]: place for place, i in enumerate(order)} | {"<pad>": len(pieces)}


def teach(model: MarianMTModel, sources: list[list[int]], tags: list[int], eos: int) -> None:
    """Train `model` to write a piece of the tag's own, and then the first three of the source, or its last."""
    rng, optimizer = np.random.default_rng(5), torch.optim.Adam(model.parameters(), 0.003)
    model.train()
    for _ in range(1500):
        rows, labels = [], []
        for i in rng.integers(len(sources), size=16):
            k, ids = int(rng.integers(len(tags))), sources[i][:24]
            rows.append([tags[k], *ids, eos] + [eos] * (24 - len(ids)))
            labels.append([3 + k, *(ids[:3] if k % 2 else ids[-3:]), eos])
        mask = [[1] * (len(row) - row.count(eos) + 1) + [0] * (row.count(eos) - 1) for row in rows]
        loss = model(torch.tensor(rows), attention_mask=torch.tensor(mask), labels=torch.tensor(labels)).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"loss {loss.item():.3f}")
    model.eval()


def make(folder: Path, name: str) -> None:
    folder.mkdir(parents=True)
    pairs, held_out = sentences(1500), sentences(NUM_LINES, seed=1)
    sides = (1, 0) if name == "many" else (0, 1)
    cutters = [train_pieces([pair[side] for pair in pairs], 100) for side in sides]
    cut = sentencepiece.SentencePieceProcessor(model_proto=cutters[0])
    pieces = [texts_of(cutter) for cutter in cutters]
    joint = list(dict.fromkeys(pieces[0] + pieces[1]))
    vocabularies = [number(each, name) for each in (pieces if name == "separate" else [joint])]
    source_ids, target_ids = vocabularies[0], vocabularies[-1]
    for side, cutter in zip(("source", "target"), cutters, strict=True):
        (folder / f"{side}.spm").write_bytes(cutter)
    for file, ids in zip(("vocab.json", "target_vocab.json"), vocabularies, strict=False):
        (folder / file).write_text(json.dumps(ids), encoding="utf-8")
    said = (
        {"source_lang": "eng", "target_lang": "mul"} if name == "many" else {"source_lang": "deu", "target_lang": "eng"}
    )
    (folder / "tokenizer_config.json").write_text(json.dumps(said))
    # Both sides' ends must be the same id, and here both are 0 or the vocabulary is one.
    eos, pad = target_ids["</s>"], target_ids["<pad>"]
    config = MarianConfig(
        **SIZES,
        vocab_size=len(source_ids),
        decoder_vocab_size=len(target_ids),
        share_encoder_decoder_embeddings=name != "separate",
        tie_word_embeddings=name != "separate",
        activation_function="relu" if name == "shuffled" else "swish",
        scale_embedding=True,
        pad_token_id=pad,
        decoder_start_token_id=pad,
        eos_token_id=eos,
        bos_token_id=eos,
        forced_eos_token_id=None,
    )
    torch.manual_seed(3)
    model = MarianMTModel(config).eval()
    if name == "many":
        cut_ids = [[source_ids[piece] for piece in cut.encode(pair[1], out_type=str)] for pair in pairs]
        teach(model, cut_ids, [source_ids[f">>{tag}<<"] for tag in TAGS], eos)
    with torch.no_grad():
        for key, parameter in model.named_parameters() if name != "many" else ():
            if parameter.dim() == 1:
                parameter.add_(torch.randn_like(parameter) * 0.3)
            elif "embed_positions" not in key:
                parameter.copy_(torch.randn_like(parameter) * (0.3 if "layers" in key else 0.5))
        if name != "many":
            model.final_logits_bias.copy_(torch.randn_like(model.final_logits_bias))
            model.final_logits_bias[0, eos] += 4  # so that some sentences end
        for table in (model.get_decoder().embed_tokens, model.lm_head):
            table.weight[pad] = 0
    model.generation_config.bad_words_ids = [[pad]]
    model.generation_config.num_beams = 4
    model.generation_config.max_length = 40
    model.save_pretrained(folder)
    if name == "shuffled":
        (folder / "model.safetensors").unlink()
        torch.save(model.state_dict(), folder / "pytorch_model.bin")
    expected = []
    for i, pair in enumerate(held_out):
        text, tag = pair[sides[0]], ""
        if name == "many":
            tag = TAGS[i % len(TAGS)]
            ids = MarianTokenizer.from_pretrained(folder)(f">>{tag}<< {text}").input_ids
        else:
            prefix = [source_ids[">>eng<<"]] if name == "shuffled" else []
            ids = [
                *prefix,
                *(source_ids.get(piece, source_ids["<unk>"]) for piece in cut.encode(text, out_type=str)),
                eos,
            ]
        sources = torch.tensor([ids])
        with torch.inference_mode():
            generated = model.generate(sources, num_beams=1, do_sample=False, max_length=2 * len(ids) + 17)[0].tolist()
            logits = model(input_ids=sources, decoder_input_ids=torch.tensor([generated[:3]])).logits[0]
        digits = [[float(f"{value:.7g}") for value in row] for row in logits.tolist()]
        line = {"text": text, "source_ids": ids, "generated": generated, "logits": digits}
        expected.append(line | ({"tag": tag} if tag else {}))
    lines = (json.dumps(each, ensure_ascii=False) for each in expected)
    (folder / "expected.jsonl").write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def main() -> None:
    for name in sys.argv[2:] or NAMES:
        make(Path(sys.argv[1]) / name, name)


if __name__ == "__main__":
    main()
