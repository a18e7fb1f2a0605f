"""The robustness sheet: what of lines that are changed as people's text differs comes out right."""

import json
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from export.changes import NAMES, NUMBER, PLACEHOLDERS, Changed, change_lines
from export.errors import ExportError
from export.pack import check_free
from export.scores import build_metrics, score
from export.systems import Decoding, Output, ReadyFolder, Say, System
from export.testset import TestSet

_END = re.compile(r"[.!?…:;,]*(?=[\s\"'“”»)]*\Z)")
_SENTENCE_END = re.compile(r"[.!?]+(?=\s|\Z)")
_QUOTE = re.compile('["„“”«»]')
_WORD_START = re.compile(r"(?<![\w'’])[^\W\d_]")


@dataclass(frozen=True)
class Row:
    """What a system did with one kind of lines.

    Attributes:
        chrf: against the references changed alike, of 100.
        held: share of lines whose translation has what it must have, 0 to 1; None where nothing is certain.
        endings: share of lines that end with the marks that they should end with.
    """

    kind: str
    source: str
    target: str
    num_lines: int
    chrf: float
    held: float | None
    endings: float


def measure_robustness(test_sets: Sequence[TestSet], system: System, decoding: Decoding, say: Say) -> "Sheet":
    """What `system` does with lines of `test_sets`, changed in every way.

    Args:
        test_sets: MAX_LINES lines of each direction are drawn from them, of all alike.
        system: what translates.
        decoding: how.
        say: told what is done.

    Raises:
        ExportError: the system cannot translate other lines, or there is no line to change.
    """
    if isinstance(system, ReadyFolder):
        raise ExportError(
            f"{system.path} holds translations; --robustness needs what translates, a bundle or a checkpoint"
        )
    system.check(test_sets, decoding)
    say("changing lines")
    changed = change_lines(test_sets)
    translated = system.translate([each.lines for each in changed], decoding, say)
    rows = tuple(judge(each, output) for each, output in zip(changed, translated.outputs, strict=True))
    return Sheet(translated.system, rows, tuple(changed), translated.outputs)


def judge(changed: Changed, output: Output) -> Row:
    """What of the lines came out as it should."""
    lines, hypotheses = changed.lines, output.hypotheses
    (chrf,) = score(build_metrics(["chrf"], lines.target, False), hypotheses, lines.references).values()
    check = _CHECKS.get(changed.kind)
    triples = list(zip(hypotheses, lines.references, changed.kept, strict=True))
    held = sum(check(*each) for each in triples) / len(triples) if check else None
    endings = sum(_end_alike(*each) for each in triples) / len(triples)
    return Row(changed.kind, lines.source, lines.target, len(triples), chrf, held, endings)


@dataclass(frozen=True)
class Sheet:
    """All rows, with the lines and translations that they are about."""

    system: str
    rows: tuple[Row, ...]
    changed: tuple[Changed, ...]
    outputs: tuple[Output, ...]

    def format(self) -> str:
        """As Markdown that can be read in a terminal."""
        header = "| kind | direction | lines | chrF | held | ending |\n| --- | --- | ---: | ---: | ---: | ---: |"
        rows = [
            f"| {row.kind} | {row.source}-{row.target} | {row.num_lines} | {row.chrf:.1f} | "
            f"{'-' if row.held is None else f'{row.held:.1%}'} | {row.endings:.1%} |"
            for row in self.rows
        ]
        return "\n".join([f"System: {self.system}", "", header, *rows]) + "\n"

    def write(self, folder: Path) -> None:
        """Write the folder, aside first: the sheet, its figures, and every line with source, reference and translation.

        Raises:
            ExportError: `folder` exists.
        """
        check_free(folder, "ferry-evaluate")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as aside:
            draft = Path(aside) / folder.name
            draft.mkdir()
            (draft / "robustness.md").write_text(f"# Robustness\n\n{self.format()}", encoding="utf-8")
            figures = {"system": self.system, "rows": [asdict(row) for row in self.rows]}
            (draft / "robustness.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
            for each, output in zip(self.changed, self.outputs, strict=True):
                columns = zip(each.lines.sources, each.lines.references, output.hypotheses, strict=True)
                text = "".join("\t".join(line) + "\n" for line in columns)
                (draft / f"{each.lines}.tsv").write_text(text, encoding="utf-8", newline="\n")
            draft.rename(folder)


def _end_alike(hypothesis: str, reference: str, kept: tuple[str, ...]) -> bool:
    """Whether both have the same final punctuation, wherever what is kept may stand."""
    for each in kept:
        hypothesis, reference = hypothesis.replace(each, ""), reference.replace(each, "")
    return _END.search(hypothesis)[0] == _END.search(reference)[0]  # type: ignore[index]  # it matches the empty end


def _has_once(hypothesis: str, reference: str, kept: tuple[str, ...]) -> bool:
    return all(hypothesis.count(each) == reference.count(each) for each in kept)


def _has_digits(hypothesis: str, _reference: str, kept: tuple[str, ...]) -> bool:
    found = Counter(re.sub(r"\D", "", number) for number in NUMBER.findall(hypothesis))
    return not Counter(re.sub(r"\D", "", number) for number in kept) - found


def _count_alike(pattern: re.Pattern[str]) -> Callable[[str, str, tuple[str, ...]], bool]:
    return lambda hypothesis, reference, _: len(pattern.findall(hypothesis)) == len(pattern.findall(reference))


_CHECKS: dict[str, Callable[[str, str, tuple[str, ...]], bool]] = {
    **dict.fromkeys((PLACEHOLDERS, "marks", NAMES, "emoji"), _has_once),
    "numbers": _has_digits,
    "quotes": _count_alike(_QUOTE),
    "emphasis": _count_alike(re.compile(r"\b[^\W\d_a-zäöüß]{3,}\b")),
    "merged": _count_alike(_SENTENCE_END),
    "ending": _end_alike,
    "capitals": lambda hypothesis, _reference, _kept: hypothesis == hypothesis.upper(),
    "lower": lambda hypothesis, _reference, _kept: hypothesis == hypothesis.lower(),
    "title": lambda hypothesis, _reference, _kept: all(c.isupper() for c in _WORD_START.findall(hypothesis)),
}
