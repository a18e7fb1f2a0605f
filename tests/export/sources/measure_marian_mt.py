"""How near bundles of MarianMT models are to transformers, over hundreds of lines of text. Not a test; a measured run.

With transformers 5.24.0 installed, from the repository's root (ten minutes):
    PYTHONPATH=. python tests/export/sources/measure_marian_mt.py FOLDER TEXT.de TEXT.en DEV.de [KIND ...]
The texts may be .gz. For each kind of tables, vocabularies and ids, with random weights and trained for 600 steps: the
largest difference of a logit of our torch model and of a log-probability of the served graphs, over all ids after every
id of the greedy translation, and how many greedy translations of the server's engine have the same ids.
"""

import gzip
import json
import sys
from pathlib import Path

import numpy as np
import sentencepiece
import torch
from transformers import MarianConfig, MarianMTModel

from export.importer import read_source
from export.sources.options import SourceOptions
from export.stepping import LockStep, force
from server.engine.runtime import Runtime
from server.engine.types import SearchOptions
from tests.export.sources.make_marian_mt import texts_of, train_pieces
from tests.export.sources.served import serve

SIZES = {
    "d_model": 64,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 128,
    "decoder_ffn_dim": 128,
    "max_position_embeddings": 256,
}
KINDS = ("shared", "separate tables", "separate vocabularies", "shuffled ids")
NUM_LINES, LONGEST, STEPS, BATCH = 500, 40, 600, 25


def read(path: str, num_lines: int) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8") if path.endswith(".gz") else open(path, encoding="utf-8") as file:
        return [line.strip() for line, _ in zip(file, range(num_lines), strict=False)]


def write_vocabularies(folder: Path, kind: str, sides: list[list[str]]) -> tuple[list[dict[str, int]], list[bytes]]:
    cutters = [train_pieces(side[:10_000], 600) for side in sides]
    pieces = [texts_of(cutter) for cutter in cutters]
    joint = list(dict.fromkeys(pieces[0] + pieces[1]))
    lists = [["</s>", "<unk>", *each] for each in (pieces if kind == "separate vocabularies" else [joint])]
    if kind == "shuffled ids":
        lists = [[each[i] for i in np.random.default_rng(4).permutation(len(each))] for each in lists]
    ids = [{piece: i for i, piece in enumerate([*each, "<pad>"])} for each in lists]
    for side, cutter in zip(("source", "target"), cutters, strict=True):
        (folder / f"{side}.spm").write_bytes(cutter)
    for name, each in zip(("vocab.json", "target_vocab.json"), ids, strict=False):
        (folder / name).write_text(json.dumps(each), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text('{"source_lang": "de", "target_lang": "en"}')
    return [ids[0], ids[-1]], cutters


def build(kind: str, ids: list[dict[str, int]], is_random: bool) -> MarianMTModel:
    torch.manual_seed(3)
    tied = kind in ("shared", "shuffled ids")
    pad, eos = ids[1]["<pad>"], ids[1]["</s>"]
    config = MarianConfig(
        **SIZES,
        vocab_size=len(ids[0]),
        decoder_vocab_size=len(ids[1]),
        share_encoder_decoder_embeddings=tied,
        tie_word_embeddings=tied,
        activation_function="swish",
        scale_embedding=True,
        pad_token_id=pad,
        decoder_start_token_id=pad,
        eos_token_id=eos,
        bos_token_id=eos,
        forced_eos_token_id=None,
    )
    model = MarianMTModel(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters() if is_random else ():
            if parameter.dim() == 1:
                parameter.add_(torch.randn_like(parameter) * 0.3)
            elif "embed_positions" not in name:
                # Large enough that what comes out hangs on what goes in.
                parameter.copy_(torch.randn_like(parameter) * (0.15 if "layers" in name else 0.3))
        model.final_logits_bias.copy_(torch.randn_like(model.final_logits_bias) * 0.1)
        model.final_logits_bias[0, eos] += 4 if is_random else 0
    model.generation_config.bad_words_ids = [[pad]]
    return model


def pad_rows(rows: list[list[int]], filler: int) -> tuple[torch.Tensor, torch.Tensor]:
    longest = max(map(len, rows))
    padded = [row + [filler] * (longest - len(row)) for row in rows]
    return torch.tensor(padded), torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])


def train(model: MarianMTModel, pairs: list[tuple[list[int], list[int]]]) -> float:
    rng, optimizer = np.random.default_rng(5), torch.optim.Adam(model.parameters(), 3e-3, betas=(0.9, 0.98))
    model.train()
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = 3e-3 * min((step + 1) / 100, 1)
        chosen = [pairs[i] for i in rng.integers(len(pairs), size=48)]
        sources, mask = pad_rows([source for source, _ in chosen], 0)
        targets, real = pad_rows([target for _, target in chosen], 0)
        loss = model(sources, attention_mask=mask, labels=targets.masked_fill(real == 0, -100)).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    return loss.item()


@torch.inference_mode()
def ask_theirs(model: MarianMTModel, sources: list[list[int]]) -> tuple[list[list[int]], list[np.ndarray]]:
    """Greedy ids with the start and logits [T, V] after each of them, by transformers."""
    generated, logits = [], []
    for start in range(0, len(sources), BATCH):
        ids, mask = pad_rows(sources[start : start + BATCH], 0)
        found = model.generate(ids, attention_mask=mask, num_beams=1, do_sample=False, max_new_tokens=LONGEST)
        rows = [cut_off(row, model.config.eos_token_id) for row in found.tolist()]
        fed, _ = pad_rows([row[:-1] for row in rows], 0)
        every = model(input_ids=ids, attention_mask=mask, decoder_input_ids=fed).logits.numpy()
        generated += rows
        logits += [each[: len(row) - 1] for each, row in zip(every, rows, strict=True)]
    return generated, logits


def cut_off(row: list[int], eos: int) -> list[int]:
    return row[: row.index(eos, 1) + 1] if eos in row[1:] else row


def log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


@torch.inference_mode()
def measure(folder: Path, model: MarianMTModel, sources: list[list[int]]) -> str:
    generated, logits = ask_theirs(model, sources)
    source = read_source(folder, "auto", SourceOptions(normalise="none"))
    ours = source.model
    worst = 0.0
    for ids, row, theirs in zip(sources, generated, logits, strict=True):
        states = ours.decode(torch.tensor([row[:-1]]), ours.encode(torch.tensor([ids]), None), None)
        worst = max(worst, float(np.abs(ours.logits(states)[0].numpy() - theirs).max()))
    with serve(source, folder / "bundle") as served:
        runtime, eos = Runtime.load(served.bundle), served.manifest.special_ids.eos
        graphs = 0.0
        for start in range(0, len(sources), BATCH):
            chunk = slice(start, start + BATCH)
            found = force(LockStep(runtime, served.manifest, sources[chunk]), [row[1:-1] for row in generated[chunk]])
            for mine, theirs in zip(found, logits[chunk], strict=True):
                graphs = max(graphs, float(np.abs(mine - log_softmax(theirs)).max()))
        options = SearchOptions(max_target_length=LONGEST)
        futures = [served.engine.submit(ids, options) for ids in sources]
        answers = [future.result(600).hypotheses[0] for future in futures]
    same = sum(
        [*answer.ids, eos][: len(row) - 1] == row[1:] if answer.complete else list(answer.ids) == row[1:]
        for answer, row in zip(answers, generated, strict=True)
    )
    steps, ended = sum(map(len, logits)), sum(answer.complete for answer in answers)
    distinct = len({tuple(row) for row in generated})
    return (
        f"{steps} steps x {logits[0].shape[1]} ids: logits {worst:.1e}, served log-probabilities {graphs:.1e}; greedy "
        f"{same} of {len(sources)} the same ({ended} end, {distinct} distinct)"
    )


def main() -> None:
    torch.set_num_threads(1)
    paths, limits = sys.argv[2:5], (40_000, 40_000, NUM_LINES)
    german, english, dev = (read(path, limit) for path, limit in zip(paths, limits, strict=True))
    for kind in sys.argv[5:] or KINDS:
        for is_random in (True, False):
            name = "random" if is_random else "trained"
            folder = Path(sys.argv[1]) / f"{kind} {name}"
            folder.mkdir(parents=True)
            ids, cutters = write_vocabularies(folder, kind, [german, english])
            model = build(kind, ids, is_random)
            if not is_random:
                sides = [
                    encode(side, *each)
                    for side, each in zip((german, english), zip(cutters, ids, strict=True), strict=True)
                ]
                short = [pair for pair in zip(*sides, strict=True) if max(map(len, pair)) <= 24]
                name += f" to a loss of {train(model, short):.2f}"
            model.save_pretrained(folder)
            print(f"{kind}, {name}: {measure(folder, model, encode(dev, cutters[0], ids[0]))}", flush=True)


def encode(texts: list[str], cutter: bytes, ids: dict[str, int]) -> list[list[int]]:
    """As transformers' tokenizer does: pieces by the model that cuts, then their numbers, then the end."""
    pieces = sentencepiece.SentencePieceProcessor(model_proto=cutter).encode(texts, out_type=str)
    return [[*(ids.get(piece, ids["<unk>"]) for piece in line), ids["</s>"]] for line in pieces]


if __name__ == "__main__":
    main()
