"""One text taken apart into what the engine translates, and put together again from what it answers.

No engine, no waiting, no HTTP: pure functions around the tokenizer, so that they can run in any thread.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from server.bundle import LanguagePair
from server.engine.types import Hypothesis, SentenceResult
from server.guard import Symptom, find_symptoms
from server.models import Model
from server.reading import shown, written
from server.segment import Segment, Split, halve, split_text
from server.tokenizer import Tokenizer


@dataclass(frozen=True)
class Part:
    """A segment with its ids, prefix and EOS included; without ids it passes through unchanged."""

    segment: Segment
    source_ids: tuple[int, ...]


@dataclass(frozen=True)
class TranslatedSegment:
    """A sentence (or a part of an over-long one) and its best translation.

    Attributes:
        score: None if it passed through.
        symptoms: why not to trust it, see `server.guard`.
    """

    source: str
    target: str
    score: float | None
    complete: bool
    symptoms: tuple[Symptom, ...] = ()


@dataclass(frozen=True)
class Alternative:
    """The k-th best translation of a text: the k-th hypothesis of each of its sentences."""

    text: str
    score: float | None


@dataclass(frozen=True)
class Translation:
    """A translated text. `score` is the mean of its sentences' scores, None if there was nothing to translate."""

    text: str
    score: float | None
    alternatives: tuple[Alternative, ...]
    segments: tuple[TranslatedSegment, ...]

    def ranked(self, rank: int) -> "Translation | Alternative":
        """The best at rank 0, then the alternatives; past them the last."""
        return self if rank == 0 or not self.alternatives else self.alternatives[:rank][-1]


def plan_text(model: Model, pair: LanguagePair, text: str, split: Split = "sentences") -> tuple[Part, ...]:
    """The parts of `text`, in order; each fits the model, nothing is cut off."""
    capacity = model.manifest.dimensions.max_source_length - len(pair.prefix_ids) - 1
    eos = model.manifest.special_ids.eos
    parts: list[Part] = []
    for segment in split_text(without_surrogates(text), pair.source, split):
        for piece, ids in _fitting(model.tokenizer, segment, capacity):
            parts.append(Part(piece, (*pair.prefix_ids, *ids, eos) if ids else ()))
    return tuple(parts)


def target_text(tokenizer: Tokenizer, part: Part, hypothesis: Hypothesis) -> str:
    """What `hypothesis` says, written as its source is."""
    return written(part.segment.text, tokenizer.decode(hypothesis.ids))


def assemble_text(tokenizer: Tokenizer, parts: Sequence[Part], results: Sequence[SentenceResult]) -> Translation:
    """The translation of a text from its parts and the results of those that have ids, in order."""
    waiting = iter(results)
    hypotheses = [next(waiting).hypotheses if part.source_ids else () for part in parts]
    depth = max((len(ranked) for ranked in hypotheses), default=0)
    chosen = _at_rank(hypotheses, 0)
    targets = _target_texts(tokenizer, parts, chosen)
    best = _join(parts, targets, chosen)
    others = [_at_rank(hypotheses, rank) for rank in range(1, depth)]
    return Translation(
        text=best.text,
        score=best.score,
        alternatives=tuple(_join(parts, _target_texts(tokenizer, parts, other), other) for other in others),
        segments=tuple(
            _translated(part, ranked, target)
            for part, ranked, target in zip(parts, hypotheses, targets, strict=True)
            if part.segment.text
        ),
    )


def join_chunks(texts: Sequence[str], chunks: Sequence[Translation]) -> Translation:
    """The translation of a marked-up text, whose chunks were translated one by one.

    Args:
        texts: the whole text with the best translation of each chunk, with the second best, and so on.
    """
    best, *others = texts
    segments = tuple(segment for chunk in chunks for segment in chunk.segments)
    alternatives = tuple(
        Alternative(text, _mean_score([chunk.ranked(rank) for chunk in chunks])) for rank, text in enumerate(others, 1)
    )
    return Translation(best, _mean_score(chunks), alternatives, segments)


def _mean_score(scored: Sequence[Translation | Alternative]) -> float | None:
    scores = [each.score for each in scored if each.score is not None]
    return fmean(scores) if scores else None


def without_surrogates(text: str) -> str:
    """`text` with U+FFFD for lone surrogates, which could leave the server in no encoding."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _fitting(tokenizer: Tokenizer, segment: Segment, capacity: int) -> Sequence[tuple[Segment, Sequence[int]]]:
    """`segment`, or the parts it is cut into, with at most `capacity` ids each."""
    if not segment.has_words:
        return [(segment, ())]
    ids = tokenizer.encode(shown(tokenizer, segment.text))
    if len(ids) <= capacity:
        return [(segment, ids)]
    halves = halve(segment)
    if halves is None:
        # One character of many ids: its bytes stay together only as long as they fit.
        chunks = [ids[i : i + capacity] for i in range(0, len(ids), capacity)]
        return [(Segment("", ""), chunk) for chunk in chunks[:-1]] + [(segment, chunks[-1])]
    return [fitted for half in halves for fitted in _fitting(tokenizer, half, capacity)]


def _at_rank(hypotheses: Sequence[Sequence[Hypothesis]], rank: int) -> list[Hypothesis | None]:
    """Of each part the hypothesis at `rank`, or its last if it has fewer; None of one that passes through."""
    return [ranked[min(rank, len(ranked) - 1)] if ranked else None for ranked in hypotheses]


def _target_texts(tokenizer: Tokenizer, parts: Sequence[Part], chosen: Sequence[Hypothesis | None]) -> list[str]:
    return [
        target_text(tokenizer, part, hypothesis) if hypothesis else part.segment.text
        for part, hypothesis in zip(parts, chosen, strict=True)
    ]


def _join(parts: Sequence[Part], targets: Sequence[str], chosen: Sequence[Hypothesis | None]) -> Alternative:
    scores = [hypothesis.score for hypothesis in chosen if hypothesis]
    text = "".join(target + part.segment.after for part, target in zip(parts, targets, strict=True))
    return Alternative(text, fmean(scores) if scores else None)


def _translated(part: Part, ranked: Sequence[Hypothesis], target: str) -> TranslatedSegment:
    if not ranked:
        return TranslatedSegment(part.segment.text, target, None, True)
    best = ranked[0]
    symptoms = examine(part, target, best)
    return TranslatedSegment(part.segment.text, target, best.score, best.complete, symptoms)


def examine(part: Part, target: str, hypothesis: Hypothesis) -> tuple[Symptom, ...]:
    """What is wrong with `hypothesis`, whose text is `target`, as a translation of `part`."""
    return find_symptoms(part.segment.text, target, part.source_ids[1:-1], hypothesis.ids)
