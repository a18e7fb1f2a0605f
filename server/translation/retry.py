"""What a sentence gets whose translation has gone wrong: one more search, wider, and what is taken of it.

No engine and no waiting: requests and files have their own ways of both.
"""

from dataclasses import replace

from server.engine.types import SearchOptions, SentenceResult
from server.text.slips import find_slips
from server.text.tokenizer import Tokenizer
from server.translation.assemble import Outcome, read_outcome
from server.translation.plan import Part

# Beams with which a sentence is decoded again whose translation has gone wrong.
GUARD_BEAM = 4


def widen(options: SearchOptions, max_beam_size: int) -> SearchOptions:
    """The options of the second search, which tells all its hypotheses."""
    beam_size = min(max(options.beam_size + 2, GUARD_BEAM), max_beam_size)
    return replace(options, beam_size=beam_size, num_hypotheses=beam_size)


def mend(tokenizer: Tokenizer, part: Part, first: Outcome, second: SentenceResult) -> Outcome | None:
    """`first` with the best sound hypothesis of `second` in front; None where none is better than what there was.

    Other numbers or names alone are better than serious symptoms. What misspells a name gives way only to what has it:
    others lose it mostly, or misspell it so that nobody would know.
    """
    names = find_slips(part.segment.text, first.target)
    again = (read_outcome(tokenizer, part, (each,)) for each in second.hypotheses)
    whole = [each for each in again if each.is_whole]
    better = next((each for each in whole if each.is_sound and all(name in each.target for name in names)), None)
    if better is None and whole and not first.is_whole:
        better = whole[0]
    if better is None:
        return None
    if bool(first.told) != bool(better.told):  # what is told of the one is not told of the other's ids
        return better
    kept = [rank for rank, each in enumerate(first.hypotheses) if rank and each.ids != better.hypotheses[0].ids]
    return replace(
        better,
        hypotheses=(*better.hypotheses, *(first.hypotheses[rank] for rank in kept)),
        told=(*better.told, *(first.told[rank] for rank in kept if first.told)),
    )
