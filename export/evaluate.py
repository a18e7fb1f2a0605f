"""ferry-evaluate: how well a bundle, a checkpoint, or ready translations do on test files.

    ferry-evaluate models/en-de --test tatoeba de en test/tatoeba.de.gz test/tatoeba.en.gz

Results go to stdout, what is being done to stderr.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from export.changes import MAX_LINES
from export.comparison import NUM_RESAMPLES, compare
from export.errors import ExportError
from export.pack import check_free
from export.report import Evaluation, Report, format_report, write_qualities, write_report
from export.robustness import measure_robustness
from export.scores import METRIC_NAMES, build_metrics, score, score_by_length
from export.symptoms import find_symptoms, find_worst
from export.systems import Decoding, Output, find_system
from export.testset import TestSet, read_test_sets
from server.errors import FerryError
from training.checkpoint import CheckpointError
from training.data.corpus import CorpusError

TEST_FIELDS = ("NAME", "SOURCE", "TARGET", "SOURCE_FILE", "REFERENCE_FILE")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ferry-evaluate; 0 if all was scored, 2 with one message on stderr if not."""
    options = _parser().parse_args(arguments)
    try:
        _run(options)
    except (FerryError, CheckpointError, CorpusError, OSError) as error:
        print(f"ferry-evaluate: {error}", file=sys.stderr)
        return 2
    return 0


def evaluate(
    test_set: TestSet, output: Output, other: Output | None, metric_flags: Sequence[str], lowercase: bool
) -> Evaluation:
    """All that can be said of the translations of one test set, also compared with another system's.

    Args:
        test_set: what was translated.
        output: what is judged.
        other: what it is compared with; None compares with nothing.
        metric_flags: keys of `METRIC_NAMES`.
        lowercase: ignore case.
    """
    sources, references, hypotheses = test_set.sources, test_set.references, output.hypotheses
    metrics = build_metrics(metric_flags, test_set.target, lowercase)
    return Evaluation(
        name=test_set.name,
        source=test_set.source,
        target=test_set.target,
        num_lines=len(sources),
        scores=score(metrics, hypotheses, references),
        signatures={name: str(metric.get_signature()) for name, metric in metrics.items()},
        sentences_per_s=output.num_sentences / output.seconds if output.seconds else None,
        by_length=score_by_length(metrics, sources, hypotheses, references),
        symptoms=find_symptoms(sources, references, hypotheses, output.cut),
        reference_symptoms=find_symptoms(sources, references, references, None),
        comparisons=compare(metrics, hypotheses, other.hypotheses, references) if other else (),
        worst=find_worst(sources, references, hypotheses, lowercase),
    )


def _run(options: argparse.Namespace) -> None:
    _check_outputs(options)
    # The oracle's tensors are small: threads gain nothing, and on a busy machine they wait for each other.
    torch.set_num_threads(1)
    decoding = Decoding(options.beam_size, options.length_penalty, options.num_threads)
    test_sets = read_test_sets(options.test)
    if options.robustness:
        sheet = measure_robustness(test_sets, find_system(options.system), decoding, _say)
        print(sheet.format(), end="", flush=True)
        if options.report:
            sheet.write(options.report)
            _say(f"{options.report}: robustness.md, robustness.json, and every line")
        return
    systems = [find_system(path) for path in (options.system, options.against) if path is not None]
    for system in systems:
        system.check(test_sets, decoding)
    translated = [system.translate(test_sets, decoding, _say) for system in systems]
    own, other = translated[0], translated[1] if options.against else None
    _say("scoring")
    others = other.outputs if other else (None,) * len(test_sets)
    report = Report(
        system=own.system,
        beam_size=own.search.beam_size if own.search else None,
        other=other.system if other else None,
        evaluations=tuple(
            evaluate(each, mine, theirs, options.metrics, options.lowercase)
            for each, mine, theirs in zip(test_sets, own.outputs, others, strict=True)
        ),
    )
    print(format_report(report), end="", flush=True)
    if options.report:
        translations = {str(each): output.hypotheses for each, output in zip(test_sets, own.outputs, strict=True)}
        write_report(options.report, report, translations)
        _say(f"{options.report}: report.md, report.json and the translations")
    if options.json:
        write_qualities(options.json, report)


def _check_outputs(options: argparse.Namespace) -> None:
    """Refuse, before the long work, what could not be written after it."""
    if options.robustness and (options.against or options.json):
        raise ExportError("--robustness changes the lines: it goes with neither --against nor --json")
    for path in (options.report, options.json):
        if path is not None:
            check_free(path, "ferry-evaluate")
    if options.json and not options.json.parent.is_dir():
        raise ExportError(f"--json {options.json}: the folder {options.json.parent} does not exist")
    if options.json and not {"bleu", "chrf"} <= set(options.metrics):
        raise ExportError("--json holds BLEU and chrF; let --metrics have both")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ferry-evaluate",
        description="Score a system on test files.",
        epilog="A system is a folder: a bundle, a checkpoint (translated as an fp32 bundle), or ready translations in "
        "files named NAME.SOURCE-TARGET.txt, such as --report writes.",
    )
    parser.add_argument("system", type=Path, help="what to score")
    parser.add_argument(
        "--test", nargs=5, action="append", required=True, metavar=TEST_FIELDS, help="test files, plain or .gz; repeat"
    )
    parser.add_argument("--beam-size", type=int, help="1 is greedy (default: the bundle's own, of a checkpoint 1)")
    parser.add_argument("--length-penalty", type=float, help="likewise")
    parser.add_argument("--num-threads", type=int, default=Decoding.num_threads, help="engine threads; 0 is all cores")
    parser.add_argument("--metrics", nargs="+", choices=METRIC_NAMES, default=["bleu", "chrf"])
    parser.add_argument("--lowercase", action="store_true", help="ignore case in every metric")
    parser.add_argument(
        "--against",
        type=Path,
        metavar="OTHER",
        help=f"a system to compare with, by {NUM_RESAMPLES} paired bootstrap resamples",
    )
    parser.add_argument(
        "--robustness",
        action="store_true",
        help=f"instead: {MAX_LINES} lines of the test files, changed in every way that noise in training knows",
    )
    parser.add_argument("--report", type=Path, metavar="DIR", help="folder to write; must not exist")
    parser.add_argument("--json", type=Path, metavar="FILE", help="file for ferry-export --quality; must not exist")
    return parser


def _say(message: str) -> None:
    print(f"ferry-evaluate: {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
