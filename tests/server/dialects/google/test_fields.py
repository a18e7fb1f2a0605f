"""The same request in every way that it can be sent."""

import pytest

from tests.server.dialects.google.conftest import BODY, PATH, refused, texts, translate
from tests.server.test_app import Site

MANY = {**BODY, "q": ["Der Hund.", "Das Haus."]}


@pytest.mark.parametrize("body", [BODY, MANY])
def test_json_form_and_query_say_the_same(site: Site, body: dict[str, object]) -> None:
    expected = body["q"] if isinstance(body["q"], list) else [body["q"]]
    for content in ({"json": body}, {"data": body}, {"params": body}):
        assert texts(site.ask("POST", PATH, **content)) == expected
    assert texts(site.ask("GET", PATH, params=body)) == expected


def test_the_body_counts_before_the_query(site: Site) -> None:
    answer = site.ask("POST", PATH, params={"target": "tlh", "q": "x", "source": "de"}, json={"q": "y", "target": "en"})
    assert texts(answer) == ["y"]


def test_json_that_is_called_otherwise(site: Site) -> None:
    content = b'{"q": "Der Hund.", "source": "de", "target": "en"}'
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        assert texts(site.ask("POST", PATH, content=content, headers={"Content-Type": kind})) == ["Der Hund."]


def test_what_cannot_be_read(site: Site) -> None:
    kinds = {kind: {"Content-Type": kind} for kind in ("application/json", "application/x-www-form-urlencoded")}
    refused(site.ask("POST", PATH, content=b"[]", headers=kinds["application/json"]), 400, "must be an object")
    refused(site.ask("POST", PATH, content=b"{", headers=kinds["application/json"]), 400, "Invalid JSON payload")
    refused(
        site.ask("POST", PATH, content=b"&" * 1001, headers=kinds["application/x-www-form-urlencoded"]), 400, "1000"
    )
    refused(site.ask("POST", PATH, files={"q": b"a"}), 400, "multipart/form-data")
    refused(site.ask("POST", PATH), 400, "Required Text: target is missing")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"q": None}, "q is missing"),
        ({"q": []}, "q is missing"),
        ({"q": 1}, "Invalid value for q"),
        ({"q": ["a", None]}, "Invalid value for q"),
        ({"target": ""}, "target is missing"),
        ({"target": ["en", "de"]}, "Invalid value for target: it must be one string"),
        ({"source": 1}, "Invalid value for source: it must be one string"),
        ({"format": 1}, "Invalid value for format: it must be one string"),
    ],
)
def test_fields_that_are_wrong(site: Site, body: dict[str, object], says: str) -> None:
    refused(translate(site, **body), 400, says)
