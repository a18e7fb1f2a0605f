"""The application with its glossaries in a folder of the test's own."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.dialects.deepl import translate as translate_module
from server.models.models import Models
from server.settings import ServeSettings
from tests.server.test_app import Site

MakeSite = Callable[..., Site]
KEY = {"Authorization": "DeepL-Auth-Key secret-key"}


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """The detector loads within the first request; on a busy machine that may take longer than clients wait."""
    monkeypatch.setattr(translate_module, "MAX_DEADLINE_S", 120.0)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def make_site(models: Models, data: Path) -> MakeSite:
    """Build the application: `make_site(models=..., character_limit=10)`."""

    def make(models: Models = models, **varied: Any) -> Site:
        return Site(models, replace(ServeSettings(data=data, deadline_s=120.0), **varied))

    return make


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site()


def translate(site: Site, **body: Any) -> httpx.Response:
    """`POST /v2/translate` in JSON, German to English if nothing else is said."""
    return site.ask("POST", "/v2/translate", headers=KEY, json={"source_lang": "DE", "target_lang": "EN", **body})


def refused(answer: httpx.Response, status: int, says: str = "") -> dict[str, str]:
    """Check an error answer of the dialect and return its body."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
    body: dict[str, str] = answer.json()
    assert set(body) <= {"message", "detail"}
    assert says in body["message"] + body.get("detail", "")
    assert answer.headers["x-trace-id"]
    assert "Traceback" not in answer.text
    return body
