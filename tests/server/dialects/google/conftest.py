"""The application over the fake engine, and how this dialect's clients ask it."""

from typing import Any

import httpx
import pytest

from server.models.models import Models
from server.text.tokenizer import Tokenizer
from tests.server.test_app import Site
from tests.server.text.test_detect import shared_model  # noqa: F401 (it is used by being here)

PATH = "/language/translate/v2"
BODY = {"q": "Der Hund.", "source": "de", "target": "en"}
ENGLISH = "Where is the station?"


@pytest.fixture
def site(models: Models) -> Site:
    return Site(models)


def translate(site: Site, **body: Any) -> httpx.Response:
    return site.ask("POST", PATH, json={**BODY, **body})


def texts(answer: httpx.Response) -> list[str]:
    """What was translated."""
    assert answer.status_code == 200, answer.text
    return [each["translatedText"] for each in answer.json()["data"]["translations"]]


def refused(answer: httpx.Response, status: int, says: str, reason: str = "invalid") -> None:
    """Check an error answer."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json"), answer.text
    error = answer.json()["error"]
    assert error["code"] == status
    assert error["errors"] == [{"message": error["message"], "domain": "global", "reason": reason}]
    assert says in error["message"]
    assert "Traceback" not in answer.text


def reversed_ids(tokenizer: Tokenizer, text: str) -> str:
    """What the fake answers into German."""
    return tokenizer.decode(tokenizer.encode(text)[::-1])
