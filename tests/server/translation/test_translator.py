"""Text to text through the fake engine: what is submitted, how it is put together, what is refused."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.errors import (
    DeadlineExceededError,
    EngineStoppedError,
    InvalidRequestError,
    QueueFullError,
    RequestTooLargeError,
    UnsupportedPairError,
)
from server.markup import Options
from server.models.models import Models
from server.settings import Limits
from server.text.tokenizer import Tokenizer
from server.translation.assemble import Translation
from server.translation.request import TranslateOptions
from server.translation.translator import Translator
from tests.server.conftest import MakeModel
from tests.server.fakes import DE, EN, FakeEngine

LIMITS = Limits(max_beam_size=4, max_texts=5, max_text_chars=5000, max_request_tokens=2000)
TO_EN = TranslateOptions("de", "en")
TO_DE = TranslateOptions("en", "de")


@pytest.fixture
def translator(models: Models) -> Translator:
    return Translator(models, LIMITS)


def translate(translator: Translator, *texts: str, options: TranslateOptions = TO_EN) -> list[Translation]:
    return list(asyncio.run(translator.translate(texts, options)))


def reverse(tokenizer: Tokenizer, sentence: str) -> str:
    """What the fake engine makes of a sentence into German."""
    return tokenizer.decode(tokenizer.encode(sentence)[::-1])


@pytest.mark.parametrize("text", ["…", "---", "?!", "(*)", "„“"])
def test_without_letters_there_is_nothing_to_translate(make_model: MakeModel, text: str) -> None:
    engine = FakeEngine()
    [found] = translate(Translator(Models((make_model(engine),)), LIMITS), text)
    assert (found.text, found.score, engine.sources) == (text, None, [])


def test_sentences_are_translated_and_white_space_is_kept(translator: Translator, tokenizer: Tokenizer) -> None:
    text = "\n  The house is old. \t The dog runs!\r\n\r\nOn 5 May? 😀\n"
    (found,) = translate(translator, text, options=TO_DE)
    a, b, c = (reverse(tokenizer, s) for s in ("The house is old.", "The dog runs!", "On 5 May?"))
    assert found.text == f"\n  {a} \t {b}\r\n\r\n{c} 😀\n"
    assert [(s.source, s.target, s.complete) for s in found.segments] == [
        ("The house is old.", a, True),
        ("The dog runs!", b, True),
        ("On 5 May?", c, True),
    ]
    scores = [s.score for s in found.segments if s.score is not None]
    assert found.score == pytest.approx(sum(scores) / 3)


def test_ids_have_the_prefix_of_the_pair_and_eos(
    translator: Translator, engine: FakeEngine, tokenizer: Tokenizer
) -> None:
    translate(translator, "the dog", options=TO_DE)
    translate(translator, "der Hund")
    assert engine.sources == [
        (DE, *tokenizer.encode("the dog"), 3),
        (EN, *tokenizer.encode("der Hund"), 3),
    ]


@pytest.mark.parametrize("text", ["", " ", "\n\n", "😀", "…\n--- !", "\x00", "\ufeff "])
def test_nothing_to_translate_passes_through(translator: Translator, engine: FakeEngine, text: str) -> None:
    (found,) = translate(translator, text)
    assert (found.text, found.score, found.alternatives) == (text, None, ())
    assert not engine.sources


def test_control_characters_and_surrogates_do_no_harm(translator: Translator) -> None:
    (found,) = translate(translator, "der\x00 Hund\x07 läuft\ud83d. \udc00 …\ud83d")
    found.text.encode()
    assert found.text.startswith("der Hund läuft")


def test_a_long_sentence_is_cut_and_nothing_is_lost(
    make_model: MakeModel, engine: FakeEngine, tokenizer: Tokenizer
) -> None:
    translator = Translator(Models((make_model(engine, max_source_length=12),)), LIMITS)
    text = "Wir fahren morgen mit dem Zug nach Berlin, der Hund läuft durch den Park und das Haus ist schön."
    (found,) = translate(translator, text)
    assert found.text == text
    assert len(engine.sources) > 2
    assert all(len(source) <= 12 and source[0] == EN and source[-1] == 3 for source in engine.sources)


def test_even_one_character_of_many_ids_is_cut(make_model: MakeModel, engine: FakeEngine, tokenizer: Tokenizer) -> None:
    translator = Translator(Models((make_model(engine, max_source_length=5),)), LIMITS)
    (found,) = translate(translator, "Ấ")  # one letter, spelled in three bytes
    sources = dict.fromkeys(engine.sources)  # decoded twice: a part of a letter is none
    assert sum(len(source) - 2 for source in sources) == len(tokenizer.encode("Ấ"))
    assert max(map(len, sources)) == 5
    assert found.text


@given(text=st.text(alphabet=st.characters(exclude_categories=()), max_size=60))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_answered(make_model: MakeModel, text: str) -> None:
    engine = FakeEngine()
    (found,) = translate(Translator(Models((make_model(engine, max_source_length=9),)), LIMITS), text)
    found.text.encode()
    assert all(len(source) <= 9 for source in engine.sources)


def test_the_kth_alternative_has_the_kth_hypothesis_of_each_sentence(
    translator: Translator, engine: FakeEngine, tokenizer: Tokenizer
) -> None:
    long, short = "Das Haus am See ist alt.", "A."
    num_short = len(tokenizer.encode(short))
    options = TranslateOptions("de", "en", num_alternatives=3)
    (found,) = translate(translator, f"{long}\n{short}", options=options)
    assert engine.options[0].beam_size == engine.options[0].num_hypotheses == 4

    def lacking(sentence: str, rank: int) -> str:
        ids = tokenizer.encode(sentence)
        return tokenizer.decode(ids[: len(ids) - rank])

    assert num_short < 4
    expected = [f"{lacking(long, k)}\n{lacking(short, min(k, num_short - 1))}" for k in range(4)]
    assert [found.text, *(a.text for a in found.alternatives)] == expected
    scores = [found.score, *(a.score for a in found.alternatives)]
    assert scores == sorted(scores, key=lambda score: -(score or 0))


def test_many_texts_are_submitted_at_once_and_answered_in_order(make_model: MakeModel) -> None:
    engine = FakeEngine(hold=True)
    translator = Translator(Models((make_model(engine),)), LIMITS)

    async def ask() -> list[str]:
        task = asyncio.create_task(translator.translate(["eins. Zwei.", "", "drei"], TO_EN))
        await _until(lambda: engine.num_waiting == 3)
        engine.release()
        return [t.text for t in await task]

    assert asyncio.run(ask()) == ["eins. Zwei.", "", "drei"]


def test_the_bundles_defaults_hold_unless_the_request_says(translator: Translator, engine: FakeEngine) -> None:
    translate(translator, "a")
    translate(translator, "a", options=TranslateOptions("de", "en", beam_size=1, length_penalty=0.0))
    assert [(o.beam_size, o.num_hypotheses, o.length_penalty) for o in engine.options] == [(2, 1, 0.6), (1, 1, 0.0)]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (TranslateOptions("de", "en", beam_size=0), "beam_size is 0; it must be 1 to 4"),
        (TranslateOptions("de", "en", beam_size=5), "beam_size is 5; it must be 1 to 4"),
        (TranslateOptions("de", "en", beam_size=2, num_alternatives=2), "num_alternatives is 2; with beam_size 2"),
        (TranslateOptions("de", "en", num_alternatives=4), "num_alternatives is 4; with beam_size 4 it must be 0 to 3"),
        (TranslateOptions("de", "en", num_alternatives=-1), "num_alternatives is -1"),
        (TranslateOptions("de", "en", length_penalty=-0.5), "length_penalty is -0.5; it must be 0 to 5"),
        (TranslateOptions("de", "en", length_penalty=float("nan")), "length_penalty is nan"),
    ],
)
def test_impossible_options_are_refused(translator: Translator, options: TranslateOptions, says: str) -> None:
    with pytest.raises(InvalidRequestError, match=says):
        translate(translator, "a", options=options)


def test_an_unknown_pair_is_refused_with_those_that_exist(translator: Translator) -> None:
    with pytest.raises(UnsupportedPairError, match="from 'de' to 'fr'; there are: de-en, en-de"):
        translate(translator, "a", options=TranslateOptions("de", "fr"))


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["a"] * 6, "6 texts; a request may have 5"),
        (["a" * 2501] * 2, "5002 characters; a request may have 5000"),
        (["Ấ" * 1000], "more than 2000 tokens"),
    ],
)
def test_too_much_is_refused(translator: Translator, engine: FakeEngine, texts: list[str], says: str) -> None:
    with pytest.raises(RequestTooLargeError, match=says):
        translate(translator, *texts)
    assert not engine.sources


def test_when_one_sentence_is_refused_the_others_are_taken_back(make_model: MakeModel) -> None:
    engine = FakeEngine(hold=True, capacity=2)
    with pytest.raises(QueueFullError):
        translate(Translator(Models((make_model(engine),)), LIMITS), "Eins. Zwei. Drei.")
    assert len(engine.futures) == 2
    assert all(future.cancelled() for future in engine.futures)


def test_when_one_sentence_fails_the_others_are_cancelled(make_model: MakeModel) -> None:
    engine = FakeEngine(hold=True)
    translator = Translator(Models((make_model(engine),)), LIMITS)

    async def ask() -> None:
        task = asyncio.create_task(translator.translate(["Eins. Zwei. Drei."], TO_EN))
        await _until(lambda: engine.num_waiting == 3)
        engine.futures[1].set_exception(EngineStoppedError("gone"))
        await task

    with pytest.raises(EngineStoppedError):
        asyncio.run(ask())
    assert [future.cancelled() for future in engine.futures] == [True, False, True]


def test_cancelling_the_caller_cancels_its_sentences(make_model: MakeModel) -> None:
    engine = FakeEngine(hold=True)
    translator = Translator(Models((make_model(engine),)), LIMITS)

    async def ask() -> None:
        task = asyncio.create_task(translator.translate(["Eins. Zwei."], TO_EN))
        await _until(lambda: engine.num_waiting == 2)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(ask())
    assert all(future.cancelled() for future in engine.futures)


def test_the_deadline_is_passed_on_and_kept(make_model: MakeModel) -> None:
    for seconds in (0.05, 0.5, 5.0, 50.0):  # on a busy machine it may pass before the engine is asked
        engine = FakeEngine(hold=True)
        deadline = time.monotonic() + seconds
        with pytest.raises(DeadlineExceededError):
            translate(
                Translator(Models((make_model(engine),)), LIMITS),
                "a",
                options=TranslateOptions("de", "en", None, 0, None, deadline),
            )
        if engine.futures:
            break
    assert engine.deadlines == [deadline]
    assert engine.futures[0].cancelled()


def test_long_texts_do_not_block_the_event_loop(make_model: MakeModel, engine: FakeEngine) -> None:
    limits = Limits(max_beam_size=4, max_texts=5, max_text_chars=10**6, max_request_tokens=10**6)
    text = "Der Hund läuft durch den Park. " * 3000
    (found,) = translate(Translator(Models((make_model(engine),)), limits), text)
    assert found.text == text


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.001)


def test_what_the_model_cannot_read_is_kept(translator: Translator, tokenizer: Tokenizer, engine: FakeEngine) -> None:
    text = "Das Haus 👨‍👩‍👧 ist alt. 🎉 Der Hund 😀😀 läuft → Москва."
    (found,) = translate(translator, text)
    assert found.text == text
    assert [tokenizer.decode(source[1:-1]) for source in engine.sources] == ["Das Haus ist alt.", "Der Hund läuft."]


def test_signs_beside_a_sentence_make_no_markup_of_it(translator: Translator, engine: FakeEngine) -> None:
    translate(translator, "Das Haus ist alt. 🎉", options=replace(TO_EN, num_alternatives=1))
    assert not engine.options[0].align


def test_capitals_are_translated_as_a_sentence_and_stay_capitals(
    translator: Translator, tokenizer: Tokenizer, engine: FakeEngine
) -> None:
    (found,) = translate(translator, "DAS HAUS IST ALT! Gut.")
    assert found.text == "DAS HAUS IST ALT! Gut."
    assert engine.sources[0][1:-1] == tuple(tokenizer.encode("Das haus ist alt!"))

    async def stream() -> list[str]:
        return [piece.text async for piece in translator.stream(["DAS HAUS IST ALT! Gut."], TO_EN)]

    assert asyncio.run(stream()) == ["DAS HAUS IST ALT! ", "Gut."]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Der Gar\xadten ist schön.", "Der Garten ist schön."),
        ("Der Gar&shy;ten ist&#173; sch&#xAD;ön.", "Der Garten ist schön."),
        ("Der Gar\u200bten ist schön.", "Der Garten ist schön."),
        ("Die Schüler*innen und Lehrer:innen", "Die Schülerinnen und Lehrerinnen"),
    ],
)
def test_a_word_that_may_be_broken_is_read_in_one_piece(translator: Translator, text: str, read: str) -> None:
    (found,) = translate(translator, text)
    assert found.text == read
    (marked,) = translate(translator, f"<p>{text}</p>", options=replace(TO_EN, markup=Options("html")))
    assert marked.text == f"<p>{read}</p>"
