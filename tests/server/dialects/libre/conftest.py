"""The application over the fake engine, and how this dialect's clients ask it."""

from typing import Any

import httpx
import pytest

from server.models.models import Models
from server.text.tokenizer import Tokenizer
from tests.server.test_app import Site
from tests.server.text.test_detect import shared_model  # noqa: F401 (it is used by being here)

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BODY = {"q": "Der Hund.", "source": "de", "target": "en"}
ENGLISH = "Where is the station?"


@pytest.fixture
def site(models: Models) -> Site:
    return Site(models)


def translate(site: Site, **body: Any) -> httpx.Response:
    return site.ask("POST", "/translate", json={**BODY, **body})


def refused(answer: httpx.Response, status: int, says: str) -> None:
    """Check an error answer."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json"), answer.text
    assert list(answer.json()) == ["error"]
    assert says in answer.json()["error"]
    assert "Traceback" not in answer.text


def reversed_ids(tokenizer: Tokenizer, text: str) -> str:
    """What the fake answers into German."""
    return tokenizer.decode(tokenizer.encode(text)[::-1])
