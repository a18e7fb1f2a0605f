"""Validation: loss on the references, BLEU and chrF on what the model writes itself (greedy)."""

import itertools
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sacrebleu
import torch

from training.checkpoint import Sample
from training.data.batches import build_batch
from training.data.corpus import read_pairs
from training.data.scheme import IdScheme
from training.data.tokenizer import Tokenizer
from training.decode import encode, greedy_decode
from training.loss import smoothed_cross_entropy
from training.model import Transformer
from training.settings import TrainSettings, corpus_paths

DECODE_SENTENCES = 64
SHOWN_LINES = 3  # translations of each set kept for the report


class ValidationStoppedError(Exception):
    """A validation that was given up half-way."""


@dataclass(frozen=True)
class ValidationSet:
    """Lines of one validation corpus in one direction."""

    name: str
    source: str
    target: str
    sources: tuple[str, ...]
    references: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name}.{self.source}-{self.target}"


def read_validation(settings: TrainSettings) -> list[ValidationSet]:
    """The first `max_validation_lines` non-empty pairs of every validation corpus, in each of its directions."""
    sets = []
    for corpus in settings.validation:
        pairs = read_pairs(*corpus_paths(corpus, settings.data))
        kept = [
            (a, b) for (a, b), _ in zip(_drop_blank(pairs), range(settings.data.max_validation_lines), strict=False)
        ]
        sides = dict(zip(corpus.languages, map(tuple, zip(*kept, strict=True)), strict=True))
        sets += [ValidationSet(corpus.name, s, t, sides[s], sides[t]) for s, t in corpus.pairs()]
    return sets


def build_samples(sets: Sequence[ValidationSet], limit: int = 500) -> list[Sample]:
    """Up to `limit` lines, evenly from all sets."""
    each = max(1, limit // len(sets))
    return [
        Sample(s.source, s.target, source, reference)
        for s in sets
        for source, reference in list(zip(s.sources, s.references, strict=True))[:each]
    ]


def validate(
    model: Transformer,
    tokenizer: Tokenizer,
    sets: Sequence[ValidationSet],
    max_length: int,
    max_batch_tokens: int,
    should_stop: Callable[[], bool] = lambda: False,
) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """Mean loss, BLEU and chrF, and each set's own, as `metrics[set]`; leaves the model in training mode.

    Args:
        model: on any device.
        tokenizer: the one it was trained with.
        sets: at least one.
        max_length: longest source and translation, in ids.
        max_batch_tokens: padded ids of one batch, when references are scored.
        should_stop: asked between batches; true gives up.

    Returns:
        The metrics, and the first translations of every set with their sources and references.

    Raises:
        ValidationStoppedError: `should_stop` said so.
    """
    metrics: dict[str, Any] = {}
    shown: list[dict[str, str]] = []
    model.eval()
    try:
        for each in sets:
            scores, hypotheses = validate_set(model, tokenizer, each, max_length, max_batch_tokens, should_stop)
            metrics[str(each)] = scores
            lines = zip(each.sources, each.references, hypotheses, strict=True)
            shown += [
                {"set": str(each), "source": source, "reference": reference, "hypothesis": hypothesis}
                for source, reference, hypothesis in itertools.islice(lines, SHOWN_LINES)
            ]
    finally:
        model.train()
    means = {key: round(statistics.mean(m[key] for m in metrics.values()), 4) for key in ("loss", "bleu", "chrf")}
    return means | metrics, shown


def validate_set(
    model: Transformer,
    tokenizer: Tokenizer,
    each: ValidationSet,
    max_length: int,
    max_batch_tokens: int,
    should_stop: Callable[[], bool],
) -> tuple[dict[str, float], list[str]]:
    """Negative log-likelihood per id in nats, BLEU and chrF, and the translations.

    Args:
        model: in evaluation mode.
        tokenizer: the one it was trained with.
        each: the set.
        max_length: longest source and translation, in ids.
        max_batch_tokens: padded ids of one batch, when references are scored.
        should_stop: asked between batches; true gives up.

    Raises:
        ValidationStoppedError: `should_stop` said so.
    """
    scheme = tokenizer.scheme
    prefix, eos = scheme.pairs[each.source, each.target], scheme.eos
    longest = max_length - len(prefix) - 1
    sources = [[*prefix, *ids[:longest], eos] for ids in tokenizer.encode(list(each.sources))]
    references = [ids[: max_length - 1] for ids in tokenizer.encode(list(each.references), side="target")]
    loss = _reference_loss(model, sources, references, max_batch_tokens, scheme)
    hypotheses = translate(model, tokenizer, sources, max_length, should_stop)
    # A model that can only write lower case is judged without case.
    bleu = sacrebleu.corpus_bleu(hypotheses, [list(each.references)], lowercase=tokenizer.lowercase).score
    chrf = sacrebleu.CHRF(lowercase=tokenizer.lowercase).corpus_score(hypotheses, [list(each.references)]).score
    return {"loss": round(loss, 4), "bleu": round(bleu, 2), "chrf": round(chrf, 2)}, hypotheses


def translate(
    model: Transformer,
    tokenizer: Tokenizer,
    sources: Sequence[list[int]],
    max_length: int,
    should_stop: Callable[[], bool],
) -> list[str]:
    """Greedy translations, in order.

    Args:
        model: in evaluation mode.
        tokenizer: the one it was trained with.
        sources: complete: prefix and EOS included.
        max_length: longest translation, in ids.
        should_stop: asked between batches; true gives up.

    Raises:
        ValidationStoppedError: `should_stop` said so.
    """
    scheme = tokenizer.scheme
    order = sorted(range(len(sources)), key=lambda i: len(sources[i]))
    outputs: dict[int, list[int]] = {}
    for start in range(0, len(order), DECODE_SENTENCES):
        if should_stop():
            raise ValidationStoppedError
        chosen = order[start : start + DECODE_SENTENCES]
        limits = [min(max_length, 2 * len(sources[i]) + 8) for i in chosen]
        ids = [sources[i] for i in chosen]
        decoded = greedy_decode(model, ids, limits, scheme.suppressed, scheme.bos, scheme.eos)
        outputs.update(zip(chosen, decoded, strict=True))
    return tokenizer.decode([outputs[i] for i in range(len(sources))])


@torch.inference_mode()
def _reference_loss(
    model: Transformer,
    sources: Sequence[list[int]],
    references: Sequence[list[int]],
    max_batch_tokens: int,
    scheme: IdScheme,
) -> float:
    total, count = 0.0, 0
    each = max(1, max_batch_tokens // max(map(len, [*sources, *references])))
    for start in range(0, len(sources), each):
        batch = build_batch(sources[start : start + each], references[start : start + each], scheme)
        batch = batch.to(model.embedding.weight.device)
        encoded, mask = encode(model, batch.source_ids, batch.source_lengths)
        states = model.decode(batch.target_inputs, encoded, mask)
        counted = batch.counted
        targets = batch.target_ids[counted]
        _, nll = smoothed_cross_entropy(states[counted], model.output_table, targets, 0.0, model.logits_bias)
        total, count = total + float(nll), count + batch.num_target_tokens
    return total / count


def _drop_blank(pairs: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    return ((a, b) for a, b in pairs if a.strip() and b.strip())
