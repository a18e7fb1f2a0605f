"""Markup and placeholders through the translator: kept, whatever the model answers."""

import asyncio
from typing import Any

import pytest

from server.markup import Options, verify
from server.models.models import Models
from server.settings import ServeSettings
from server.text.detect import SURE
from server.translation.request import TranslateOptions
from server.translation.translator import Translator
from tests.server.conftest import MakeModel
from tests.server.fakes import FakeEngine


def translate(models: Models, text: str, source: str | None = "de", target: str = "en", **options: Any) -> str:
    translator = Translator(models, ServeSettings().limits)
    answer = asyncio.run(translator.translate([text], TranslateOptions(source, target, **options)))
    return answer[0].text


@pytest.mark.parametrize(
    "text",
    [
        "<p>Der <b>Hund</b> läuft.</p>\n<p>Die Katze schläft &amp; träumt.</p>",
        "<p></p>",
        "Der Hund<br>läuft",
        "",
    ],
)
def test_a_copied_document_is_the_document(models: Models, text: str) -> None:
    """Into English the fake copies, so every byte must come back."""
    assert translate(models, text, markup=Options(kind="html")) == text


def test_tags_are_not_shown_to_the_model(models: Models, engine: FakeEngine) -> None:
    translate(models, '<a href="http://example.org/haus">der Hund</a>', markup=Options(kind="html"))
    plain = len(engine.sources)
    translate(models, "der Hund")
    assert engine.sources[:plain] == engine.sources[plain:]


def test_alignment_is_asked_for_only_where_there_are_marks(models: Models, engine: FakeEngine) -> None:
    for text in ("der Hund", "der Hund {name}", "<p>der Hund</p>", "<b>der</b> Hund"):
        translate(models, text, markup=None if text.startswith("der") else Options(kind="html"))
    assert [options.align for options in engine.options] == [False, True, False, True]


def test_placeholders_of_plain_text_come_out_once(make_model: MakeModel, engine: FakeEngine) -> None:
    """Into German the fake turns the words round."""
    text = "the dog {name} sees %1$s at https://example.org/a?b=c today"
    found = translate(Models((make_model(engine),)), text, "en", "de")
    assert [found.count(each) for each in ("{name}", "%1$s", "https://example.org/a?b=c")] == [1, 1, 1]


@pytest.mark.parametrize("markup", [None, Options(kind="html")])
def test_what_surely_is_in_the_target_language_stays_as_it_is(
    models: Models, engine: FakeEngine, markup: Options | None
) -> None:
    text = "The house by the <b>lake</b> is old,  and we follow the dog.\n"
    translator = Translator(models, ServeSettings().limits)
    (found,) = asyncio.run(translator.translate([text], TranslateOptions(None, "en", markup=markup)))
    assert (found.text, found.source) == (text, "en")
    assert found.detected is not None
    assert found.detected.confidence >= SURE
    assert not engine.sources


def test_alternatives_have_the_markup_too(models: Models) -> None:
    """The fake's k-th hypothesis lacks the last k ids."""
    translator = Translator(models, ServeSettings().limits)
    html, plain = "<p>the <b>old</b> house</p>\n<p>{name}</p>", "the old {name} house"
    for text, markup in ((html, Options(kind="html")), (plain, None)):
        options = TranslateOptions("de", "en", num_alternatives=2, markup=markup)
        (found,) = asyncio.run(translator.translate([text], options))
        assert len({found.text, *(each.text for each in found.alternatives)}) == 3
        for each in found.alternatives:
            assert verify(text, each.text, markup or Options(kind="text"))
            assert each.score is not None


def test_the_language_of_a_document_is_that_of_its_words(models: Models) -> None:
    html = '<div class="the house of the dog"><p>Das ist ein <b>Haus</b> und ein Hund</p></div>'
    assert translate(models, html, source=None, target="en", markup=Options(kind="html")) == html
