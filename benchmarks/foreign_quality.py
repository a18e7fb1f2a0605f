"""How good a model of Marian's is here and there: BLEU of Marian's own decoder and of ours, in float and in int8.

    python benchmarks/foreign_quality.py model.npz --test tatoeba dev.de dev.en --marian-python VENV/bin/python \\
        --output runs/quality

writes `quality.json` and `quality.md`: for each test and width of beam BLEU, and how many lines are Marian's own in
float. `vocab.spm` lies beside the npz. `ferry-import` gets no text: int8 is calibrated on lines that it makes up.
`binary` is what it makes of the .bin that Marian's own converter makes, whose weights are int8.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import sacrebleu
import torch
from engine.work import read_lines
from foreign.systems import Ferry, Marian, Search
from foreign_speed import CONVERT

from export.importer import import_model
from export.manifest import ExportSettings
from export.pack import Material
from export.sources.marian import read_marian
from export.sources.options import SourceOptions

MARIAN = "Marian, float"
GROUP = 64


def main(arguments: Sequence[str] | None = None) -> None:
    options = build_parser().parse_args(arguments)
    torch.set_num_threads(1)
    options.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="foreign-") as name:
        folder = Path(name)
        packed, vocabulary = folder / "model.bin", options.model.parent / "vocab.spm"
        convert = [str(options.marian_python), "-c", CONVERT, "convert", "-f", str(options.model), "-t", str(packed)]
        subprocess.run([*convert, "--gemm-type", "intgemm8"], check=True, capture_output=True)
        bundles = {
            "Ferry, float": bring(options, options.model, folder / "float", "fp32"),
            "Ferry, int8": bring(options, options.model, folder / "int8", "int8"),
            "Ferry, int8 of the binary": bring(options, packed, folder / "binary", "int8"),
        }
        rows = []
        for beam_size in options.beam_sizes:
            search = Search(beam_size)
            both = (vocabulary, vocabulary)
            models = {MARIAN: options.model, "Marian, int8": packed}
            systems: dict[str, Marian | Ferry] = {
                each: Marian(options.marian_python, path, both, search) for each, path in models.items()
            }
            systems |= {each: Ferry(path, search) for each, path in bundles.items()}
            for test in options.test:
                rows += judge(systems, test, beam_size, options)
            for system in systems.values():
                system.close()
    write(options.output / "quality", rows)


def bring(options: argparse.Namespace, model: Path, folder: Path, precision: str) -> Path:
    """What ferry-import makes of `model`, in `folder`."""
    vocabulary = options.model.parent / "vocab.spm"
    asked = SourceOptions(pairs=((options.source, options.target),), vocabularies=(vocabulary, vocabulary))
    settings = ExportSettings(precision="int8" if precision == "int8" else "fp32")
    source = read_marian(model, asked)
    import_model(source, folder, settings, Material(), lambda text: print(text, file=sys.stderr))
    return folder


def judge(
    systems: Mapping[str, Marian | Ferry], test: tuple[str, str, str], beam_size: int, options: argparse.Namespace
) -> list[dict[str, object]]:
    """A row for each system."""
    name, *files = test
    sources, references = (read_lines(Path(file))[: options.num_lines] for file in files)
    groups = [sources[start : start + GROUP] for start in range(0, len(sources), GROUP)]
    found = {each: system.translate(groups).texts for each, system in systems.items()}
    rows: list[dict[str, object]] = []
    for each, texts in found.items():
        same = sum(a == b for a, b in zip(texts, found[MARIAN], strict=True))
        row = {
            "test": name,
            "lines": len(sources),
            "beam": beam_size,
            "system": each,
            "BLEU": round(sacrebleu.corpus_bleu(list(texts), [references]).score, 2),
            "chrF": round(sacrebleu.corpus_chrf(list(texts), [references]).score, 2),
            "lines as Marian's float": same,
        }
        print(row, file=sys.stderr, flush=True)
        rows.append(row)
        (options.output / f"{name}.{beam_size}.{each.replace(', ', '-').replace(' ', '-')}.txt").write_text(
            "".join(f"{text}\n" for text in texts), encoding="utf-8"
        )
    return rows


def write(path: Path, rows: list[dict[str, object]]) -> None:
    """Write `path`.json and .md, and print the table."""
    path.with_suffix(".json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    table = ["| " + " | ".join(rows[0]) + " |", "|" + "---|" * len(rows[0])]
    table += ["| " + " | ".join(map(str, row.values())) + " |" for row in rows]
    path.with_suffix(".md").write_text("\n".join(table) + "\n", encoding="utf-8")
    print("\n".join(table))


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="foreign_quality", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, help="Marian's .npz, with vocab.spm beside it")
    parser.add_argument(
        "--test", nargs=3, action="append", required=True, metavar=("NAME", "SOURCE_FILE", "REFERENCE_FILE")
    )
    parser.add_argument("--source", default="de")
    parser.add_argument("--target", default="en")
    parser.add_argument("--marian-python", type=Path, default=Path(sys.executable), help="the one that has pymarian")
    parser.add_argument("--output", type=Path, required=True, help="folder to write into")
    parser.add_argument("--num-lines", type=int, default=1000, help="of each test, from its start")
    parser.add_argument("--beam-sizes", type=int, nargs="+", default=[1, 4])
    return parser


if __name__ == "__main__":
    main()
