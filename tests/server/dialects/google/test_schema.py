"""Requests that are refused, and what is told of those that are not."""

from dataclasses import replace

import pytest

from server.models.models import Models
from tests.server.dialects.google.conftest import ENGLISH, PATH, refused, texts, translate
from tests.server.test_app import SETTINGS, Site


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"source": "xx"}, "Invalid value for source: xx"),
        ({"target": "y" * 99}, "Invalid value for target: " + "y" * 37 + "..."),
        ({"format": "pdf"}, "Invalid value for format: it must be one of html, text"),
        ({"q": ["a"] * 4}, "Too many text segments: 4, at most 3"),
        ({"q": "a" * 501}, "501"),
    ],
)
def test_requests_that_are_wrong(site: Site, body: dict[str, object], says: str) -> None:
    refused(translate(site, **body), 400, says)


def test_never_more_texts_than_there(models: Models) -> None:
    site = Site(models, replace(SETTINGS, max_texts=500, max_body_bytes=1 << 20))
    assert len(texts(translate(site, q=["a"] * 128))) == 128
    refused(translate(site, q=["a"] * 129), 400, "129, at most 128")
    refused(site.ask("POST", f"{PATH}/detect", json={"q": ["a"] * 129}), 400, "129, at most 128")


def test_null_is_not_given(site: Site) -> None:
    body = {"q": [ENGLISH], "source": None, "format": None, "model": None, "cid": []}
    # As Google's own client for Python asks.
    asked = site.ask("POST", PATH, params={"prettyPrint": "false"}, json={**body, "target": "en"})
    [answer] = asked.json()["data"]["translations"]
    assert answer == {"translatedText": ENGLISH, "detectedSourceLanguage": "en"}


@pytest.mark.parametrize("source", ["auto", "", None])
def test_detected(site: Site, source: str | None) -> None:
    [answer] = translate(site, q=ENGLISH, source=source, model="nmt").json()["data"]["translations"]
    assert answer == {"translatedText": ENGLISH, "detectedSourceLanguage": "en", "model": "nmt"}
