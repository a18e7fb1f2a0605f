"""What is held comes out exactly once and byte for byte, whatever becomes of the words that stand for it."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.engine.types import SearchOptions, SentenceResult
from server.markup import Options, verify
from server.models.models import Model, Models
from server.settings import ServeSettings
from server.text.tokenizer import Tokenizer
from server.translation.request import TranslateOptions
from server.translation.sentences import GuardCounts
from server.translation.stream import LineStream
from server.translation.translator import Translator
from tests.server.conftest import MakeModel
from tests.server.fakes import FakeEngine

STAND_INS = ("XQ", "Zug", "AB", "CD", "EF")  # of the length of the first are four, of the second's none
Spoil = Callable[[str], str]


class SpoilingEngine(FakeEngine):
    """A fake that turns words round into German as the other does, and then spoils the text."""

    def __init__(self, tokenizer: Tokenizer, spoil: Spoil) -> None:
        super().__init__(hold=True)
        self.tokenizer, self.spoil = tokenizer, spoil

    def submit(self, source_ids: Sequence[int], options: SearchOptions, **more: Any) -> Future[SentenceResult]:
        future = super().submit(source_ids, replace(options, align=False), **more)
        self.release()
        found = future.result()
        spoiled = [
            replace(each, ids=tuple(self.tokenizer.encode(self.spoil(self.tokenizer.decode(each.ids)))))
            for each in found.hypotheses
        ]
        answer: Future[SentenceResult] = Future()
        answer.set_result(replace(found, hypotheses=tuple(spoiled)))
        return answer


def loses(*words: str) -> Spoil:
    return lambda text: " ".join(word for word in text.split() if word.strip(".,:!?") not in words) or "nothing"


def doubles(*words: str) -> Spoil:
    return lambda text: " ".join(f"{word} {word}" if word in words else word for word in text.split())


SPOILS = {
    "nothing": lambda text: text,
    "loses one": loses("XQ"),
    "doubles one": doubles("XQ"),
    "loses all": loses(*STAND_INS),
    "doubles all": doubles(*STAND_INS),
    "lower case": str.lower,
    "invents": lambda text: f"{text} XQ",
    "says nothing": lambda text: "nothing",
}


@pytest.fixture
def make(make_model: MakeModel, tokenizer: Tokenizer) -> Callable[[str], Model]:
    return lambda spoil: replace(
        make_model(SpoilingEngine(tokenizer, SPOILS[spoil])),
        stand_ins=dict.fromkeys((("de", "en"), ("en", "de")), STAND_INS),
    )


def translate(model: Model, text: str, way: str = "whole", **options: Any) -> tuple[list[str], Counter[str]]:
    """The translation and its alternatives, and how sentences with stand-ins ended."""
    translator = Translator(Models((model,)), ServeSettings().limits)
    ended: Counter[str] = Counter()
    translator.guard_counts = GuardCounts(held=lambda how: ended.update([how]))
    asked = TranslateOptions("de", "en", **options)

    async def whole() -> list[str]:
        (found,) = await translator.translate([text], asked)
        return [found.text, *(each.text for each in found.alternatives)]

    async def streamed() -> list[str]:
        return ["".join([piece.text async for piece in translator.stream([text], asked)])]

    if way == "lines":
        search = SearchOptions(beam_size=4, num_hypotheses=1)
        return [each.text for each in LineStream(model, model.manifest.pairs[0], search, 4).translate([text])], ended
    return asyncio.run(whole() if way == "whole" else streamed()), ended


@pytest.mark.parametrize(
    ("spoil", "ended"),
    [("nothing", "copied"), ("loses one", "swapped"), ("loses all", "cut_out"), ("doubles one", "swapped")],
)
def test_what_is_lost_is_swapped_and_then_cut_out(make: Callable[[str], Model], spoil: str, ended: str) -> None:
    found, how = translate(make(spoil), "Der Hund {name} läuft heute.")
    assert found[0].count("{name}") == 1
    assert how == {ended: 1}
    assert "XQ" not in found[0]


def test_the_model_sees_a_whole_sentence(make: Callable[[str], Model], tokenizer: Tokenizer) -> None:
    model = make("nothing")
    found, _ = translate(model, "Der Hund {name} läuft.")
    assert found == ["Der Hund {name} läuft."]
    assert [tokenizer.decode(ids[1:-1]) for ids in model.engine.sources] == ["Der Hund XQ läuft."]  # type: ignore[attr-defined]


def test_a_word_that_the_text_has_stands_for_nothing(make: Callable[[str], Model]) -> None:
    found, _ = translate(make("nothing"), "Der Zug {name}, xq und der Hund {b}.")
    assert found == ["Der Zug {name}, xq und der Hund {b}."]


def test_a_sentence_ends_before_a_placeholder(make: Callable[[str], Model], tokenizer: Tokenizer) -> None:
    model = make("nothing")
    translate(model, "Das Haus ist alt. {name} läuft.")
    sources = model.engine.sources  # type: ignore[attr-defined]
    assert [tokenizer.decode(ids[1:-1]) for ids in sources] == ["Das Haus ist alt.", "XQ läuft."]


def test_a_shouted_sentence_leaves_them_as_they_are(make: Callable[[str], Model]) -> None:
    assert translate(make("nothing"), "DER HUND {name} LÄUFT HEUTE")[0] == ["DER HUND {name} LÄUFT HEUTE"]


def test_plain_text_is_asked_for_as_without_them(make: Callable[[str], Model]) -> None:
    text = "Der Hund läuft. Das Haus ist alt."
    asked = []
    for model in (make("nothing"), replace(make("nothing"), stand_ins={})):
        translate(model, text)
        asked.append((model.engine.sources, model.engine.options))  # type: ignore[attr-defined]
    assert asked[0] == asked[1]


def test_segments_show_what_is_held(make: Callable[[str], Model]) -> None:
    translator = Translator(Models((make("nothing"),)), ServeSettings().limits)
    (found,) = asyncio.run(translator.translate(["Der Hund {name} läuft."], TranslateOptions("de", "en")))
    assert [(each.source, each.target) for each in found.segments] == [("Der Hund {name} läuft.",) * 2]


WORDS = st.sampled_from(["Haus", "der Hund", "Guten Morgen.", "see", "Ja!", "HEUTE", "XQ", "a < b", "Zug,"])
MARKS = st.sampled_from(["{name}", "%1$s", "https://example.org/a", "€", "{{ n }}", "😀", "{a}{b}", "({x})", "{n}px"])
TAGS = st.sampled_from(["<b>Haus</b>", "<code>x</code>", '<i translate="no">ja</i>', "<br/>", "<x/>", "&foo;", "</b>"])


@given(
    pieces=st.lists(st.one_of(WORDS, MARKS, TAGS), min_size=1, max_size=8),
    kind=st.sampled_from(["text", "html", "xml"]),
    spoil=st.sampled_from(sorted(SPOILS)),
    way=st.sampled_from(["whole", "streamed", "alternatives", "lines"]),
)
@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_every_held_span_comes_out_once(
    make: Callable[[str], Model], pieces: list[str], kind: Any, spoil: str, way: str
) -> None:
    text = " ".join(pieces)
    options: dict[str, Any] = {"num_alternatives": 3} if way == "alternatives" else {}
    if kind != "text" and way != "lines":
        options["markup"] = Options(kind=kind)
    found, _ = translate(make(spoil), text, "whole" if way == "alternatives" else way, **options)
    again, _ = translate(make(spoil), text, "whole" if way == "alternatives" else way, **options)
    assert found == again
    for each in found:
        assert verify(text, each, options.get("markup", Options(kind="text")))
        # Signs are words to the model that says where they stand, so they may come to stand inside an element.
        assert [each.count(sign) for sign in "€😀"] == [text.count(sign) for sign in "€😀"]
