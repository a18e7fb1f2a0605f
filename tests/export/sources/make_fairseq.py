"""How the fixtures in `fairseq/` were made: tiny models that fairseq itself trained, with its own scores and texts.

Not a test. With fairseq-fixed 0.12.3.1 and torch installed, from the repository's root (two minutes):
    PYTHONPATH=. python tests/export/sources/make_fairseq.py FOLDER
`iwslt` has the shape of transformer_iwslt_de_en (norms after, a table for the source), `pre-norm` norms before,
gelu, learned positions and one dictionary.
"""

import json
import os
import shutil
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from unittest import mock

import torch
from fairseq import checkpoint_utils

from tests.corpus import sentences
from tests.export.sources.make_marian import cut, train_pieces, write_lines

SMALL = (
    "--encoder-embed-dim 16 --encoder-ffn-embed-dim 24 --encoder-attention-heads 2 --encoder-layers 2 "
    "--decoder-embed-dim 16 --decoder-ffn-embed-dim 24 --decoder-attention-heads 2 --decoder-layers 1 --dropout 0 "
    "--optimizer adam --lr 0.01 --lr-scheduler inverse_sqrt --warmup-updates 50 --max-tokens 1000 --max-update 300 "
    "--criterion label_smoothed_cross_entropy --cpu --seed 5 --no-progress-bar --log-format none --num-workers 0 "
    "--no-epoch-checkpoints --no-save-optimizer-state --disable-validation"
)
MODELS = {
    "iwslt": "--share-decoder-input-output-embed",
    "pre-norm": "--share-all-embeddings --encoder-normalize-before --decoder-normalize-before --activation-fn gelu "
    "--encoder-learned-pos --decoder-learned-pos --max-source-positions 60 --max-target-positions 60",
}
NUM_LINES = 20


def run(program: str, *arguments: str) -> None:
    code = f"import sys; from fairseq_cli.{program} import cli_main; sys.argv[0] = {program!r}; cli_main()"
    subprocess.run([sys.executable, "-c", code, *arguments], check=True)


def make(root: Path, name: str) -> None:
    folder, work = root / name, root / f".{name}"
    for each in (folder, work):
        each.mkdir(parents=True)
    joined = name == "pre-norm"
    pairs, held_out = sentences(1500), sentences(NUM_LINES, seed=1)
    sides = {language: [pair[i] for pair in pairs] for i, language in enumerate(("de", "en"))}
    cutters = {language: folder / f"spm.{language}.model" for language in sides}
    if joined:
        cutters = dict.fromkeys(sides, folder / "sentencepiece.bpe.model")
    for language, lines in sides.items():
        text = sides["de"] + sides["en"] if joined else lines
        if not cutters[language].exists():
            train_pieces(text, 100, cutters[language])
        write_lines(work / f"train.{language}", cut(cutters[language], lines))
    options = ["--joined-dictionary"] if joined else []
    data = work / "data"
    run("preprocess", "-s", "de", "-t", "en", "--trainpref", str(work / "train"), "--destdir", str(data), *options)
    run(
        "train",
        str(data),
        "--arch",
        "transformer_iwslt_de_en",
        "--save-dir",
        str(work),
        *SMALL.split(),
        *MODELS[name].split(),
    )
    for language in sides:
        shutil.copyfile(data / f"dict.{language}.txt", folder / f"dict.{language}.txt")
    last = work / "checkpoint_last.pt"
    state = torch.load(last, weights_only=False)
    state["cfg"]["model"] = Namespace(**{**vars(state["cfg"]["model"]), "data": "", "save_dir": ""})
    torch.save(
        {"args": None, "cfg": {"model": state["cfg"]["model"]}, "model": state["model"]}, folder / "checkpoint_best.pt"
    )
    # Its own files are older than PyTorch's distrust of pickles.
    with mock.patch.dict(os.environ, {"TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1"}):
        found = checkpoint_utils.load_model_ensemble_and_task([str(last)], arg_overrides={"data": str(data)})
    (model,), _, task = found
    model.eval()
    search = task.build_generator([model], Namespace(beam=1, max_len_a=2, max_len_b=0, min_len=1))
    expected = []
    for pair in held_out:
        pieces = [cut(cutters[language], [text])[0] for language, text in zip(sides, pair, strict=True)]
        dictionaries = (task.source_dictionary, task.target_dictionary)
        source_ids, target_ids = (
            each.encode_line(line, add_if_not_exist=False).long()
            for each, line in zip(dictionaries, pieces, strict=True)
        )
        inputs = {"src_tokens": source_ids[None], "src_lengths": torch.tensor([len(source_ids)])}
        fed = torch.cat([torch.tensor([2]), target_ids[:-1]])[None]
        with torch.inference_mode():
            log_probs = model.get_normalized_probs(model(**inputs, prev_output_tokens=fed), log_probs=True)[0]
            ((best,),) = search.generate([model], {"net_input": inputs})
        scores = log_probs.gather(1, target_ids[:, None])[:, 0].tolist()
        expected.append(
            {
                "text": pair[0],
                "source_ids": source_ids.tolist(),
                "target_ids": target_ids.tolist(),
                "scores": [float(f"{score:.7g}") for score in scores],
                "generated": best["tokens"].tolist(),
            }
        )
    lines = (json.dumps(each, ensure_ascii=False) for each in expected)
    (folder / "expected.jsonl").write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    shutil.rmtree(work)


def main() -> None:
    for name in MODELS:
        make(Path(sys.argv[1]), name)


if __name__ == "__main__":
    main()
