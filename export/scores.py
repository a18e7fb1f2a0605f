"""How near hypotheses come to their references: sacrebleu's metrics, over all lines and by length of the source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sacrebleu.metrics.base import Metric
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER

from export.errors import ExportError

# Flags to the names that the field gives them. TER counts edits: less is better.
METRIC_NAMES = {"bleu": "BLEU", "chrf": "chrF", "ter": "TER"}
# Source words, first and last; None has no end.
LENGTHS: tuple[tuple[int, int | None], ...] = ((1, 5), (6, 10), (11, 20), (21, 40), (41, None))


@dataclass(frozen=True)
class Bucket:
    """The lines whose source has so many words (`1-5`), and their scores by metric."""

    words: str
    num_lines: int
    scores: dict[str, float]


def build_metrics(flags: Sequence[str], target: str, lowercase: bool) -> dict[str, Metric]:
    """Metrics by name, in the order of `METRIC_NAMES`; BLEU with the tokenizer that sacrebleu has for `target`.

    Args:
        flags: keys of `METRIC_NAMES`.
        target: language of the translations.
        lowercase: ignore case. TER always does, unless told otherwise; its signature says so.

    Raises:
        ExportError: the tokenizer of `target` is not installed.
    """
    try:
        built: dict[str, Metric] = {
            "bleu": BLEU(lowercase=lowercase, trg_lang=target),
            "chrf": CHRF(lowercase=lowercase),
            "ter": TER(),
        }
    except (ImportError, RuntimeError) as error:
        raise ExportError(f"BLEU of {target} needs a tokenizer that is not installed: {error}") from error
    return {name: built[flag] for flag, name in METRIC_NAMES.items() if flag in flags}


def score(metrics: Mapping[str, Metric], hypotheses: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """The corpus score of `hypotheses` against `references` by each of `metrics`, of 100."""
    return {name: metric.corpus_score(hypotheses, [references]).score for name, metric in metrics.items()}


def score_by_length(
    metrics: Mapping[str, Metric], sources: Sequence[str], hypotheses: Sequence[str], references: Sequence[str]
) -> tuple[Bucket, ...]:
    """Scores of the lines of each of `LENGTHS`, counted in words of `sources`, as far as there are any.

    The others as for `score`: `metrics` by name, `hypotheses` and `references` line by line.
    """
    buckets = []
    for first, last in LENGTHS:
        lines = [i for i, text in enumerate(sources) if first <= len(text.split()) <= (last or len(text))]
        if lines:
            scores = score(metrics, [hypotheses[i] for i in lines], [references[i] for i in lines])
            buckets.append(Bucket(f"{first}-{last}" if last else f"{first}+", len(lines), scores))
    return tuple(buckets)
