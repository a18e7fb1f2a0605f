"""How the fixtures in `fairseq/` were made: tiny models that fairseq itself trained, with its own scores and texts.

Not a test. With fairseq-fixed 0.12.3.1 and torch installed, from the repository's root (two minutes):
    PYTHONPATH=. python tests/export/sources/make_fairseq.py FOLDER [NAME ...]
`iwslt` has the shape of transformer_iwslt_de_en (norms after, a table for the source), `pre-norm` norms before,
gelu, learned positions and one dictionary. `moses` is as `iwslt`, and its text is cut by Moses and BPE (packages
sacremoses and subword-nmt), called as fairseq's own hub interface does.
"""

import io
import json
import os
import shutil
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from unittest import mock

import torch
from fairseq import checkpoint_utils
from fairseq.data.encoders.moses_tokenizer import MosesTokenizer, MosesTokenizerConfig
from fairseq.data.encoders.subword_nmt_bpe import SubwordNMTBPE, SubwordNMTBPEConfig
from subword_nmt.learn_bpe import learn_bpe

from tests.corpus import sentences
from tests.export.sources.make_marian import cut, train_pieces, write_lines
from tests.export.sources.moses_lines import dress

SMALL = (
    "--encoder-embed-dim 16 --encoder-ffn-embed-dim 24 --encoder-attention-heads 2 --encoder-layers 2 "
    "--decoder-embed-dim 16 --decoder-ffn-embed-dim 24 --decoder-attention-heads 2 --decoder-layers 1 --dropout 0 "
    "--optimizer adam --lr 0.01 --lr-scheduler inverse_sqrt --warmup-updates 50 --max-tokens 1000 --max-update 300 "
    "--criterion label_smoothed_cross_entropy --cpu --seed 5 --no-progress-bar --log-format none --num-workers 0 "
    "--no-epoch-checkpoints --no-save-optimizer-state --disable-validation"
)
MODELS = {
    "iwslt": "--share-decoder-input-output-embed",
    "moses": "--share-decoder-input-output-embed --max-update 800 --lr 0.005",
    "pre-norm": "--share-all-embeddings --encoder-normalize-before --decoder-normalize-before --activation-fn gelu "
    "--encoder-learned-pos --decoder-learned-pos --max-source-positions 60 --max-target-positions 60",
}
NUM_LINES = 20
NUM_MERGES = 250
Cut = Callable[[list[str]], list[str]]


def run(program: str, *arguments: str) -> None:
    code = f"import sys; from fairseq_cli.{program} import cli_main; sys.argv[0] = {program!r}; cli_main()"
    subprocess.run([sys.executable, "-c", code, *arguments], check=True)


def cut_with_sentencepiece(folder: Path, sides: Mapping[str, list[str]], joined: bool) -> dict[str, Cut]:
    """What cuts the text of each side, trained on `sides` and written into `folder`."""
    paths = {language: folder / f"spm.{language}.model" for language in sides}
    if joined:
        paths = dict.fromkeys(sides, folder / "sentencepiece.bpe.model")
    for language, lines in sides.items():
        if not paths[language].exists():
            train_pieces([line for each in sides.values() for line in each] if joined else lines, 100, paths[language])
    return {language: lambda lines, path=path: cut(path, lines) for language, path in paths.items()}


def tokenizer_of(language: str) -> MosesTokenizer:
    return MosesTokenizer(MosesTokenizerConfig(source_lang=language, target_lang=language))


def cut_with_moses(folder: Path, sides: Mapping[str, list[str]]) -> dict[str, Cut]:
    """Likewise, with codes that both sides have together."""
    tokenizers = {language: tokenizer_of(language) for language in sides}
    tokens = [tokenizers[language].encode(line) for language, lines in sides.items() for line in lines]
    codes = io.StringIO()
    learn_bpe(io.StringIO("\n".join(tokens)), codes, NUM_MERGES)
    (folder / "code").write_text(codes.getvalue(), encoding="utf-8")
    bpe = SubwordNMTBPE(SubwordNMTBPEConfig(bpe_codes=str(folder / "code")))
    return {
        language: lambda lines, each=each: [bpe.encode(each.encode(line)) for line in lines]
        for language, each in tokenizers.items()
    }


def make(root: Path, name: str) -> None:
    folder, work = root / name, root / f".{name}"
    for each in (folder, work):
        each.mkdir(parents=True)
    joined, moses = name == "pre-norm", name == "moses"
    pairs, held_out = sentences(1500), sentences(NUM_LINES, seed=1)
    if moses:
        pairs, held_out = dress(sentences(2500)), dress(sentences(2 * NUM_LINES, seed=1))
    sides = {language: [pair[i] for pair in pairs] for i, language in enumerate(("de", "en"))}
    cutters = cut_with_moses(folder, sides) if moses else cut_with_sentencepiece(folder, sides, joined)
    for language, lines in sides.items():
        write_lines(work / f"train.{language}", cutters[language](lines))
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
        pieces = [cutters[language]([text])[0] for language, text in zip(sides, pair, strict=True)]
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
        more = {}
        if moses:
            written = task.target_dictionary.string(best["tokens"])
            more = {"translation": tokenizer_of("en").decode((written + " ").replace("@@ ", "").rstrip())}
        expected.append(
            {
                "text": pair[0],
                "source_ids": source_ids.tolist(),
                "target_ids": target_ids.tolist(),
                "scores": [float(f"{score:.7g}") for score in scores],
                "generated": best["tokens"].tolist(),
                **more,
            }
        )
    lines = (json.dumps(each, ensure_ascii=False) for each in expected)
    (folder / "expected.jsonl").write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    shutil.rmtree(work)


def main() -> None:
    for name in sys.argv[2:] or MODELS:
        make(Path(sys.argv[1]), name)


if __name__ == "__main__":
    main()
