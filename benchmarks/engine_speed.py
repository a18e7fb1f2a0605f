"""How fast Ferry's engine translates: beside CTranslate2 on the same weights, and PyTorch eager on the same model.

    python benchmarks/engine_speed.py --checkpoint runs/CKPT --bundle models/en-de --source de --target en \\
        --lines dev.de.gz --output runs/engine-speed

writes `engine_speed.json`, `engine_speed.md` and `engine_speed.png`. It needs the development environment and

    pip install ctranslate2==4.8.5

The checkpoint is the one that the bundle was exported from (`ferry-unpack` makes one of a bundle); the peers get its
weights. CTranslate2 computes in int8 beside an int8 bundle and in float32 beside an fp32 bundle.

- All systems live in one process and take turns, another one first in every round. What is chosen for a peer, and why,
  is at the head of its file under `benchmarks/engine/`; Ferry runs with the engine's defaults.
- Sentences go in as ids and come out as ids: no tokenising is timed, for any system. They are a file's lines in their
  order, so lengths are mixed as they are in the text; "at once" is how many are asked for together, `stream` is all.
  Groups follow one another: the next is asked for when the last answer of the one before is there.
- No sentence of a group may become longer than twice the group's longest source + 16 ids (Ferry's default for that
  source), in any system: CTranslate2 takes one limit a call.
- A ratio is the speed on the same sentences over CTranslate2's in the same round: median, lowest and highest of rounds.
- `cores used` is processor time over time: what the number of threads promised was kept. `by others` is what other
  processes, and the host of a virtual machine, took of the cores meanwhile: figures are sound where it is near 0.
- Marian is left out: it cannot compute these weights, since its decoder starts from a vector of zeros and its pre-norm
  attention normalises the queries alone, as its sources read. Forced to give Ferry's ids by `--force-decode`, which has
  a cost of its own (1.12.42, int8, greedy, same shape, one thread of a Zen 3), it made 640 to 830 ids/s.
- Memory and cold start are measured in fresh processes: start of the process to first translation, files cached, with
  imports, without a tokenizer, and for Ferry without the golden lines that a server replays first.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from engine import fresh, report
from engine.systems import Ferry, System
from engine.work import AtOnce, BenchmarkError, Cell, Fresh, Group, Ids, Sentences, choose_sentences, cut, read_lines

from server.bundle import Bundle, read_bundle, read_golden
from server.engine.job import default_max_target_length
from server.errors import FerryError
from server.text.tokenizer import Tokenizer
from training.checkpoint import Checkpoint, CheckpointError, read_checkpoint
from training.data.batches import pad
from training.data.tokenizer import BOS
from training.decode import encode

SYSTEMS = ("ferry", "ctranslate2", "torch")
PACKAGES = {"ferry": ("ferry-nmt", "onnxruntime"), "ctranslate2": ("ctranslate2",), "torch": ("torch",)}
# That say which int8 instructions there are.
CPU_FLAGS = ("avx", "avx2", "fma", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm", "sve")
# Share of the golden ids that a checkpoint must choose as its bundle did. Golden lines hold no close choices, so that
# the same weights agree everywhere but for a rare rounding of int8.
SAME_WEIGHTS = 0.97
# Seconds between turns on several threads: OpenMP's threads look for work a moment longer, at the next one's cost.
SETTLE_S = 0.1


@dataclass(frozen=True)
class Bench:
    """What all measurements share.

    Attributes:
        converted: the peers' model, as CTranslate2 reads it; None without CTranslate2.
        pieces: of every id.
    """

    bundle: Bundle
    checkpoint: Checkpoint
    sentences: Sentences
    converted: Path | None
    pieces: tuple[str, ...]

    @property
    def length_penalty(self) -> float:
        """The bundle's own."""
        return self.bundle.manifest.search.length_penalty

    @property
    def compute_type(self) -> str:
        """CTranslate2's name for the bundle's precision."""
        return "int8_float32" if self.bundle.manifest.precision == "int8" else "float32"

    def limit(self, source_length: int) -> int:
        """The longest target that Ferry would allow a source by itself."""
        return min(default_max_target_length(source_length), self.bundle.manifest.dimensions.max_target_length)

    def groups(self, at_once: AtOnce) -> list[Group]:
        """The sentences as they are asked for."""
        return cut(self.sentences.sources, at_once, self.limit)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; 0 if the files are there, 2 with one message on stderr if they are not."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    try:
        run(options)
    except (BenchmarkError, FerryError, CheckpointError, OSError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    return 0


def run(options: argparse.Namespace) -> None:
    """Measure what the command line asks for, and write it down."""
    old = report.read(options.output / "engine_speed.json") if options.add else None
    bundle, checkpoint = read_bundle(options.bundle), read_checkpoint(options.checkpoint)
    check_same(bundle, checkpoint)
    lines = read_lines(options.lines)
    sentences = encode_lines(lines, bundle, options)
    references = read_references(options, len(lines))
    names, notes = choose_systems(options.systems, checkpoint)
    setting = describe(options, bundle, sentences, names)
    if old is not None and old.setting != setting:
        raise BenchmarkError(f"{options.output} holds measurements of another setting; --add needs the same")
    with tempfile.TemporaryDirectory(prefix="engine-speed-") as folder:
        bench = open_bench(bundle, checkpoint, sentences, Path(folder), names)
        rows, quality = [], []
        for cells in cells_by_threads(options):
            for row, outputs in measure_cells(bench, names, cells, options.rounds):
                rows.append(row)
                last = row.cell.threads == options.threads[-1] and row.cell.at_once == options.sentences[-1]
                if references and last:
                    quality += judge(bench, row.cell.beam_size, outputs, references)
        lives = measure_fresh(bench, names, options, Path(folder)) if options.fresh else {}
    found = report.Report(setting, tuple(notes), tuple(rows), lives, tuple(quality))
    report.write(found if old is None else report.join(old, found), options.output)
    print((options.output / "engine_speed.md").read_text(encoding="utf-8"))


def check_same(bundle: Bundle, checkpoint: Checkpoint) -> None:
    """Refuse a bundle that was not exported from these weights.

    Raises:
        BenchmarkError: sizes, tokenizer or what is computed differ.
    """
    both = f"bundle {bundle.path} and checkpoint {checkpoint.path}"
    sizes, settings = bundle.manifest.dimensions, checkpoint.settings.model
    names = ("d_model", "d_ff", "num_heads", "num_encoder_layers", "num_decoder_layers")
    pairs = [(name, getattr(sizes, name), getattr(settings, name)) for name in names]
    pairs.append(("vocab_size", sizes.vocab_size, checkpoint.model.vocab_size))
    pairs.append(("decoder_mixing", bundle.manifest.decoder_mixing, settings.decoder_mixing))
    faults = [f"{name} is {ours} and {theirs}" for name, ours, theirs in pairs if ours != theirs]
    if faults:
        raise BenchmarkError(f"{both} are of different models: {'; '.join(faults)}")
    if bundle.file("tokenizer").read_bytes() != checkpoint.tokenizer.read_bytes():
        raise BenchmarkError(f"{both} have different tokenizers")
    share = golden_agreement(bundle, checkpoint)
    if share < SAME_WEIGHTS:
        raise BenchmarkError(
            f"{both} have different weights: the checkpoint would choose {share:.0%} of the bundle's golden ids; "
            "give the checkpoint that the bundle was exported from, or one that ferry-unpack made of it"
        )


@torch.inference_mode()
def golden_agreement(bundle: Bundle, checkpoint: Checkpoint) -> float:
    """Share of the bundle's golden ids that the checkpoint finds most likely after those before them."""
    eos = bundle.manifest.special_ids.eos
    golden = read_golden(bundle)
    if not golden:
        raise BenchmarkError(f"{bundle.path} has no golden lines to tell whether it has the checkpoint's weights")
    encoded, mask = encode(checkpoint.model, *pad([line.source_ids for line in golden]))
    targets, lengths = pad([(BOS, *line.target_ids, eos) for line in golden])
    logits = checkpoint.model.logits(checkpoint.model.decode(targets[:, :-1], encoded, mask))
    logits[..., list(bundle.manifest.suppressed_ids)] = -torch.inf
    real = torch.arange(targets.shape[1] - 1) < lengths[:, None] - 1
    return float((logits.argmax(-1) == targets[:, 1:])[real].float().mean())


def encode_lines(lines: Sequence[str], bundle: Bundle, options: argparse.Namespace) -> Sentences:
    """The lines as the engine reads them."""
    manifest = bundle.manifest
    pair = bundle.pair(options.source, options.target)
    if pair is None:
        offered = ", ".join(f"{each.source}-{each.target}" for each in manifest.pairs)
        raise BenchmarkError(f"{bundle.path} translates {offered}; it cannot do {options.source}-{options.target}")
    tokenizer = Tokenizer.load(bundle.file("tokenizer"))

    def encode_line(line: str) -> Ids:
        return (*pair.prefix_ids, *tokenizer.encode(line), manifest.special_ids.eos)

    return choose_sentences(lines, encode_line, manifest.dimensions.max_source_length, options.num_lines)


def read_references(options: argparse.Namespace, num_lines: int) -> list[str]:
    """The reference translations, a line each of the source; empty if none are given."""
    if options.references is None:
        return []
    references = read_lines(options.references)
    if len(references) != num_lines:
        raise BenchmarkError(f"{options.references} has {len(references)} lines, {options.lines} has {num_lines}")
    return references


def choose_systems(wanted: Sequence[str], checkpoint: Checkpoint) -> tuple[list[str], list[str]]:
    """Those of `wanted` that can compute the checkpoint's model, Ferry first, and why others cannot."""
    names, notes = [name for name in SYSTEMS if name in wanted], []
    mixing = checkpoint.settings.model.decoder_mixing
    if mixing != "attention":
        for name in ("ctranslate2", "torch"):
            if name in names:
                names.remove(name)
                notes.append(f"{report.NAMES[name]} is left out: it has no decoder with {mixing.upper()} here.")
    if "ctranslate2" in names:
        try:
            metadata.version("ctranslate2")
        except metadata.PackageNotFoundError:
            raise BenchmarkError("ctranslate2 is not installed; install it, or leave it out with --systems") from None
    if not names:
        raise BenchmarkError(f"no system is left to measure; {' '.join(notes)}")
    return names, notes


def open_bench(
    bundle: Bundle, checkpoint: Checkpoint, sentences: Sentences, folder: Path, names: Sequence[str]
) -> Bench:
    """What the measurements share; CTranslate2's model is written into `folder`."""
    if "ctranslate2" not in names:
        return Bench(bundle, checkpoint, sentences, None, ())
    from engine.convert import convert, read_pieces  # not installed everywhere

    pieces = tuple(read_pieces(bundle.file("tokenizer")))
    bench = Bench(bundle, checkpoint, sentences, folder / "ctranslate2", pieces)
    convert(checkpoint, folder / "ctranslate2", bench.compute_type)
    return bench


def open_system(name: str, bench: Bench, threads: int) -> System:
    """The system `name`, ready to translate."""
    manifest = bench.bundle.manifest
    if name == "ferry":
        return Ferry(bench.bundle, threads, bench.length_penalty)
    if name == "ctranslate2":
        from engine.ct2 import CTranslate2

        assert bench.converted is not None
        return CTranslate2(
            bench.converted, bench.compute_type, threads, bench.pieces, manifest.suppressed_ids, bench.length_penalty
        )
    from engine.eager import Eager

    return Eager(bench.checkpoint.model, threads, manifest.suppressed_ids)


def cells_by_threads(options: argparse.Namespace) -> list[list[Cell]]:
    """All settings to measure, in one list a number of threads."""
    return [
        [Cell(threads, beam_size, at_once) for beam_size in options.beam_sizes for at_once in options.sentences]
        for threads in options.threads
    ]


Outputs = Mapping[str, list[Ids]]


def measure_cells(
    bench: Bench, names: Sequence[str], cells: Sequence[Cell], rounds: int
) -> list[tuple[report.Row, Outputs]]:
    """Measure `cells`, all of the same number of threads; what each system gave comes along."""
    systems = {name: open_system(name, bench, cells[0].threads) for name in names}
    try:
        return [measure_cell(bench, systems, cell, rounds) for cell in cells]
    finally:
        for system in systems.values():
            system.close()


def measure_cell(bench: Bench, systems: Mapping[str, System], cell: Cell, rounds: int) -> tuple[report.Row, Outputs]:
    """Let the systems translate all sentences in turns."""
    groups = bench.groups(cell.at_once)
    able = {name: system for name, system in systems.items() if system.beam_sizes([cell.beam_size])}
    chosen = {name: system.prepare(groups, cell.at_once, cell.beam_size) for name, system in able.items()}
    turns: dict[str, list[report.Turn]] = {name: [] for name in able}
    outputs: dict[str, list[Ids]] = {}
    names = list(able)
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            if cell.threads > 1:
                time.sleep(SETTLE_S)
            turn, translated = take_turn(able[name], groups, cell.beam_size)
            turns[name].append(turn)
            if name not in outputs:
                outputs[name] = [ids for each in translated for ids in able[name].read(each)]
    row = report.Row(
        cell,
        {
            name: report.Measured(
                choice=chosen[name],
                sentences=len(outputs[name]),
                target_tokens=sum(map(len, outputs[name])),
                same_ids=count_same(outputs, name),
                turns=tuple(turns[name]),
            )
            for name in names
        },
    )
    say(row)
    return row, outputs


def take_turn(system: System, groups: Sequence[Group], beam_size: int) -> tuple[report.Turn, list[Any]]:
    """Translate `groups`, one after another; how long it took, and what the system gave."""
    busy_before, own_before, before = busy_s(), time.process_time(), time.perf_counter()
    translated = [system.translate(group, beam_size) for group in groups]
    seconds, own = time.perf_counter() - before, time.process_time() - own_before
    return report.Turn(seconds, own, max(0.0, busy_s() - busy_before - own)), translated


def busy_s() -> float:
    """Processor time, in seconds since the start of the system, that was not idle; of all cores."""
    user, nice, system, _idle, _waiting, *others = map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:9])
    return (user + nice + system + sum(others)) / os.sysconf("SC_CLK_TCK")


def count_same(outputs: Outputs, name: str) -> int | None:
    """Sentences for which `name` gave the reference's ids; None for the reference itself or without it."""
    if name == report.REFERENCE or report.REFERENCE not in outputs:
        return None
    return sum(ours == theirs for ours, theirs in zip(outputs[name], outputs[report.REFERENCE], strict=True))


def measure_fresh(bench: Bench, names: Sequence[str], options: argparse.Namespace, folder: Path) -> dict[str, Fresh]:
    """Memory and cold start, each system as it is set up for a stream, at the smallest number of threads."""
    [stream] = bench.groups(None)
    models = {"ferry": bench.bundle.path, "ctranslate2": bench.converted, "torch": bench.checkpoint.path}
    lives = {}
    for name in names:
        job = fresh.Job(
            system=name,
            model=str(models[name]),
            threads=min(options.threads),
            beam_size=1 if name == "torch" else max(options.beam_sizes),
            length_penalty=bench.length_penalty,
            limit=stream.limit,
            suppressed_ids=bench.bundle.manifest.suppressed_ids,
            sources=stream.sources,
            compute_type=bench.compute_type,
            pieces=bench.pieces,
        )
        lives[name] = fresh.measure(job, options.fresh, folder)
    return lives


def judge(bench: Bench, beam_size: int, outputs: Outputs, references: Sequence[str]) -> list[report.Quality]:
    """BLEU and chrF of every system's translations."""
    import sacrebleu

    tokenizer = Tokenizer.load(bench.bundle.file("tokenizer"))
    expected = [[references[number] for number in bench.sentences.lines]]
    found = []
    for name, translations in outputs.items():
        texts = [tokenizer.decode(ids) for ids in translations]
        bleu, chrf = sacrebleu.corpus_bleu(texts, expected).score, sacrebleu.corpus_chrf(texts, expected).score
        found.append(report.Quality(beam_size, name, bleu, chrf))
    return found


def describe(options: argparse.Namespace, bundle: Bundle, sentences: Sentences, names: Sequence[str]) -> dict[str, Any]:
    """What must be equal for figures to be compared."""
    manifest, sizes = bundle.manifest, bundle.manifest.dimensions
    packages = [package for name in SYSTEMS if name in names for package in PACKAGES[name]]
    return {
        "machine": {"cpu": cpu_fact("model name"), "flags": cpu_flags(), "cores": os.cpu_count()},
        "versions": {package: metadata.version(package) for package in packages},
        "model": {
            "bundle": f"{manifest.name} {manifest.version}",
            "precision": manifest.precision,
            "shape": (
                f"{sizes.num_encoder_layers}+{sizes.num_decoder_layers} layers, d={sizes.d_model}, ffn {sizes.d_ff}, "
                f"{sizes.num_heads} heads, {sizes.vocab_size:,} ids"
            ),
            "length_penalty": manifest.search.length_penalty,
        },
        "text": {
            "file": options.lines.name,
            "direction": f"{options.source}-{options.target}",
            "sentences": len(sentences.sources),
            "left_out": sentences.num_left_out,
            "mean_source_tokens": sum(map(len, sentences.sources)) / len(sentences.sources),
        },
    }


def cpu_fact(name: str) -> str:
    """What Linux says of the first processor under `name`; empty if nothing."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(": ")[2] for line in lines if line.split("\t")[0].strip() == name), "")


def cpu_flags() -> list[str]:
    """Those of `CPU_FLAGS` that the processor has."""
    found = (cpu_fact("flags") or cpu_fact("Features")).split()
    return [flag for flag in CPU_FLAGS if flag in found]


def say(row: report.Row) -> None:
    """One line on stderr for who waits."""
    figures = ", ".join(
        f"{name} {found.target_tokens / found.seconds:,.0f} ids/s (x {row.ratio(name).median:.2f})"
        for name, found in row.systems.items()
    )
    cell = row.cell
    print(f"threads {cell.threads}, beam {cell.beam_size}, at once {cell.label}: {figures}", file=sys.stderr)


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="engine_speed", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--checkpoint", type=Path, required=True, help="folder whose weights the peers get")
    parser.add_argument("--bundle", type=Path, required=True, help="folder that ferry-export made of it")
    parser.add_argument("--source", required=True, metavar="LANGUAGE")
    parser.add_argument("--target", required=True, metavar="LANGUAGE")
    parser.add_argument("--lines", type=Path, required=True, help="text to translate, plain or .gz, a sentence a line")
    parser.add_argument("--references", type=Path, help="its translations, line by line, for BLEU and chrF")
    parser.add_argument("--output", type=Path, required=True, help="folder to write into")
    parser.add_argument("--add", action="store_true", help="keep other cells that the folder holds of the same setting")
    parser.add_argument("--num-lines", type=positive, default=128, help="how many of the lines (default: 128)")
    parser.add_argument("--threads", type=positive, nargs="+", default=[1, 2])
    parser.add_argument("--sentences", type=at_once, nargs="+", default=[1, 4, 16, 32, 64, None], metavar="N|stream")
    parser.add_argument("--beam-sizes", type=positive, nargs="+", default=[1, 4])
    parser.add_argument("--rounds", type=positive, default=5)
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS))
    parser.add_argument("--fresh", type=count, default=3, help="processes for memory and cold start; 0 leaves them out")
    return parser


def positive(text: str) -> int:
    """A whole number from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 1")
    return int(text)


def count(text: str) -> int:
    """A whole number from 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 0")
    return int(text)


def at_once(text: str) -> AtOnce:
    """A number of sentences, or all of them."""
    if text == "stream":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is neither a whole number from 1 nor 'stream'")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
