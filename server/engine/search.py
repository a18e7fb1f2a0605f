"""From scores to hypotheses: greedy and beam search of one sentence, and a step of all that run together.

Must not know the engine, its rows' memory or onnxruntime. At every step `advance` takes the best continuations that
`server.engine.scores` finds and says what the sentence goes on with, or that it is done; `hypotheses` are the results,
best first. Ties go to the lowest beam, then the lowest id.
Axis letters: R rows, K beams, V vocabulary, L source ids, M the limit of a target's length.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from server.engine.scores import Candidate, best_ids, rank_candidates
from server.engine.types import Hypothesis, SearchOptions
from server.errors import FerryError

Attention = NDArray[np.float32]


class Continuation(NamedTuple):
    """What the beams of a sentence go on with.

    Attributes:
        ids: [K] the next id of each beam.
        parents: [K] which beam each one continues.
    """

    ids: list[int]
    parents: list[int]


def build_search(options: SearchOptions, eos: int) -> "Search":
    """The search that checked `options` ask for; `max_target_length` must be a number."""
    return GreedySearch(options, eos) if options.beam_size == 1 else BeamSearch(options, eos)


def score_hypothesis(sum_logprob: float, length: int, length_penalty: float) -> float:
    """Score to rank by: `sum_logprob` / `length` ** `length_penalty`; `length` in ids, EOS included."""
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
        self._attention: list[Attention] = []

    def advance(self, token: int, log_prob: float, attention: Attention | None = None) -> bool:
        """Go on with the best id; False when the sentence is done.

        Args:
            token: the id.
            log_prob: of `token`.
            attention: [1, L] over the source; kept for the hypothesis.

        Raises:
            FerryError: the model gave log-probabilities that are not finite.
        """
        if not math.isfinite(log_prob):
            raise _not_finite()
        self._ids.append(token)
        if attention is not None:
            self._attention.append(attention[0])
        self._sum_logprob += log_prob
        return token != self._eos and len(self._ids) < self._limit

    def hypotheses(self) -> tuple[Hypothesis, ...]:
        """The one hypothesis."""
        complete = self._ids[-1] == self._eos
        score = score_hypothesis(self._sum_logprob, len(self._ids), self._options.length_penalty)
        ids = tuple(self._ids[:-1] if complete else self._ids)
        return (Hypothesis(ids, score, self._sum_logprob, complete, _stack(self._attention, len(ids))),)


class _Beam(NamedTuple):
    """A live hypothesis: its ids so far, their sum of log-probabilities, and their attention if it is wanted."""

    ids: tuple[int, ...]
    sum_logprob: float
    attention: tuple[Attention, ...] = ()


class BeamSearch:
    """The best `beam_size` beginnings at every step.

    A beam's number is that of the row it has among the sentence's rows, and says nothing of its rank: the first
    continuation of a beam stays in its row, so that only further ones need a copy of what the row has cached.

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

    @property
    def sums(self) -> list[float]:
        """[K] the sum of log-probabilities of each beam; -inf where there is none."""
        return [beam.sum_logprob for beam in self._live] + [-math.inf] * (self._options.beam_size - len(self._live))

    def advance(self, ranked: Sequence[Candidate], attention: Attention | None = None) -> Continuation | None:
        """Choose how the beams go on; None when the sentence is done.

        Args:
            ranked: the best 2K continuations of all beams, best first.
            attention: [K, L] of the beams over the source; kept for the hypotheses.

        Raises:
            FerryError: the model gave log-probabilities that are not finite.
        """
        if not ranked:
            raise _not_finite()
        eos, beam_size = self._eos, self._options.beam_size
        for candidate in ranked[:beam_size]:
            if candidate[2] == eos:
                self._finished.append(self._hypothesis(self._go_on(candidate, attention), complete=True))
        chosen = _seat([candidate for candidate in ranked if candidate[2] != eos][:beam_size])
        self._live = [self._go_on(candidate, attention) for candidate in chosen]
        if self._is_done():
            return None
        # Rows without a beam (a vocabulary smaller than the beam) go on with EOS, and nobody looks at them.
        spare = range(len(chosen), beam_size)
        return Continuation(
            ids=[token for _, _, token in chosen] + [eos for _ in spare],
            parents=[beam for _, beam, _ in chosen] + list(spare),
        )

    def hypotheses(self) -> tuple[Hypothesis, ...]:
        """The best hypotheses, complete ones first, by score; at least one."""
        wanted = self._options.num_hypotheses
        complete = sorted(self._finished, key=lambda hypothesis: -hypothesis.score)[:wanted]
        live = sorted(self._live, key=lambda beam: -beam.sum_logprob)
        cut = [self._hypothesis(beam, complete=False) for beam in live]
        return tuple(complete + cut[: wanted - len(complete)])

    def _go_on(self, candidate: Candidate, attention: Attention | None) -> _Beam:
        sum_logprob, number, token = candidate
        ids, _, seen = self._live[number]
        if attention is not None:
            seen = (*seen, attention[number])
        return _Beam((*ids, token), sum_logprob, seen)

    def _hypothesis(self, beam: _Beam, *, complete: bool) -> Hypothesis:
        score = score_hypothesis(beam.sum_logprob, len(beam.ids), self._options.length_penalty)
        ids = beam.ids[:-1] if complete else beam.ids
        return Hypothesis(ids, score, beam.sum_logprob, complete, _stack(beam.attention, len(ids)))

    def _is_done(self) -> bool:
        if not self._live or len(self._live[0].ids) == self._limit:
            return True
        if len(self._finished) >= self._options.beam_size:
            return True
        wanted = self._options.num_hypotheses
        if len(self._finished) < wanted:
            return False
        worst_kept = sorted((hypothesis.score for hypothesis in self._finished), reverse=True)[wanted - 1]
        best = max(beam.sum_logprob for beam in self._live)
        attainable = score_hypothesis(best, self._limit, self._options.length_penalty)
        return attainable <= worst_kept


Search = GreedySearch | BeamSearch


class Turn(NamedTuple):
    """A sentence whose turn it is.

    Attributes:
        rows: [K] the row of each beam.
        attention: [K, L] of these rows over the source at this step; None if nobody wants it.
    """

    search: Search
    rows: list[int]
    attention: Attention | None


class Choice(NamedTuple):
    """How all sentences go on.

    Attributes:
        next_ids: [R] int64, the id that each row goes on with.
        moves: rows that go on from another row, each with that row.
        ended: the numbers of the sentences that have ended, each with the error if it is one.
    """

    next_ids: NDArray[np.int64]
    moves: list[tuple[int, int]]
    ended: list[tuple[int, FerryError | None]]


def advance_all(log_probs: NDArray[np.float32], turns: Sequence[Turn]) -> Choice:
    """Let every sentence choose how it goes on.

    Args:
        log_probs: [R, V] of the next id of each row.
        turns: of the sentences, whose rows do not overlap.
    """
    choice = Choice(np.zeros(len(log_probs), np.int64), [], [])
    _advance_greedy(log_probs, turns, choice)
    _advance_beams(log_probs, turns, choice)
    return choice


def _advance_greedy(log_probs: NDArray[np.float32], turns: Sequence[Turn], choice: Choice) -> None:
    """Advance the greedy searches; what they go on with is added to `choice`."""
    searches = [(number, turn, turn.search) for number, turn in enumerate(turns) if type(turn.search) is GreedySearch]
    if not searches:
        return
    tokens, scores = best_ids(log_probs)
    choice.next_ids[:] = tokens  # rows of beams are filled in later
    for number, (_, rows, attention), search in searches:
        try:
            if not search.advance(tokens[rows[0]], scores[rows[0]], attention):
                choice.ended.append((number, None))
        except FerryError as error:
            choice.ended.append((number, error))


def _advance_beams(log_probs: NDArray[np.float32], turns: Sequence[Turn], choice: Choice) -> None:
    """Advance the beam searches, those of one size together; what they go on with is added to `choice`."""
    by_size: dict[int, list[tuple[int, Turn, BeamSearch]]] = {}
    for number, turn in enumerate(turns):
        if type(turn.search) is BeamSearch:
            by_size.setdefault(len(turn.rows), []).append((number, turn, turn.search))
    going_on: list[int] = []
    ids: list[int] = []
    for searches in by_size.values():
        rows = np.array([turn.rows for _, turn, _ in searches])
        ranked = rank_candidates(log_probs, rows, np.array([search.sums for _, _, search in searches]))
        for (number, (_, mine, attention), search), candidates in zip(searches, ranked, strict=True):
            try:
                continuation = search.advance(candidates, attention)
            except FerryError as error:
                choice.ended.append((number, error))
                continue
            if continuation is None:
                choice.ended.append((number, None))
                continue
            going_on += mine
            ids += continuation.ids
            for beam, parent in enumerate(continuation.parents):
                if beam != parent:
                    choice.moves.append((mine[beam], mine[parent]))
    choice.next_ids[going_on] = ids  # once: numpy takes as long for a few as for all


def _seat(chosen: Sequence[Candidate]) -> list[Candidate]:
    """The same candidates: the first of each beam at that beam's place if there is one, the others where room is."""
    seats: list[Candidate | None] = [None] * len(chosen)
    others = []
    for candidate in chosen:
        beam = candidate[1]
        if beam < len(seats) and seats[beam] is None:
            seats[beam] = candidate
        else:
            others.append(candidate)
    left = iter(others)
    return [next(left) if seat is None else seat for seat in seats]


def _stack(attention: Sequence[Attention], num_ids: int) -> Attention | None:
    """The rows of `num_ids` ids, without that of EOS; None if there are none at all."""
    return np.stack(attention)[:num_ids] if attention else None


def _not_finite() -> FerryError:
    return FerryError("the model gave log-probabilities that are not finite for this sentence; it cannot be translated")
