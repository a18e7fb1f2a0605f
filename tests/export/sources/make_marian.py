"""How the fixtures in `marian/` were made: tiny models that Marian itself trained, with its own scores and texts.

Not a test. With pymarian 1.12.42 installed, from the repository's root (a minute each):
    PYTHONPATH=. python tests/export/sources/make_marian.py FOLDER [NAME ...]
They are small, and trained for moments, so that their texts are nonsense; what counts is that Marian computed them.
"""

import io
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import sentencepiece

from tests.corpus import sentences

SIZES = "--dim-emb 16 --transformer-heads 2 --transformer-dim-ffn 24 --dec-depth 1"
SMALL = (
    "--type transformer --enc-depth 2 "
    "--max-length 40 --mini-batch 32 --maxi-batch 10 --after-batches 250 --learn-rate 0.005 --seed 5 --cpu-threads 1 "
    "--disp-freq 100 --overwrite --transformer-dropout 0 --workspace 256 --exponential-smoothing"
)
MODELS = {
    # Norms before, Marian's gelu, and three tables.
    "pre-norm": "--transformer-preprocess n --transformer-postprocess da --transformer-postprocess-top n "
    "--transformer-ffn-activation gelu",
    # A recurrent decoder, norms before and none at the end, one table for target and output.
    "ssru": "--transformer-preprocess n --transformer-postprocess da --transformer-ffn-activation relu "
    "--transformer-decoder-autoreg rnn --dec-cell ssru --tied-embeddings",
    # The usual form, with a vocabulary in YAML and one table.
    "yaml": "--transformer-postprocess dan --transformer-ffn-activation swish --tied-embeddings-all",
    # The shape of Firefox's models, in Marian's binary form: int8 matrices, which want widths of 32.
    "student": "--dim-emb 32 --transformer-heads 4 --transformer-dim-ffn 64 --dec-depth 2 --tied-embeddings-all "
    "--transformer-ffn-activation relu --transformer-decoder-autoreg rnn --dec-cell ssru",
}
# Of the other model Marian's own search finds texts to which its own scores give next to nothing.
DECODED = ("ssru", "yaml", "student")
NUM_LINES = 20


def run(*arguments: str) -> None:
    program = "import sys, _pymarian; sys.exit(_pymarian.main(sys.argv[1:]))"
    subprocess.run([sys.executable, "-c", program, *arguments], check=True)


def train_pieces(lines: list[str], size: int, path: Path) -> None:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=model,
        model_type="unigram",
        vocab_size=size,
        hard_vocab_limit=False,
        normalization_rule_name="identity",
        eos_id=0,
        unk_id=1,
        bos_id=-1,
        pad_id=-1,
        minloglevel=2,
    )
    path.write_bytes(model.getvalue())


def write_lines(path: Path, lines: list[str]) -> str:
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return str(path)


def cut(path: Path, lines: list[str]) -> list[str]:
    processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
    return [" ".join(pieces) for pieces in processor.encode(lines, out_type=str)]


def make(root: Path, name: str, pairs: list[tuple[str, str]], held_out: list[tuple[str, str]]) -> None:
    folder, work = root / name, root / f".{name}"
    for each in (folder, work):
        each.mkdir(parents=True)
    sides = [[pair[side] for pair in pairs] for side in (0, 1)]
    held = [[pair[side] for pair in held_out] for side in (0, 1)]
    cutters = [folder / "source.spm", folder / "target.spm"]
    if name == "yaml":
        for lines, path in zip(sides, cutters, strict=True):
            train_pieces(lines, 100, path)
        sides = [cut(path, lines) for path, lines in zip(cutters, sides, strict=True)]
        held = [cut(path, lines) for path, lines in zip(cutters, held, strict=True)]
        vocabularies = [str(folder / "model.vocab.yml")] * 2
        tokens = dict.fromkeys(token for lines in sides for line in lines for token in line.split())
        entries = ["</s>", "<unk>", *sorted(tokens)]
        write_lines(
            folder / "model.vocab.yml", [f'"{e}": {i}' if i % 2 else f"{e!r}: {i}" for i, e in enumerate(entries)]
        )
    elif name == "student":
        vocabularies = [str(folder / "vocab.spm")] * 2
        train_pieces([line for lines in sides for line in lines], 160, folder / "vocab.spm")
    else:
        vocabularies = [str(folder / "source-vocab.spm"), str(folder / "target-vocab.spm")]
        for lines, path, size in zip(sides, vocabularies, (120, 110), strict=True):
            train_pieces(lines, size, Path(path))
    files = [write_lines(work / f"train.{side}", lines) for side, lines in enumerate(sides)]
    tests = [write_lines(work / f"test.{side}", lines) for side, lines in enumerate(held)]
    model = str(work / "model.npz")
    common = ["--vocabs", *vocabularies]
    sizes = "" if "--dim-emb" in MODELS[name] else SIZES
    run("train", "-m", model, "-t", *files, *common, *f"{SMALL} {sizes} {MODELS[name]}".split())
    scores = str(folder / "scores.txt")
    run("score", "-m", model, "-t", *tests, *common, "--word-scores", "--cpu-threads", "1", "-o", scores)
    if name == "student":
        packed = str(folder / "model.bin")
        run("convert", "-f", model, "-t", packed, "--gemm-type", "intgemm8")
        # Its scorer knows no int8; its decoder, made to write the given targets, does.
        forced = ["-b", "1", "--cpu-threads", "1", "--n-best", "--word-scores", "--force-decode"]
        run("decode", "-m", packed, "-i", *tests, *common, *forced, "-o", str(folder / "int8-scores.txt"))
    if name in DECODED:
        output = str(work / "greedy.txt")
        decoding = ["-b", "1", "--cpu-threads", "1", "--max-length-factor", "2"]
        run("decode", "-m", model, "-i", tests[0], *common, *decoding, "-o", output)
        greedy = Path(output).read_text(encoding="utf-8").splitlines()
        if name == "yaml":
            processor = sentencepiece.SentencePieceProcessor(model_file=str(cutters[1]))
            greedy = [processor.decode(line.split()) for line in greedy]
        write_lines(folder / "greedy.txt", greedy)
    write_lines(folder / "source.txt", [pair[0] for pair in held_out])
    write_lines(folder / "target.txt", [pair[1] for pair in held_out])
    if name != "student":
        np.savez_compressed(folder / "model.npz", **np.load(model))
        names = "".join(f"  - {Path(path).name}\n" for path in vocabularies)
        settings = f"models:\n  - model.npz\nvocabs:\n{names}beam-size: 6\nnormalize: 0.6\n"
        (folder / "decoder.yml").write_text(settings, encoding="utf-8")
    shutil.rmtree(work)


def main() -> None:
    root = Path(sys.argv[1])
    for name in sys.argv[2:] or MODELS:
        make(root, name, sentences(1500), sentences(NUM_LINES, seed=1))


if __name__ == "__main__":
    main()
