"""The endpoints of our own API over the fake engine."""

from dataclasses import replace

import pytest

from server.models.models import Models
from server.text.tokenizer import Tokenizer
from tests.server.conftest import MakeModel
from tests.server.fakes import EN, FakeEngine
from tests.server.test_app import BODY, SETTINGS, Site, refused


def test_one_text(site: Site) -> None:
    answer = site.post(BODY)
    assert answer.status_code == 200
    expected = {"text": "Der Hund läuft.", "source": "de", "model": {"name": "tiny", "version": "1.2"}}
    assert answer.json() == {"translations": [expected]}


@pytest.mark.parametrize("asked", [{}, {"source": "auto"}])
def test_a_language_that_is_not_given_is_detected(models: Models, engine: FakeEngine, asked: dict[str, str]) -> None:
    site = Site(models, replace(SETTINGS, deadline_s=300))  # the first time a model of languages is loaded
    answer = site.post({"text": ["Der Hund läuft über die Straße.", "Das ist ein Haus"], "target": "en", **asked})
    assert [t["source"] for t in answer.json()["translations"]] == ["de", "de"]
    assert all(0.5 < t["detected_confidence"] <= 1 for t in answer.json()["translations"])
    assert {source[0] for source in engine.sources} == {EN}


def test_many_texts_in_order(site: Site, tokenizer: Tokenizer) -> None:
    texts = ["the dog", "", "a house"]
    answer = site.post({"text": texts, "source": "en", "target": "de"})
    expected = [tokenizer.decode(tokenizer.encode(text)[::-1]) for text in texts]
    assert [t["text"] for t in answer.json()["translations"]] == expected
    assert site.post({**BODY, "text": []}).json()["translations"] == []


def test_alternatives_scores_and_segments_when_asked_for(site: Site) -> None:
    (found,) = site.post({**BODY, "text": "Der Hund.\n", "num_alternatives": 2}).json()["translations"]
    assert found["text"] == "Der Hund.\n"
    assert [set(a) for a in found["alternatives"]] == [{"text"}, {"text"}]
    asked = {**BODY, "text": "Der Hund.\n…", "scores": True, "segments": True, "num_alternatives": 1}
    (found,) = site.post(asked).json()["translations"]
    assert found["score"] == found["segments"][0]["score"] > found["alternatives"][0]["score"]
    assert [s["source"] for s in found["segments"]] == ["Der Hund.", "…"]
    (empty,) = site.post({**BODY, "text": "", "scores": True}).json()["translations"]
    assert (empty["text"], empty["score"]) == ("", None)


def test_the_request_decides_the_search(site: Site, engine: FakeEngine) -> None:
    site.post({**BODY, "beam_size": 3, "length_penalty": 1})
    assert (engine.options[0].beam_size, engine.options[0].length_penalty) == (3, 1.0)


@pytest.mark.parametrize("query", ["", "&source=de", "&target=en", "&source=de&target=en", "&source=DE"])
def test_get_translate_takes_the_first_pair_that_fits(site: Site, query: str) -> None:
    answer = site.ask("GET", f"/translate?q=Der+Hund.%0A{query}")
    assert (answer.status_code, answer.json()) == (200, {"translatedText": "Der Hund.\n"})


def test_get_translate_into_the_other_direction(site: Site, tokenizer: Tokenizer) -> None:
    answer = site.ask("GET", "/translate?q=the+dog&target=de")
    assert answer.json()["translatedText"] == tokenizer.decode(tokenizer.encode("the dog")[::-1])


def test_models_are_described(site: Site) -> None:
    (model,) = site.ask("GET", "/v1/models").json()["models"]
    assert (model["name"], model["version"], model["precision"]) == ("tiny", "1.2", "fp32")
    assert model["pairs"] == [
        {"source": "de", "target": "en", "formality": False},
        {"source": "en", "target": "de", "formality": False},
    ]
    assert model["search"] == {"beam_size": 2, "length_penalty": 0.6}
    assert model["quality"][0]["bleu"] == 42.5
    assert model["dimensions"]["num_decoder_layers"] == 3


def test_an_unknown_pair(site: Site) -> None:
    refused(site.post({**BODY, "target": "fr"}), 400, "unsupported_pair", "there are: de-en, en-de")
    refused(site.ask("GET", "/translate?q=a&target=fr"), 400, "unsupported_pair")


def test_get_translate_without_text(site: Site) -> None:
    refused(site.ask("GET", "/translate?source=de"), 400, "invalid_request", "q is missing")


def test_too_many_texts_or_characters(site: Site) -> None:
    refused(site.post({**BODY, "text": ["a"] * 4}), 413, "request_too_large", "4 texts; a request may have 3")
    refused(site.post({**BODY, "text": "a" * 501}), 413, "request_too_large", "501 characters")


def test_the_deadline(make_model: MakeModel) -> None:
    for seconds in (0.02, 0.2, 2.0, 20.0):  # on a busy machine it may pass before the engine is asked
        engine = FakeEngine(hold=True)
        site = Site(Models((make_model(engine),)), replace(SETTINGS, deadline_s=seconds))
        refused(site.post(BODY), 504, "deadline_exceeded")
        if engine.futures:
            break
    assert engine.futures[0].cancelled()
