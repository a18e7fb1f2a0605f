"""What became of a sentence in the engine, and what it gets if that went wrong: one more search, wider.

No engine and no waiting: requests and files have their own ways of both.
"""

from dataclasses import dataclass, replace

from server.engine.types import Hypothesis, SearchOptions, SentenceResult
from server.text.symptoms import Symptom, find_symptoms
from server.text.tokenizer import Tokenizer
from server.translation.plan import Part

# Beams with which a sentence is decoded again whose translation has gone wrong.
GUARD_BEAM = 4
# A copy comes out a copy again, or one with a slip; and other numbers alone are better than any other symptom.
_HARMLESS: frozenset[Symptom] = frozenset({"copied"})
_SMALL: frozenset[Symptom] = frozenset({"copied", "numbers"})


@dataclass(frozen=True)
class Outcome:
    """A translated sentence, its best hypothesis read once.

    Attributes:
        hypotheses: best first, at least one.
        target: the text of the best, written as its source is.
        symptoms: what is wrong with it as a translation, by all that can be told.
    """

    hypotheses: tuple[Hypothesis, ...]
    target: str
    symptoms: tuple[Symptom, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong that another search might mend."""
        return _HARMLESS.issuperset(self.symptoms)

    @property
    def is_whole(self) -> bool:
        """Whether nothing worse is wrong with it than its numbers."""
        return _SMALL.issuperset(self.symptoms)


def read_outcome(tokenizer: Tokenizer, part: Part, hypotheses: tuple[Hypothesis, ...]) -> Outcome:
    """What the engine's `hypotheses` make of the sentence `part`."""
    best = hypotheses[0]
    target = part.reading.write(tokenizer.decode(best.ids))
    symptoms = find_symptoms(part.segment.text, target, part.source_ids[1:-1], best.ids)
    return Outcome(hypotheses, target, symptoms)


def widen(options: SearchOptions, max_beam_size: int) -> SearchOptions:
    """The options of the second search, which tells all its hypotheses."""
    beam_size = min(max(options.beam_size + 2, GUARD_BEAM), max_beam_size)
    return replace(options, beam_size=beam_size, num_hypotheses=beam_size)


def mend(tokenizer: Tokenizer, part: Part, first: Outcome, second: SentenceResult) -> Outcome | None:
    """`first` with the best sound hypothesis of `second` in front; None where none is better than what there was.

    Other numbers alone are better than serious symptoms.
    """
    again = (read_outcome(tokenizer, part, (each,)) for each in second.hypotheses)
    whole = [each for each in again if each.is_whole]
    better = next((each for each in whole if each.is_sound), None)
    if better is None and whole and not first.is_whole:
        better = whole[0]
    if better is None:
        return None
    others = [each for each in first.hypotheses[1:] if each.ids != better.hypotheses[0].ids]
    return replace(better, hypotheses=(*better.hypotheses, *others))
