"""What a sentence gets whose translation has gone wrong: one more search, wider, and what is taken of it.

No engine and no waiting: requests and files have their own ways of both.
"""

from dataclasses import replace

from server.engine.types import Hypothesis, SearchOptions, SentenceResult
from server.guard import changes_numbers, find_serious
from server.plan import Part
from server.tokenizer import Tokenizer

# Beams with which a sentence is decoded again whose translation has gone wrong.
GUARD_BEAM = 4


def is_sound(tokenizer: Tokenizer, part: Part, hypothesis: Hypothesis) -> bool:
    """Whether `hypothesis` is a translation of `part` by all that can be told, with the numbers it has."""
    target = tokenizer.decode(hypothesis.ids)
    serious = find_serious(target, part.source_ids[1:-1], hypothesis.ids)
    return not serious and not changes_numbers(part.segment.text, target)


def _is_whole(tokenizer: Tokenizer, part: Part, hypothesis: Hypothesis) -> bool:
    """Whether `hypothesis` shows none of the serious symptoms as a translation of `part`."""
    return not find_serious(tokenizer.decode(hypothesis.ids), part.source_ids[1:-1], hypothesis.ids)


def wider(options: SearchOptions, max_beam_size: int) -> SearchOptions:
    """The options of the second search, which tells all its hypotheses."""
    beam_size = min(max(options.beam_size + 2, GUARD_BEAM), max_beam_size)
    return replace(options, beam_size=beam_size, num_hypotheses=beam_size)


def mend(tokenizer: Tokenizer, part: Part, first: SentenceResult, second: SentenceResult) -> SentenceResult | None:
    """`first` with the best sound hypothesis of `second` in front; None where none is better than what there was.

    Other numbers alone are better than serious symptoms.
    """
    ranked = [each for each in second.hypotheses if _is_whole(tokenizer, part, each)]
    better = next((each for each in ranked if is_sound(tokenizer, part, each)), None)
    if better is None and ranked and not _is_whole(tokenizer, part, first.hypotheses[0]):
        better = ranked[0]
    if better is None:
        return None
    others = [each for each in first.hypotheses[1:] if each.ids != better.ids]
    return replace(first, hypotheses=(better, *others))
