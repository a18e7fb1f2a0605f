"""The application over the fake engine, and how plug-ins ask it."""

from typing import Any

import httpx
import pytest

from server.models.models import Models
from tests.server.test_app import Site
from tests.server.text.test_detect import shared_model  # noqa: F401 (it is used by being here)

ENGLISH = "Where is the station?"
IMME = {"source_lang": "de", "target_lang": "en", "text_list": ["Der Hund.", "Das Haus."]}
SINGLE = {"from": "de", "to": "en", "text": "Der Hund."}
BATCH = {"from": "de", "to": "en", "texts": ["Der Hund.", "Das Haus."]}


@pytest.fixture
def site(models: Models) -> Site:
    return Site(models)


def ask(site: Site, path: str, body: dict[str, Any], **varied: Any) -> httpx.Response:
    return site.ask("POST", path, json={**body, **varied})


def refused(answer: httpx.Response, status: int, says: str) -> None:
    """Check an error answer."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json"), answer.text
    assert list(answer.json()) == ["error"]
    assert says in answer.json()["error"]
    assert "Traceback" not in answer.text
