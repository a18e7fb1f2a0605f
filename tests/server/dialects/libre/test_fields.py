"""Fields from JSON, from forms of both kinds and from the query, and bodies that are neither."""

from dataclasses import replace

import pytest

from server.models.models import Models
from tests.server.dialects.libre.conftest import BODY, FORM, refused, translate
from tests.server.test_app import SETTINGS, Site


def test_a_form_a_query_and_a_multipart_form(site: Site) -> None:
    body = {"q": "Grüße & mehr.", "source": "de", "target": "en", "alternatives": "1"}
    part = {name: (None, value) for name, value in body.items()}
    for sent in ({"data": body}, {"params": body}, {"files": part}, {"json": body}):
        answer = site.ask("POST", "/translate", **sent)
        assert (answer.status_code, list(answer.json())) == (200, ["translatedText", "alternatives"]), answer.text
        assert answer.json()["translatedText"] == body["q"]
        assert len(answer.json()["alternatives"]) == 1
    mixed = site.ask("POST", "/translate?source=en&target=en&api_key=k", data={"q": "Der Hund.", "source": "de"})
    assert mixed.json() == {"translatedText": "Der Hund."}, "the body's fields count"


def test_json_that_is_called_a_form(site: Site) -> None:
    answer = site.ask(
        "POST", "/translate", content=b' {"q": "Der Hund.", "source": "de", "target": "en"}', headers=FORM
    )
    assert answer.json() == {"translatedText": "Der Hund."}


def test_line_ends_of_forms_are_newlines_and_those_of_json_stay(site: Site) -> None:
    text = "Eins.\r\n\r\nZwei.\rDrei.\n"
    assert site.ask("POST", "/translate", data={**BODY, "q": text}).json()["translatedText"] == text.replace(
        "\r\n", "\n"
    ).replace("\r", "\n")
    assert translate(site, q=text).json()["translatedText"] == text


@pytest.mark.parametrize(
    ("content", "kind", "says"),
    [
        (b"", "application/json", "missing q parameter"),
        (b"[]", "application/json", "must be a JSON object"),
        (b"{", "application/json", "not JSON"),
        (b'{"q": "\\ud800"}', "application/json", "not JSON"),
        (b'{"a":' * 400, "application/json", "not JSON"),
        (b"q=\xff", "application/x-www-form-urlencoded", "not in UTF-8"),
        (b"q=%ff", "application/x-www-form-urlencoded", "not in UTF-8"),
        (b"a&" * 200 + b"q=a", "application/x-www-form-urlencoded", "more than 100 fields"),
        (b"q=a&q=b", "application/x-www-form-urlencoded", "more than once; send a list as JSON"),
        (b"x", "multipart/form-data", "not valid multipart"),
        (b"x", "multipart/form-data; boundary=b", "not valid multipart"),
        (b'--b\r\nContent-Disposition: form-data; name="q"\r\n\r\na\r\n', "multipart/form-data; boundary=b", "missing"),
    ],
)
def test_bodies_that_are_wrong(site: Site, content: bytes, kind: str, says: str) -> None:
    refused(site.ask("POST", "/translate", content=content, headers={"Content-Type": kind}), 400, says)


def test_a_body_nested_too_deeply(models: Models) -> None:
    site = Site(models, replace(SETTINGS, max_body_bytes=1 << 20))
    refused(site.ask("POST", "/translate", content=b'{"a":' + b"[" * 500_000), 400, "Invalid request: the body is")
