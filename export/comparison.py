"""Whether one system is better than another, or only luckier: paired bootstrap resampling of the test lines.

Source: Koehn 2004, Statistical Significance Tests for Machine Translation Evaluation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sacrebleu.metrics.base import Metric
from sacrebleu.significance import PairedTest, Result

NUM_RESAMPLES = 1000
SEED = 12345


@dataclass(frozen=True)
class Comparison:
    """One metric of two systems on the same lines.

    Attributes:
        difference: score - other_score.
        low, high: 95 % of the differences over resamples lie between them.
        p_value: sacrebleu's, for a difference as large as this by chance; 1 if there is none.
    """

    metric: str
    score: float
    other_score: float
    difference: float
    low: float
    high: float
    p_value: float
    signature: str


def compare(
    metrics: Mapping[str, Metric], hypotheses: Sequence[str], others: Sequence[str], references: Sequence[str]
) -> tuple[Comparison, ...]:
    """Each metric of `hypotheses` against `others`; the same every time.

    All are in the order of their `references`; `metrics` are by name.
    """
    return tuple(_compare(name, metric, hypotheses, others, references) for name, metric in metrics.items())


def _compare(
    name: str, metric: Metric, hypotheses: Sequence[str], others: Sequence[str], references: Sequence[str]
) -> Comparison:
    systems = [("other", others), ("system", hypotheses)]
    signatures, results = PairedTest(systems, {name: metric}, [references], "bs", NUM_RESAMPLES)()
    ((key, signature),) = signatures.items()
    other, own = results[key]
    assert isinstance(other, Result)
    assert isinstance(own, Result)
    assert own.p_value is not None
    difference = own.score - other.score
    low, high = _interval(metric, hypotheses, others, references)
    # sacrebleu counts the resamples that beat the difference. None beats 0 if nothing differs; p would be least.
    p_value = own.p_value if difference else 1.0
    return Comparison(name, own.score, other.score, difference, low, high, p_value, str(signature))


def _interval(
    metric: Metric, hypotheses: Sequence[str], others: Sequence[str], references: Sequence[str]
) -> tuple[float, float]:
    """Of the difference. `PairedTest` keeps its resamples to itself, so they are drawn once more."""
    own, other = (
        np.array(metric._extract_corpus_statistics(lines, [references]), dtype=np.float64)
        for lines in (hypotheses, others)
    )
    rng = np.random.default_rng(SEED)
    differences = []
    for _ in range(NUM_RESAMPLES):
        rows = rng.integers(len(references), size=len(references))
        own_score, other_score = (metric._compute_score_from_stats(each[rows].sum(0)).score for each in (own, other))
        differences.append(own_score - other_score)
    low, high = np.percentile(differences, [2.5, 97.5])
    return float(low), float(high)
