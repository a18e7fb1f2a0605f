"""What tells that something is wrong with translations whatever their scores, and the lines to look at first."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sacrebleu.metrics.chrf import CHRF

NUM_WORST = 20
# chrF of a word or two is all or nothing, and a synonym is no fault.
MIN_REFERENCE_WORDS = 3
REPEAT_WORDS = 4
REPEAT_TIMES = 3


@dataclass(frozen=True)
class Symptoms:
    """Shares of lines, 0 to 1.

    Attributes:
        empty: without any text.
        copied: the same as the source.
        repeating: the same four words in a row, three times or more.
        cut: with a sentence that reached the longest length allowed; None if that is not known.
        length_ratio: characters over those of the references.
    """

    empty: float
    copied: float
    repeating: float
    cut: float | None
    length_ratio: float


@dataclass(frozen=True)
class WeakLine:
    """A translation far from its reference; `line` counts from 1, `chrf` is of 100."""

    line: int
    chrf: float
    source: str
    reference: str
    hypothesis: str


def find_symptoms(
    sources: Sequence[str], references: Sequence[str], hypotheses: Sequence[str], cut: Sequence[bool] | None
) -> Symptoms:
    """The symptoms of `hypotheses`; those of the references show how much of it is natural.

    Args:
        sources: one for each hypothesis.
        references: likewise.
        hypotheses: at least one.
        cut: which of them reached the longest length allowed; None if that is not known.
    """
    return Symptoms(
        empty=_share([not text.strip() for text in hypotheses]),
        copied=_share([text.strip() == source.strip() for text, source in zip(hypotheses, sources, strict=True)]),
        repeating=_share([repeats(text) for text in hypotheses]),
        cut=None if cut is None else _share(cut),
        length_ratio=sum(map(len, hypotheses)) / sum(map(len, references)),
    )


def repeats(text: str) -> bool:
    """Whether some four words in a row come three times or more."""
    words = text.split()
    counts = Counter(tuple(words[i : i + REPEAT_WORDS]) for i in range(len(words) - REPEAT_WORDS + 1))
    return max(counts.values(), default=0) >= REPEAT_TIMES


def find_worst(
    sources: Sequence[str], references: Sequence[str], hypotheses: Sequence[str], lowercase: bool
) -> tuple[WeakLine, ...]:
    """The lines with the lowest chrF, worst first, of those whose reference has three words or more.

    `sources`, `references` and `hypotheses` go line by line; `lowercase` ignores case.
    """
    metric = CHRF(lowercase=lowercase)
    lines = [
        WeakLine(number, metric.sentence_score(hypothesis, [reference]).score, source, reference, hypothesis)
        for number, (source, reference, hypothesis) in enumerate(zip(sources, references, hypotheses, strict=True), 1)
        if len(reference.split()) >= MIN_REFERENCE_WORDS
    ]
    return tuple(sorted(lines, key=lambda line: (line.chrf, line.line))[:NUM_WORST])


def _share(marks: Sequence[bool]) -> float:
    return sum(marks) / len(marks)
