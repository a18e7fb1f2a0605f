"""The guard: sound translations pass, broken ones are told apart, and are decoded again."""

import asyncio

import pytest

from server.engine.types import ANYBODY, Hypothesis, SearchOptions, SentenceResult
from server.errors import QueueFullError
from server.models.models import Models
from server.settings import ServeSettings
from server.text.symptoms import Symptom, find_symptoms
from server.text.tokenizer import Tokenizer
from server.translation.request import TranslateOptions
from server.translation.sentences import GuardCounts
from server.translation.translator import Translator
from tests.server.conftest import MakeModel
from tests.server.fakes import FakeEngine

SOUND = [
    ("Guten Morgen!", "Good morning!"),
    ("Ja.", "Yes."),
    ("Der Zug um 14 Uhr fällt heute leider aus.", "Unfortunately, the train at 14 is cancelled today."),
    ("Es waren 1.234,50 Euro.", "It was 1,234.50 euros."),
    ("Es waren 12 500 Menschen da.", "There were 12,500 people."),
    ("Drei Äpfel und 3 Birnen", "3 apples and three pears"),
    ("Tom Müller, Anna Schmidt und Peter Weiß", "Tom Müller, Anna Schmidt und Peter Weiß"),
    ("nein, nein, nein, nein, nein, nein!", "no, no, no, no, no, no!"),
    ("..............................", "..............................x"),
    ("Wir treffen uns um 21:30 Uhr.", "We meet at 9:30 p.m."),
    ("Das Café schließt um 22 Uhr.", "The café closes at 10 pm."),
    ("We meet at 10:15 PM.", "Wir treffen uns um 22:15 Uhr."),
    ("Am 08. Mai war es vorbei.", "It was over on May 8th."),
]
BROKEN: list[tuple[str, str, Symptom]] = [
    ("Der Hund läuft über die Straße.", "", "empty"),
    ("Der Hund läuft über die Straße.", " … !", "empty"),
    ("Der Hund läuft.", "The dog runs and the dog runs and the dog runs and the dog runs and the dog runs and", "loop"),
    ("Die Katze schläft.", "cat, cat, cat, cat, cat, cat, cat, cat, cat, cat, cat, cat,", "loop"),
    ("Der Hund.", " ".join(f"word{i} is not here" for i in range(12)), "too_long"),
    (" ".join(["Der alte Mann geht mit seinem kleinen Hund langsam über die Straße"] * 4), "No.", "too_short"),
    ("Der Hund läuft heute über die Straße.", "Der Hund läuft heute über die Straße.", "copied"),
    ("Im Jahr 1987 kam er.", "He came in 1978.", "numbers"),
    ("Es kostet 250 Euro.", "It costs euros.", "numbers"),
    ("Wir treffen uns um 20:30 Uhr.", "We meet at 9:30 p.m.", "numbers"),
    ("Wir sind 21 Leute.", "We are people.", "numbers"),
    ("Wir wohnen in Stuttgart.", "We live in Stutgart.", "names"),
    (
        "Der Hund läuft heute, und der Mann kauft frisches Brot.",
        "The dog runs today, und der Mann kauft frisches Brot.",
        "untranslated",
    ),
    (
        "Als Tom den Hund im Park sah, ging er mit ihm nach Haus, und am See schrieb er gestern einen Brief.",
        "When Tom saw the dog, he went.",
        "too_short",
    ),
]


@pytest.mark.parametrize(("source", "target"), SOUND)
def test_sound_translations_pass(tokenizer: Tokenizer, source: str, target: str) -> None:
    assert find_symptoms(source, target, tokenizer.encode(source), tokenizer.encode(target)) == ()


@pytest.mark.parametrize(("source", "target", "symptom"), BROKEN)
def test_broken_ones_do_not(tokenizer: Tokenizer, source: str, target: str, symptom: Symptom) -> None:
    assert symptom in find_symptoms(source, target, tokenizer.encode(source), tokenizer.encode(target))


class Stutterer(FakeEngine):
    """Its best hypothesis is a loop, whatever the source; those behind it are sound, if asked for and if it can."""

    def __init__(self, tokenizer: Tokenizer, can_do_better: bool) -> None:
        super().__init__(hold=True)
        self.tokenizer, self.can_do_better = tokenizer, can_do_better

    def submit(self, source_ids, options: SearchOptions, *, deadline=None, caller=ANYBODY):  # type: ignore[no-untyped-def]
        future = super().submit(source_ids, options, deadline=deadline, caller=caller)
        loop = tuple(self.tokenizer.encode("the dog and " * 9))
        second = tuple(source_ids[1:-1]) if self.can_do_better else loop
        ranked = [loop, *([second] * (options.num_hypotheses - 1))]
        future.set_result(SentenceResult(tuple(Hypothesis(ids, -1.0, -1.0, True) for ids in ranked), 0.0, 0.0, 9))
        return future


def test_a_busy_engine_costs_nobody_the_first_answer(make_model: MakeModel, tokenizer: Tokenizer) -> None:
    class Busy(Stutterer):
        def submit(self, source_ids, options: SearchOptions, *, deadline=None, caller=ANYBODY):  # type: ignore[no-untyped-def]
            if options.beam_size > 1:
                raise QueueFullError("the queue is full")
            return super().submit(source_ids, options, deadline=deadline, caller=caller)

    translator = Translator(Models((make_model(Busy(tokenizer, True)),)), ServeSettings().limits)
    answer = asyncio.run(translator.translate(["the dog"], TranslateOptions("de", "en", beam_size=1)))
    assert "loop" in answer[0].segments[0].symptoms


@pytest.mark.parametrize("can_do_better", [True, False])
def test_what_loops_is_decoded_again(make_model: MakeModel, tokenizer: Tokenizer, can_do_better: bool) -> None:
    engine = Stutterer(tokenizer, can_do_better)
    translator = Translator(Models((make_model(engine),)), ServeSettings().limits)
    seen: list[str] = []
    translator.guard_counts = GuardCounts(lambda: seen.append("suspect"), lambda: seen.append("mended"))
    answer = asyncio.run(translator.translate(["the dog"], TranslateOptions("de", "en", beam_size=1)))
    [segment] = answer[0].segments
    assert seen == ["suspect", "mended"][: 1 + can_do_better]
    assert [options.beam_size for options in engine.options] == [1, 4]
    if can_do_better:
        assert (segment.target, segment.symptoms) == ("the dog", ())
    else:
        assert "loop" in segment.symptoms


@pytest.mark.parametrize("others", [("the dog 21", "the dog 12 12"), ("the dog", "the dog 12")])
def test_other_numbers_are_decoded_again(make_model: MakeModel, tokenizer: Tokenizer, others: tuple[str, ...]) -> None:
    class Miscounter(FakeEngine):
        def submit(self, source_ids, options: SearchOptions, *, deadline=None, caller=ANYBODY):  # type: ignore[no-untyped-def]
            future = super().submit(source_ids, options, deadline=deadline, caller=caller)
            texts = ("the dog 17", *others)[: options.num_hypotheses]
            ranked = tuple(Hypothesis(tuple(tokenizer.encode(text)), -1.0, -1.0, True) for text in texts)
            future.set_result(SentenceResult(ranked, 0.0, 0.0, 9))
            return future

    engine = Miscounter(hold=True)
    translator = Translator(Models((make_model(engine),)), ServeSettings().limits)
    answer = asyncio.run(translator.translate(["der Hund 12"], TranslateOptions("de", "en", beam_size=1)))
    [segment] = answer[0].segments
    assert [options.beam_size for options in engine.options] == [1, 4]
    right = "the dog 12" in others
    assert (segment.target, segment.symptoms) == (("the dog 12", ()) if right else ("the dog 17", ("numbers",)))


@pytest.mark.parametrize(
    "others", [("Stuttgart is", "Stuttgart has"), ("Stuttgrt is", "it is"), ("it is", "Stuttgart")]
)
def test_only_what_has_the_name_is_better(make_model: MakeModel, tokenizer: Tokenizer, others: tuple[str, ...]) -> None:
    class Slipping(FakeEngine):
        def submit(self, source_ids, options: SearchOptions, *, deadline=None, caller=ANYBODY):  # type: ignore[no-untyped-def]
            future = super().submit(source_ids, options, deadline=deadline, caller=caller)
            texts = ("Stutgart is", *others)[: options.num_hypotheses]
            ranked = tuple(Hypothesis(tuple(tokenizer.encode(text)), -1.0, -1.0, True) for text in texts)
            future.set_result(SentenceResult(ranked, 0.0, 0.0, 9))
            return future

    translator = Translator(Models((make_model(Slipping(hold=True)),)), ServeSettings().limits)
    answer = asyncio.run(translator.translate(["Stuttgart ist"], TranslateOptions("de", "en", beam_size=1)))
    [segment] = answer[0].segments
    right = next((each for each in others if "Stuttgart" in each), None)
    assert (segment.target, segment.symptoms) == ((right, ()) if right else ("Stutgart is", ("names",)))
