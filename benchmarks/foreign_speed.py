"""How fast models of other people's shapes are: Ferry beside Marian and CTranslate2, int8, one thread, equal weights.

    python benchmarks/foreign_speed.py --shape firefox-base --marian-python venv/bin/python --output runs
    python benchmarks/foreign_speed.py --model model.npz --lines dev.de --marian-python venv/bin/python --output runs

writes `NAME.json` and `NAME.md`. It needs the development environment, and one in which `pip install pymarian==1.12.42`
was done. `--shape` has random weights and lines of words at random: 25 source ids, and targets of 28 that nothing ends.
`--model` has Marian's weights of its own, with `vocab.spm` beside them, and real lines.

- Ferry serves what `ferry-import` makes of the npz. Marian has what its own `convert --gemm-type intgemm8` makes of it:
  there the table, which gives the logits, stays in float32; Ferry's is int8. CTranslate2 has what its own converter of
  Marian's models makes, in int8; it has no decoder with SSRU.
- No shortlist (Firefox has one, of a few hundred words a sentence; answers then depend on it): all logits are computed.
- Systems take turns, another one first in every round. What counts is processor time, which on one thread is what a
  machine without other work would take; `cores used` is its share of the time that passed. A ratio is another system's
  over Ferry's in the same round: median, lowest and highest. Alone, and 16 at once, only the first 16 lines are asked.
- Marian's batches, and how its calls are cut, are the best of three; CTranslate2 cuts real lines into batches of 16.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from ctranslate2.converters import MarianConverter
from engine.work import read_lines
from engine_speed import cpu_fact
from foreign.marian_form import write_npz
from foreign.shapes import SHAPES, build_random, draw_lines, write_list, write_words
from foreign.systems import CTranslate2, Ferry, Groups, Marian, Search, System, Turn

from export.importer import import_model
from export.manifest import ExportSettings
from export.pack import Material
from export.sources.marian import read_marian
from export.sources.options import SourceOptions

SOURCE_LENGTH, TARGET_LENGTH = 25, 28
FEW_LINES = 16
NAMES = {"ferry": "Ferry", "marian": "Marian", "ctranslate2": "CTranslate2"}
CONVERT = "import sys, _pymarian; sys.exit(_pymarian.main(sys.argv[1:]))"


@dataclass(frozen=True)
class Files:
    """The same weights for each system.

    Attributes:
        converted: CTranslate2's; None for a shape that it cannot compute.
    """

    vocabulary: Path
    bundle: Path
    packed: Path
    converted: Path | None


@dataclass(frozen=True)
class Cell:
    """One line of the table; by system, a turn for each round. `batch` is Marian's choice."""

    beam_size: int
    at_once: int
    turns: Mapping[str, Sequence[Turn]]
    batch: int

    def ratio(self, name: str) -> tuple[float, float, float]:
        """Processor time of `name` over Ferry's in the same round: median, lowest, highest."""
        pairs = zip(self.turns[name], self.turns["ferry"], strict=True)
        found = sorted(theirs.cpu_s / ours.cpu_s for theirs, ours in pairs)
        return statistics.median(found), found[0], found[-1]


def main(arguments: Sequence[str] | None = None) -> None:
    options = build_parser().parse_args(arguments)
    if options.model and not options.lines:
        sys.exit("foreign_speed: --model needs --lines")
    torch.set_num_threads(1)
    options.output.mkdir(parents=True, exist_ok=True)
    name = options.shape or options.name
    with tempfile.TemporaryDirectory(prefix="foreign-") as folder:
        files = prepare(options, Path(folder))
        lines = choose_lines(options)
        cells = []
        for beam_size in options.beam_sizes:
            search = Search(beam_size, length=TARGET_LENGTH, factor=(TARGET_LENGTH - 0.5) / SOURCE_LENGTH)
            cells += measure(options, files, search if options.shape else Search(beam_size), lines)
    write(options.output / name, name, lines, cells)


def prepare(options: argparse.Namespace, folder: Path) -> Files:
    """The weights in every system's form, in `folder`."""
    model, vocabulary = options.model, folder / "vocab.spm"
    if options.shape:
        shape, model = SHAPES[options.shape], folder / "model.npz"
        write_npz(model, build_random(shape))
        write_words(vocabulary, shape.ids)
    else:
        vocabulary.write_bytes((model.parent / "vocab.spm").read_bytes())
    source = read_marian(
        model, SourceOptions(pairs=((options.source, options.target),), vocabularies=(vocabulary, vocabulary))
    )
    import_model(source, folder / "bundle", ExportSettings(precision="int8"), choose_material(options, folder), say)
    packed, converted = folder / "model.bin", folder / "ctranslate2"
    if "marian" in options.systems:
        convert = [str(options.marian_python), "-c", CONVERT, "convert", "-f", str(model), "-t", str(packed)]
        subprocess.run([*convert, "--gemm-type", "intgemm8"], check=True, capture_output=True)
    attends = source.model.settings.decoder_mixing == "attention"
    if attends and "ctranslate2" in options.systems:
        write_list(folder / "vocab.yml", vocabulary)
        MarianConverter(str(model), [str(folder / "vocab.yml")] * 2).convert(str(converted), quantization="int8")
    return Files(vocabulary, folder / "bundle", packed, converted if converted.exists() else None)


def choose_material(options: argparse.Namespace, folder: Path) -> Material:
    """What random weights are calibrated and proved on: a few lines, of which one is as good as another."""
    if not options.shape:
        return Material()
    lines = draw_lines(SHAPES[options.shape], 16, SOURCE_LENGTH)
    (folder / "lines").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return Material({options.source: folder / "lines"}, {options.source: folder / "lines"})


def choose_lines(options: argparse.Namespace) -> list[str]:
    """What is translated."""
    if options.shape:
        return draw_lines(SHAPES[options.shape], options.num_lines, SOURCE_LENGTH)
    return [line for line in read_lines(options.lines) if line.strip()][: options.num_lines]


def measure(options: argparse.Namespace, files: Files, search: Search, lines: Sequence[str]) -> list[Cell]:
    """The cells of one width of beam."""
    both = (files.vocabulary, files.vocabulary)
    systems: dict[str, System] = {"ferry": Ferry(files.bundle, search)}
    marian = None
    if "marian" in options.systems:
        systems["marian"] = marian = Marian(options.marian_python, files.packed, both, search)
    if files.converted is not None:
        systems["ctranslate2"] = CTranslate2(files.converted, both, search)
    cells = []
    for at_once in options.sentences:
        asked = lines[: max(at_once, FEW_LINES)]
        groups = [asked[start : start + at_once] for start in range(0, len(asked), at_once)]
        batch = marian.choose(groups) if marian else 0
        for system in systems.values():
            system.translate(groups)
        cells.append(take_turns(systems, groups, search, options.rounds, batch))
        say(tell(cells[-1]))
    for system in systems.values():
        system.close()
    return cells


def take_turns(systems: Mapping[str, System], groups: Groups, search: Search, rounds: int, batch: int) -> Cell:
    """All systems in turns."""
    names, turns = list(systems), {name: list[Turn]() for name in systems}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            turns[name].append(systems[name].translate(groups))
    return Cell(search.beam_size, len(groups[0]), turns, batch)


def tell(cell: Cell) -> str:
    """One line for who waits."""
    parts = []
    for name, turns in cell.turns.items():
        seconds = statistics.median(turn.cpu_s for turn in turns)
        parts.append(f"{name} {len(turns[0].texts) / seconds:,.1f}/s (x {cell.ratio(name)[0]:.2f})")
    return f"beam {cell.beam_size}, at once {cell.at_once}: {', '.join(parts)}"


def say(text: str) -> None:
    """Tell it on stderr."""
    print(text, file=sys.stderr, flush=True)


def write(path: Path, name: str, lines: Sequence[str], cells: Sequence[Cell]) -> None:
    """Write `path`.json and .md, and print the table."""
    rows = [describe(cell, system) for cell in cells for system in cell.turns]
    path.with_name(f"{path.name}.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    head = f"# {name}\n\n{cpu_fact('model name')}, one thread, int8, {len(lines)} lines.\n\n"
    table = ["| " + " | ".join(map(str, rows[0])) + " |", "|" + "---|" * len(rows[0])]
    table += ["| " + " | ".join(map(str, row.values())) + " |" for row in rows]
    path.with_name(f"{path.name}.md").write_text(head + "\n".join(table) + "\n", encoding="utf-8")
    print(head + "\n".join(table))


def describe(cell: Cell, name: str) -> dict[str, object]:
    """One system in one cell."""
    turns, (median, low, high) = cell.turns[name], cell.ratio(name)
    seconds, lines = [turn.cpu_s for turn in turns], len(turns[0].texts)
    same = sum(a == b for a, b in zip(turns[0].texts, cell.turns["ferry"][0].texts, strict=True))
    return {
        "beam": cell.beam_size,
        "at once": cell.at_once,
        "system": NAMES[name],
        "sentences/s": round(lines / statistics.median(seconds), 1),
        "slowest to fastest": f"{lines / max(seconds):.1f} to {lines / min(seconds):.1f}",
        "Ferry is x as fast": f"{median:.2f} ({low:.2f} to {high:.2f})",
        "words": sum(len(text.split()) for text in turns[0].texts),
        "same texts": f"{same} of {lines}",
        "batch": cell.batch if name == "marian" else "",
        "cores used": round(statistics.median(turn.cpu_s / turn.seconds for turn in turns), 2),
    }


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="foreign_speed", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--shape", choices=SHAPES, help="random weights of this shape")
    what.add_argument("--model", type=Path, help="Marian's .npz, with vocab.spm beside it")
    parser.add_argument("--lines", type=Path, help="text for --model, plain or .gz, a sentence a line")
    parser.add_argument("--name", default="model", help="what the files are called for --model")
    parser.add_argument("--source", default="de")
    parser.add_argument("--target", default="en")
    parser.add_argument("--marian-python", type=Path, default=Path(sys.executable), help="the one that has pymarian")
    parser.add_argument("--output", type=Path, required=True, help="folder to write into")
    parser.add_argument("--num-lines", type=int, default=64)
    parser.add_argument("--sentences", type=int, nargs="+", default=[1, 16, 64], metavar="N", help="asked for at once")
    parser.add_argument("--beam-sizes", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--systems", nargs="+", choices=NAMES, default=list(NAMES))
    return parser


if __name__ == "__main__":
    main()
