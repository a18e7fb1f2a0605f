"""What was found in the text: counts, examples and leaks, for people (Markdown) and programs (JSON)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from training.data.clean import REASONS

MAX_EXAMPLES = 5
SHOWN_CHARS = 200  # of each side of an example

Examples = Mapping[str, Sequence[tuple[str, str]]]


@dataclass(frozen=True)
class CleanReport:
    """How many pairs a corpus had, how many were dropped for each reason, and some of those.

    Attributes:
        dropped: reasons that occurred, in the order of REASONS.
        examples: up to MAX_EXAMPLES pairs for each of them, evenly spread over the corpus.
    """

    name: str
    languages: tuple[str, ...]
    total: int
    dropped: Mapping[str, int]
    examples: Examples = field(default_factory=dict)

    @property
    def kept(self) -> int:
        """Pairs left to train on."""
        return self.total - sum(self.dropped.values())

    def __str__(self) -> str:
        reasons = ", ".join(f"{name} {self.dropped[name]:,}" for name in REASONS if name in self.dropped)
        return f"{self.name}: {self.kept:,} of {self.total:,} pairs kept" + (f"; dropped: {reasons}" if reasons else "")


@dataclass(frozen=True)
class Overlap:
    """How many lines of a held-out set are in a training corpus, each counted once, all compared normalised.

    Attributes:
        pair: with the same translation.
        both: each side, but as parts of different pairs.
        first, second: only the side in the first or second language.
    """

    pair: int
    both: int
    first: int
    second: int

    @property
    def any_side(self) -> int:
        """Lines of which at least one side occurs."""
        return self.pair + self.both + self.first + self.second


@dataclass(frozen=True)
class LeakReport:
    """What of one held-out set is in training, before anything is dropped for it.

    Attributes:
        name: kind, name and languages, such as "validation news de-en".
        overall: over all training corpora together.
        corpora: in each of them.
    """

    name: str
    languages: tuple[str, ...]
    lines: int
    overall: Overlap
    corpora: Mapping[str, Overlap]

    def __str__(self) -> str:
        found = self.overall
        return (
            f"{self.name}: of {self.lines:,} lines {found.pair:,} are in training with their translation, "
            f"{found.any_side - found.pair:,} more on one side or both"
        )


def cleaning_page(reports: Sequence[CleanReport]) -> str:
    """`cleaning.md`."""
    parts = ["# What cleaning dropped\n"]
    for report in reports:
        rows = [(reason, f"{count:,}", _share(count, report.total)) for reason, count in report.dropped.items()]
        rows.append(("kept", f"{report.kept:,}", _share(report.kept, report.total)))
        parts += [f"## {report.name}\n", _table(("reason", "pairs", "share"), rows)]
        for reason, pairs in report.examples.items():
            shown = [tuple(map(_cell, pair)) for pair in pairs]
            parts += [f"Dropped as `{reason}`:\n", _table(report.languages, shown)]
    return "\n".join(parts)


def leakage_page(reports: Sequence[LeakReport], policy: str) -> str:
    """`leakage.md`."""
    parts = [
        "# Validation and test lines in the training text\n",
        "Compared without case, punctuation, digits' values and white space. `pair`: the line with its translation; "
        "`both sides`: each in another pair; else one side alone. Counted before dropping; then "
        f"`data.leaked = {policy}`.\n",
    ]
    for report in reports:
        one, other = report.languages
        heads = ("training corpus", "pair", "both sides", f"{one} only", f"{other} only", "share of lines")
        named = {**report.corpora, "all": report.overall}
        rows = [
            (name, *(f"{n:,}" for n in (o.pair, o.both, o.first, o.second)), _share(o.any_side, report.lines))
            for name, o in named.items()
        ]
        parts += [f"## {report.name}: {report.lines:,} lines\n", _table(heads, rows)]
    return "\n".join(parts)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / max(1, whole):.2f} %"


def _cell(text: str) -> str:
    """One line of `text` that Markdown shows as it is."""
    short = text if len(text) <= SHOWN_CHARS else text[:SHOWN_CHARS] + " ..."
    return " ".join(short.split()).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "\\`")
