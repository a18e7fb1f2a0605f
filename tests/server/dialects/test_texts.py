"""Texts of a request, through a dialect that asks for no more than their translations."""

from dataclasses import replace

import pytest

from server.models.models import Models
from tests.server.conftest import MakeModel
from tests.server.fakes import FakeEngine
from tests.server.test_app import SETTINGS, Site

PATH = "/language/translate/v2"
BODY = {"q": "Der Hund.", "source": "de", "target": "en", "format": "text"}


def test_a_client_that_goes_away_takes_its_sentences_along(make_model: MakeModel) -> None:
    engine = FakeEngine(hold=True)
    site = Site(Models((make_model(engine),)))
    site.leave(PATH, BODY, engine)
    assert engine.futures[0].cancelled()


@pytest.mark.parametrize("source", ["en", None])
def test_what_is_in_the_target_language_already_stays(models: Models, engine: FakeEngine, source: str | None) -> None:
    text = "Where is the station?"
    answer = Site(models).ask("POST", PATH, json={**BODY, "q": text, "source": source}).json()
    assert answer["data"]["translations"][0]["translatedText"] == text
    assert engine.sources == []


def test_what_fails_costs_no_characters(make_model: MakeModel) -> None:
    engine = FakeEngine(capacity=0, hold=True)
    site = Site(Models((make_model(engine),)), replace(SETTINGS, character_limit=9))
    assert [site.ask("POST", PATH, json=BODY).status_code for _ in range(3)] == [429, 429, 429]
    engine.capacity, engine.hold = None, False
    assert [site.ask("POST", PATH, json=BODY).status_code for _ in range(2)] == [200, 403]
