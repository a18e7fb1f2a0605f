"""MTranServer's bodies at LibreTranslate's path."""

import json
from typing import Any

import pytest

from server.dialects.plugins.guest import is_single_request
from server.text.tokenizer import Tokenizer
from tests.server.dialects.plugins.conftest import SINGLE, ask, refused
from tests.server.test_app import Site

LIBRE = {"q": "Der Hund.", "source": "de", "target": "en"}


@pytest.mark.parametrize("body", [SINGLE, {"to": "en"}, {"text": 1}, {"from": "de", "text": ["a"]}])
def test_theirs(body: dict[str, Any]) -> None:
    assert is_single_request(json.dumps(body).encode())


NOT_THEIRS = [{}, LIBRE, {**SINGLE, "q": "a"}, {**SINGLE, "target": "en"}, {"from": "a"}]
UNREADABLE = [b"", b"q=a", b"{", b"[]", b'{"\xff": 1}', b'{"text":' + b"[" * 100_000]


@pytest.mark.parametrize("body", [*UNREADABLE, *(json.dumps(each).encode() for each in NOT_THEIRS)])
def test_not_theirs(body: bytes) -> None:
    assert not is_single_request(body)


def test_both_are_served(site: Site, tokenizer: Tokenizer) -> None:
    assert ask(site, "/translate", SINGLE).json() == {"result": "Der Hund."}
    assert ask(site, "/translate", LIBRE).json() == {"translatedText": "Der Hund."}
    assert site.ask("POST", "/translate", data=LIBRE).json() == {"translatedText": "Der Hund."}
    html = ask(site, "/translate", SINGLE, text="<b>Der</b> Hund &amp; so.", html=True).json()
    assert html == {"result": "<b>Der</b> Hund &amp; so."}
    back = tokenizer.decode(tokenizer.encode("the dog")[::-1])
    assert ask(site, "/translate", SINGLE, text="the dog", html=None, to="de-DE", **{"from": "auto"}).json() == {
        "result": back
    }


def test_each_refuses_in_its_own_words(site: Site) -> None:
    refused(ask(site, "/translate", SINGLE, to="tlh"), 400, "none of those served: en, de")
    refused(ask(site, "/translate", LIBRE, target="tlh"), 400, "tlh is not supported")
    refused(ask(site, "/translate", {"text": "a"}), 400, "to is missing")
    refused(ask(site, "/translate", SINGLE, text="a" * 501), 413, "501")
    refused(ask(site, "/translate", LIBRE, q="a" * 501), 400, "501")
    refused(ask(site, "/translate", SINGLE, text="a" * 5000), 400, "2048 bytes")
