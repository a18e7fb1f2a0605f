"""From scores to hypotheses: greedy and beam search of one sentence, over the scores of `server.engine.scores`.

Pure Python; must not know the engine, its rows' memory or onnxruntime. At every step `advance` chooses, filters and
ranks, and says what each row of the sentence goes on with, or that the sentence is done; `hypotheses` are the results,
best first. Ties go to the lowest beam, then the lowest id. Axis letters: K beams, M the limit of a target's length.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from server.engine.scores import RowScores
from server.engine.types import Hypothesis, SearchOptions
from server.errors import FerryError


@dataclass(frozen=True)
class Continuation:
    """What the rows of a sentence go on with.

    Attributes:
        ids: [K] the next id of each row.
        parents: [K] which of the sentence's rows each one continues; None if each continues itself.
    """

    ids: list[int]
    parents: list[int] | None


class Search(Protocol):
    """The search of one sentence."""

    def advance(self, scores: RowScores, rows: Sequence[int]) -> Continuation | None:
        """Use the scores of the sentence's `rows`; None when the sentence is done.

        Raises:
            FerryError: the model gave logits that are no numbers.
        """
        ...

    def hypotheses(self) -> tuple[Hypothesis, ...]:
        """The best hypotheses, complete ones first, by score; at least one."""
        ...


def build_search(options: SearchOptions, eos: int) -> Search:
    """The search that checked `options` ask for; `max_target_length` must be a number."""
    return GreedySearch(options, eos) if options.beam_size == 1 else BeamSearch(options, eos)


def score_hypothesis(sum_logprob: float, length: int, length_penalty: float) -> float:
    """Score to rank by: sum_logprob / length ** length_penalty; `length` in ids, EOS included."""
    return sum_logprob / math.pow(length, length_penalty)


class GreedySearch:
    """The best id at every step."""

    def __init__(self, options: SearchOptions, eos: int) -> None:
        assert options.max_target_length is not None, "options were not resolved"
        self._options = options
        self._eos = eos
        self._limit = options.max_target_length
        self._ids: list[int] = []
        self._sum_logprob = 0.0

    def advance(self, scores: RowScores, rows: Sequence[int]) -> Continuation | None:
        """See `Search`."""
        _check_finite(scores, rows)
        [row] = rows
        token = scores.best_ids[row]
        self._ids.append(token)
        self._sum_logprob += scores.best_log_probs[row]
        if token == self._eos or len(self._ids) == self._limit:
            return None
        return Continuation([token], None)

    def hypotheses(self) -> tuple[Hypothesis, ...]:
        """See `Search`."""
        complete = self._ids[-1] == self._eos
        score = score_hypothesis(self._sum_logprob, len(self._ids), self._options.length_penalty)
        ids = tuple(self._ids[:-1] if complete else self._ids)
        return (Hypothesis(ids, score, self._sum_logprob, complete),)


@dataclass(frozen=True)
class _Beam:
    """A live hypothesis: its ids so far and their sum of log-probabilities."""

    ids: tuple[int, ...]
    sum_logprob: float


class BeamSearch:
    """The best `beam_size` beginnings at every step.

    Of the 2K best continuations of all beams, those with EOS among the first K are finished, and the first K without
    EOS live on. The search is done when one of these holds:

    - K hypotheses are finished;
    - `num_hypotheses` are finished and no live one can still beat the worst of them that would be returned. Sums of
      log-probabilities only fall, and a length is at most the limit M, so the best that a live sum s can attain is
      s / M ** length_penalty (with penalty 0: s itself);
    - M ids were generated. Live hypotheses then fill up what is missing to `num_hypotheses`, as incomplete ones.
    """

    def __init__(self, options: SearchOptions, eos: int) -> None:
        assert options.max_target_length is not None, "options were not resolved"
        self._options = options
        self._eos = eos
        self._limit = options.max_target_length
        # One beam at first: the sentence's other rows hold the same beginning and idle for one step.
        self._live = [_Beam((), 0.0)]
        self._finished: list[Hypothesis] = []

    def advance(self, scores: RowScores, rows: Sequence[int]) -> Continuation | None:
        """See `Search`."""
        _check_finite(scores, rows[: len(self._live)])
        ranked = self._rank_candidates(scores, rows)
        self._finish(ranked[: self._options.beam_size])
        chosen = [candidate for candidate in ranked if candidate[2] != self._eos][: self._options.beam_size]
        self._live = [_Beam((*self._live[parent].ids, token), total) for total, parent, token in chosen]
        if self._is_done():
            return None
        # Rows without a beam (a vocabulary smaller than the beam) go on with EOS, and nobody looks at them.
        spare = range(len(chosen), self._options.beam_size)
        return Continuation(
            ids=[token for _, _, token in chosen] + [self._eos for _ in spare],
            parents=[parent for _, parent, _ in chosen] + list(spare),
        )

    def hypotheses(self) -> tuple[Hypothesis, ...]:
        """See `Search`."""
        wanted = self._options.num_hypotheses
        complete = sorted(self._finished, key=lambda hypothesis: -hypothesis.score)[:wanted]
        cut = [self._hypothesis(beam.ids, beam.sum_logprob, complete=False) for beam in self._live]
        return tuple(complete + cut[: wanted - len(complete)])

    def _rank_candidates(self, scores: RowScores, rows: Sequence[int]) -> list[tuple[float, int, int]]:
        """The 2K best continuations as (sum_logprob, parent, id), best first."""
        candidates = [
            (beam.sum_logprob + log_prob, parent, token)
            for parent, beam in enumerate(self._live)
            for token, log_prob in scores.candidates[rows[parent]]
        ]
        candidates.sort(key=lambda candidate: (-candidate[0], candidate[1], candidate[2]))
        return candidates[: 2 * self._options.beam_size]

    def _finish(self, candidates: list[tuple[float, int, int]]) -> None:
        for total, parent, token in candidates:
            if token == self._eos:
                self._finished.append(self._hypothesis((*self._live[parent].ids, token), total, complete=True))

    def _hypothesis(self, ids: tuple[int, ...], sum_logprob: float, *, complete: bool) -> Hypothesis:
        score = score_hypothesis(sum_logprob, len(ids), self._options.length_penalty)
        return Hypothesis(ids[:-1] if complete else ids, score, sum_logprob, complete)

    def _is_done(self) -> bool:
        if not self._live or len(self._live[0].ids) == self._limit:
            return True
        if len(self._finished) >= self._options.beam_size:
            return True
        wanted = self._options.num_hypotheses
        if len(self._finished) < wanted:
            return False
        worst_kept = sorted((hypothesis.score for hypothesis in self._finished), reverse=True)[wanted - 1]
        attainable = score_hypothesis(self._live[0].sum_logprob, self._limit, self._options.length_penalty)
        return attainable <= worst_kept


def _check_finite(scores: RowScores, rows: Sequence[int]) -> None:
    if any(scores.best_log_probs[row] != scores.best_log_probs[row] for row in rows):
        raise FerryError("the model gave logits that are not finite for this sentence; it cannot be translated")
