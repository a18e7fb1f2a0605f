"""What an evaluation found: as dataclasses, as text to read, and as a folder.

report/
    report.md             all of it, to read
    report.json           all of it, to compute with
    tatoeba.de-en.txt     the translations, one file a test set; the folder can be evaluated in its turn
"""

import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from export.comparison import NUM_RESAMPLES, Comparison
from export.pack import check_free
from export.scores import Bucket
from export.symptoms import MIN_REFERENCE_WORDS, Symptoms, WeakLine
from server.bundle import Quality


@dataclass(frozen=True)
class Evaluation:
    """One test set. `scores` and `signatures` are by metric; `sentences_per_s` is None if nothing was translated."""

    name: str
    source: str
    target: str
    num_lines: int
    scores: dict[str, float]
    signatures: dict[str, str]
    sentences_per_s: float | None
    by_length: tuple[Bucket, ...]
    symptoms: Symptoms
    reference_symptoms: Symptoms
    comparisons: tuple[Comparison, ...]
    worst: tuple[WeakLine, ...]

    def __str__(self) -> str:
        return f"{self.name}.{self.source}-{self.target}"


@dataclass(frozen=True)
class Report:
    """All test sets of one system; `other` is what it was compared to. `beam_size` is None for ready translations."""

    system: str
    beam_size: int | None
    other: str | None
    evaluations: tuple[Evaluation, ...]


def format_report(report: Report) -> str:
    """All but the worst lines, as Markdown that can be read in a terminal."""
    evaluations = report.evaluations
    parts = [
        f"System: {report.system}",
        _format_scores(evaluations),
        "\n".join(f"{name} `{signature}`" for name, signature in _signatures(each.signatures for each in evaluations)),
    ]
    if report.other is not None:
        parts += ["## Compared", f"Other: {report.other}", _format_comparisons(evaluations)]
    parts += ["## By words of the source", _format_lengths(evaluations)]
    parts += ["## Symptoms", "In brackets: of the references.", _format_symptoms(evaluations)]
    return "\n\n".join(parts) + "\n"


def format_worst(report: Report) -> str:
    """The worst lines of each test set, verbatim."""
    parts = []
    for each in report.evaluations:
        parts.append(f"## Lowest chrF, references of {MIN_REFERENCE_WORDS} words or more: {each}")
        for line in each.worst:
            texts = (("source", line.source), ("reference", line.reference), ("hypothesis", line.hypothesis))
            shown = "".join(f"\n    {name:<10}  {text}" for name, text in texts)
            parts.append(f"Line {line.line}, chrF {line.chrf:.1f}:\n{shown}")
    return "\n\n".join(parts) + "\n"


def build_qualities(report: Report) -> list[Quality]:
    """What `ferry-export --quality` puts into a manifest; BLEU and chrF must be there."""
    beam = "" if report.beam_size is None else f"; beam {report.beam_size}"
    return [
        Quality(
            test_set=each.name,
            source=each.source,
            target=each.target,
            bleu=round(each.scores["BLEU"], 2),
            chrf=round(each.scores["chrF"], 2),
            signature="; ".join(f"{name} {each.signatures[name]}" for name in ("BLEU", "chrF")) + beam,
        )
        for each in report.evaluations
    ]


def write_report(folder: Path, report: Report, translations: Mapping[str, Sequence[str]]) -> None:
    """Write the folder, aside first, so that it is there whole or not at all.

    `translations` are by the name of the test set.

    Raises:
        ExportError: `folder` exists.
    """
    check_free(folder, "ferry-evaluate")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as aside:
        draft = Path(aside) / folder.name
        draft.mkdir()
        text = f"# Evaluation\n\n{format_report(report)}\n{format_worst(report)}"
        (draft / "report.md").write_text(text, encoding="utf-8")
        (draft / "report.json").write_text(_format_json(asdict(report)), encoding="utf-8")
        for name, lines in translations.items():
            (draft / f"{name}.txt").write_text("".join(line + "\n" for line in lines), encoding="utf-8", newline="\n")
        check_free(folder, "ferry-evaluate")
        draft.rename(folder)


def write_qualities(path: Path, report: Report) -> None:
    """Write the JSON file that `ferry-export --quality` reads."""
    path.write_text(_format_json([asdict(each) for each in build_qualities(report)]), encoding="utf-8")


def _format_json(data: object) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _signatures(given: Iterable[Mapping[str, str]]) -> list[tuple[str, str]]:
    """Each different (metric, signature) once."""
    return list(dict.fromkeys(item for signatures in given for item in signatures.items()))


def _format_scores(evaluations: Sequence[Evaluation]) -> str:
    metrics = list(evaluations[0].scores)
    rows = [
        [str(each), str(each.num_lines), *(f"{each.scores[name]:.1f}" for name in metrics), _rate(each.sentences_per_s)]
        for each in evaluations
    ]
    return _table(["test set", "lines", *metrics, "sentences/s"], rows)


def _format_comparisons(evaluations: Sequence[Evaluation]) -> str:
    rows = [
        [
            *(str(each), c.metric, f"{c.score:.1f}", f"{c.other_score:.1f}", f"{c.difference:+.2f}"),
            *(f"{c.low:+.2f} to {c.high:+.2f}", f"{c.p_value:.3f}"),
        ]
        for each in evaluations
        for c in each.comparisons
    ]
    table = _table(["test set", "metric", "system", "other", "difference", "95 % interval", "p"], rows)
    given = ({c.metric: c.signature for c in each.comparisons} for each in evaluations)
    signatures = "\n".join(f"{name} `{signature}`" for name, signature in _signatures(given))
    return f"{table}\n\nPaired bootstrap, {NUM_RESAMPLES} resamples.\n{signatures}"


def _format_lengths(evaluations: Sequence[Evaluation]) -> str:
    metrics = list(evaluations[0].scores)
    rows = [
        [str(each), bucket.words, str(bucket.num_lines), *(f"{bucket.scores[name]:.1f}" for name in metrics)]
        for each in evaluations
        for bucket in each.by_length
    ]
    return _table(["test set", "words", "lines", *metrics], rows)


def _format_symptoms(evaluations: Sequence[Evaluation]) -> str:
    rows = []
    for each in evaluations:
        found, natural = each.symptoms, each.reference_symptoms
        pairs = ((found.empty, natural.empty), (found.copied, natural.copied), (found.repeating, natural.repeating))
        shares = [f"{share:.1%} ({reference:.1%})" for share, reference in pairs]
        cut = "-" if found.cut is None else f"{found.cut:.1%}"
        rows.append([str(each), *shares, cut, f"{found.length_ratio:.2f}"])
    return _table(["test set", "empty", "same as source", "repeating", "cut off", "length / reference"], rows)


def _rate(sentences_per_s: float | None) -> str:
    return "-" if sentences_per_s is None else f"{sentences_per_s:.0f}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table with its columns in line: the first to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    aligned = [
        [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        for row in (header, rule, *rows)
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in aligned)
