"""One test for each row of the error table, as our own API tells it."""

from typing import Any

import pytest

from server import errors
from server.errors import EngineStoppedError, FerryError, QueueFullError, RateLimitedError
from server.models.models import Models
from tests.server.conftest import MakeModel
from tests.server.fakes import FakeEngine
from tests.server.test_app import BODY, Site, refused

ENGINE_ERRORS = [
    error
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, FerryError) and error is not FerryError
]


@pytest.mark.parametrize("error", ENGINE_ERRORS, ids=lambda error: error.__name__)
def test_each_error_has_its_status_and_code(make_model: MakeModel, error: type[FerryError]) -> None:
    site = Site(Models((make_model(FakeEngine(refusal=error("says this"))),)))
    answer = site.post(BODY)
    refused(answer, error.status, error.code, "says this")
    tells_when = issubclass(error, QueueFullError | RateLimitedError | EngineStoppedError)
    assert ("retry-after" in answer.headers) == tells_when


def test_a_full_queue_says_when_to_come_back(make_model: MakeModel) -> None:
    site = Site(Models((make_model(FakeEngine(hold=True, capacity=1)),)))
    answer = site.post({**BODY, "text": "Eins. Zwei."})
    refused(answer, 503, "overloaded")
    assert answer.headers["retry-after"] == "3"


def test_what_only_we_can_break_is_told_without_details(
    models: Models, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError(BODY["text"])

    monkeypatch.setattr(engine, "submit", broken)
    detail = refused(Site(models).post(BODY), 500, "internal")
    assert "Hund" not in detail["message"] + caplog.text
    assert "RuntimeError" in caplog.text
