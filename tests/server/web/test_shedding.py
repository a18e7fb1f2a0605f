"""What is refused unread when the event loop is behind, and what is not."""

import asyncio
import math
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from server.access.access import Access
from server.models.models import Models
from server.settings import ServeSettings
from server.translation.translator import Translator
from server.web.shedding import LOOK_EVERY_S, Shedder
from tests.server.access.test_access import write_keys
from tests.server.fakes import FakeEngine
from tests.server.test_app import BODY, SETTINGS, Site

DEEPL = {"text": ["Der Hund."], "source_lang": "DE", "target_lang": "EN"}
LIBRE = {"q": "Der Hund.", "source": "de", "target": "en"}
MESSAGE = "the answer would take about 9.0 s and the request allows 4.5 s; retry later or allow more time"


@pytest.fixture
def site(models: Models, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> Site:
    """It is always behind, and its engine busy for 9 seconds."""
    monkeypatch.setattr(Shedder, "behind_until", math.inf)
    engine.wait_s = 9.0
    return Site(models, ServeSettings())


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("/v1/translate", BODY, 503, {"error": {"code": "overloaded", "message": MESSAGE}}),
        ("/v2/translate", DEEPL, 429, {"message": MESSAGE}),
        ("/translate", LIBRE, 429, {"error": MESSAGE}),
    ],
)
def test_it_refuses_in_each_dialect(
    site: Site, engine: FakeEngine, path: str, body: dict[str, Any], status: int, says: dict[str, Any]
) -> None:
    answer = site.ask("POST", path, json=body)
    assert (answer.status_code, answer.json()) == (status, says)
    assert answer.headers["Retry-After"] == "8"
    assert answer.headers["X-Request-ID"]
    assert ("Access-Control-Allow-Origin" in answer.headers) == (path == "/translate")
    assert not engine.sources
    metrics = site.ask("GET", "/metrics").text
    assert f'ferry_requests_total{{route="{path}",status="{status}"}} 1.0' in metrics
    assert 'ferry_refusals_total{code="overloaded"} 1.0' in metrics


@pytest.mark.parametrize(
    ("method", "path", "asked"),
    [
        ("POST", "/v1/translate", {"json": BODY, "headers": {"Prefer": "wait=30"}}),
        ("POST", "/v1/translate", {"json": {**BODY, "text": "Der Hund. " * 300}}),
        ("GET", "/translate?q=Hund&source=de&target=en", {}),
        ("GET", "/health/ready", {}),
    ],
    ids=["more time asked for", "more time for its length", "a browser", "a probe"],
)
def test_what_may_have_more_time_is_read(site: Site, method: str, path: str, asked: dict[str, Any]) -> None:
    assert site.ask(method, path, **asked).status_code == 200


@pytest.mark.parametrize("wait_s", [None, 0.0, 1.7])
def test_what_will_be_in_time_is_read(site: Site, engine: FakeEngine, wait_s: float | None) -> None:
    engine.wait_s = wait_s
    assert site.post(BODY).status_code == 200


def test_a_loop_that_keeps_up_reads_all(models: Models, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.web.shedding.LOOK_EVERY_S", 3600.0)  # on a busy machine this one may well be late
    engine.wait_s = 9.0
    assert Site(models, replace(SETTINGS, deadline_s=20.0)).post(BODY).status_code == 200


def test_a_page_of_another_origin_gets_an_answer_it_may_read(site: Site, models: Models) -> None:
    site = Site(models, replace(ServeSettings(), cors_origins="https://example.org"))
    answer = site.ask("POST", "/v1/translate", json=BODY, headers={"Origin": "https://example.org"})
    assert answer.headers["Access-Control-Allow-Origin"] == "https://example.org"
    assert site.post(BODY).status_code == 503


def test_without_a_key_the_key_is_what_is_missing(site: Site, models: Models, tmp_path: Path) -> None:
    keys = write_keys(tmp_path / "keys.toml")
    answer = Site(models, replace(SETTINGS, api_keys=keys)).post(BODY)
    assert answer.json()["error"]["code"] == "key_required"


def test_it_notices_that_the_loop_is_late(models: Models, tmp_path: Path) -> None:
    settings = ServeSettings()
    shedder = Shedder(Translator(models, settings.limits), Access(None, tmp_path, None), settings, ())

    async def run() -> None:
        async with shedder.watching():
            await asyncio.sleep(LOOK_EVERY_S / 2)
            time.sleep(LOOK_EVERY_S + 0.2)  # that is what is wrong with it
            while shedder.behind_until < time.monotonic():
                await asyncio.sleep(LOOK_EVERY_S / 2)

    assert shedder.behind_until == -math.inf
    asyncio.run(asyncio.wait_for(run(), 60))
