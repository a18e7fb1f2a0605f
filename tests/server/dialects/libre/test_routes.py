"""The endpoints of the LibreTranslate dialect over the fake engine, as its clients ask."""

import re

import pytest

from server.documents.formats.registry import SUFFIXES
from server.models.models import Models
from server.text.tokenizer import Tokenizer
from tests.server.conftest import MakeModel
from tests.server.dialects.libre.conftest import BODY, ENGLISH, refused, reversed_ids, translate
from tests.server.fakes import FakeEngine
from tests.server.test_app import Site


def test_one_text(site: Site) -> None:
    answer = translate(site)
    assert (answer.status_code, answer.json()) == (200, {"translatedText": "Der Hund."})


def test_many_texts_in_order(site: Site, tokenizer: Tokenizer) -> None:
    texts = ["the dog", "", "a house"]
    answer = translate(site, q=texts, source="en", target="de")
    assert answer.json() == {"translatedText": [reversed_ids(tokenizer, text) for text in texts]}
    assert translate(site, q=[]).json() == {"translatedText": []}
    assert translate(site, q="").json() == {"translatedText": ""}
    assert translate(site, q=["one"], source="en").json() == {"translatedText": ["one"]}


def test_as_mastodon_asks(site: Site) -> None:
    body = {"q": ["Der Hund.", "Wo ist er?"], "source": "auto", "target": "en", "format": "html", "api_key": "secret"}
    answer = site.ask("POST", "/translate", json=body).json()
    assert answer["translatedText"] == body["q"]
    assert [each["language"] for each in answer["detectedLanguage"]] == ["de", "de"]


def test_get_translate_is_still_there(site: Site) -> None:
    assert site.ask("GET", "/translate?q=Der+Hund.").json() == {"translatedText": "Der Hund."}


def test_a_client_that_goes_away_takes_its_sentences_along(make_model: MakeModel) -> None:
    engine = FakeEngine(hold=True)
    site = Site(Models((make_model(engine),)))
    site.leave("/translate", BODY, engine)
    assert engine.futures[0].cancelled()


def test_detect(site: Site) -> None:
    answer = site.ask("POST", "/detect", json={"q": ENGLISH, "api_key": "k"}).json()
    assert [each["language"] for each in answer] == ["en"], "German would have 0.0"
    assert 90 < answer[0]["confidence"] <= 100
    both = site.ask("POST", "/detect", json={"q": "Monday"}).json()
    assert [each["language"] for each in both] == ["en", "de"]
    assert sum(each["confidence"] for each in both) == pytest.approx(100, abs=0.2)
    assert site.ask("POST", "/detect", data={"q": ENGLISH}).json() == answer
    assert site.ask("POST", "/detect", params={"q": ENGLISH}).json() == answer
    assert site.ask("POST", "/detect", json={"q": "123 😀"}).json() == [{"confidence": 0.0, "language": "de"}]
    refused(site.ask("POST", "/detect", json={}), 400, "missing q parameter")
    refused(site.ask("POST", "/detect", json={"q": ["a"]}), 400, "q parameter must be a string")
    refused(site.ask("POST", "/detect", json={"q": "a" * 501}), 400, "request (501) exceeds text limit (500)")


def test_health(site: Site, engine: FakeEngine) -> None:
    assert site.ask("GET", "/health").json() == {"status": "ok"}
    engine.failed = True
    refused(site.ask("GET", "/health"), 503, "engine has failed")


def test_settings(site: Site) -> None:
    assert site.ask("GET", "/frontend/settings").json() == {
        "charLimit": 500,
        "frontendTimeout": 500,
        "apiKeys": False,
        "keyRequired": False,
        "suggestions": False,
        "filesTranslation": True,
        "supportedFilesFormat": list(SUFFIXES),
        "language": {"source": {"code": "auto", "name": "Auto Detect"}, "target": {"code": "en", "name": "English"}},
    }


def test_suggestions_are_not_taken(site: Site) -> None:
    refused(site.ask("POST", "/suggest", data={"q": "a", "s": "b", "source": "de", "target": "en"}), 403, "disabled")


def test_nothing_of_a_client_is_a_label_or_a_line(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "ferry")
    caplog.set_level("WARNING", "httpx")  # the client, which is in this process too
    translate(site, q="Geheim.", api_key="the-key")
    translate(site, target="tlh-secret")
    site.ask("GET", "/download_file/secret-name.txt")
    site.ask("POST", "/translate?q=secret-query", json={})
    lines = site.ask("GET", "/metrics").text
    assert 'ferry_requests_total{route="/translate",status="200"} 1.0' in lines
    assert 'ferry_refusals_total{code="invalid_request"} 2.0' in lines
    assert not re.search("(?i)secret|geheim|the-key|tlh", lines + caplog.text)
