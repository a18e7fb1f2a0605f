"""How long a request may take."""

import time
from dataclasses import replace

import pytest

from server.models.models import Models
from server.web.callers import preferred_wait
from tests.server.fakes import FakeEngine
from tests.server.test_app import BODY, SETTINGS, Site


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([], None),
        (["wait=2"], 2.0),
        (["respond-async, wait=10"], 10.0),
        (["respond-async; wait = 0.25"], 0.25),
        (["handling=lenient", "WAIT=3"], 3.0),
        (['wait="7"'], 7.0),
        (["wait=2, wait=9"], 2.0),
        (["wait=soon"], None),
        (["wait=-1"], None),
        (["await=1"], None),
        (["wait=9999999999999999999999"], None),
    ],
)
def test_what_the_caller_prefers(headers: list[str], seconds: float | None) -> None:
    assert preferred_wait(headers) == seconds


def allowed(models: Models, engine: FakeEngine, text: str, **headers: str) -> float:
    """The seconds that the engine is given."""
    settings = replace(
        SETTINGS, deadline_s=400.0, max_deadline_s=2000.0, max_text_chars=100_000, max_body_bytes=1 << 20
    )
    before = time.monotonic()
    answer = Site(models, settings).ask("POST", "/v1/translate", json={**BODY, "text": text}, headers=headers)
    assert answer.status_code == 200
    deadline = engine.deadlines[-1]
    assert deadline is not None
    return deadline - before


def test_a_long_request_gets_more_time_but_not_without_end(models: Models, engine: FakeEngine) -> None:
    assert 400 <= allowed(models, engine, "Der Hund.") < 500
    assert 800 <= allowed(models, engine, "Der Hund. " * 400) < 900
    assert 2000 <= allowed(models, engine, "Der Hund. " * 2200) < 2100


def test_a_caller_may_ask_for_less_or_more(models: Models, engine: FakeEngine) -> None:
    assert 100 <= allowed(models, engine, "Der Hund.", Prefer="wait=100") < 200
    assert 1000 <= allowed(models, engine, "Der Hund.", Prefer="wait=1000") < 1100
    assert 2000 <= allowed(models, engine, "Der Hund.", Prefer="wait=5000") < 2100
