"""One test for each row of the dialect's error table."""

import re
from dataclasses import replace
from typing import Any

import pytest

from server import errors
from server.errors import FerryError, QueueFullError
from server.models.models import Models
from tests.server.conftest import MakeModel
from tests.server.dialects.libre.conftest import BODY, refused, translate
from tests.server.fakes import FakeEngine
from tests.server.test_app import SETTINGS, Site

STATUSES = {
    "KeyRequiredError": 400,
    "UnknownKeyError": 403,
    "QuotaExceededError": 403,
    "RateLimitedError": 429,
    "QueueFullError": 429,
    "DeadlineExceededError": 429,
    "InvalidRequestError": 400,
    "UnsupportedPairError": 400,
    "RequestTooLargeError": 400,
    "RequestTimeoutError": 408,
    "EngineStoppedError": 503,
    "BundleError": 500,
    "SettingsError": 500,
    "InvalidDocumentError": 400,
    "DocumentNotFoundError": 404,
    "DocumentNotReadyError": 503,
    "StoreFullError": 429,
    "PathNotFoundError": 404,
    "MethodNotAllowedError": 405,
    "StorageError": 503,
    "GlossaryNotFoundError": 404,
    "FileNotThereError": 404,
}
ALL_ERRORS = [
    error
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, FerryError) and error is not FerryError
]


@pytest.mark.parametrize("error", ALL_ERRORS, ids=lambda error: error.__name__)
def test_each_error_has_its_status(make_model: MakeModel, error: type[FerryError]) -> None:
    answer = translate(Site(Models((make_model(FakeEngine(refusal=error("says this"))),))))
    refused(answer, STATUSES[error.__name__], "says this")
    assert ("retry-after" in answer.headers) == (answer.status_code == 429)


def test_a_full_queue_says_when_to_come_back(make_model: MakeModel) -> None:
    refusal = QueueFullError("full", retry_after_s=2.5)
    assert translate(Site(Models((make_model(FakeEngine(refusal=refusal)),)))).headers["retry-after"] == "3"


def test_the_deadline(make_model: MakeModel) -> None:
    for seconds in (0.02, 0.2, 2.0, 20.0):  # on a busy machine it may pass before the engine is asked
        engine = FakeEngine(hold=True)
        site = Site(Models((make_model(engine),)), replace(SETTINGS, deadline_s=seconds))
        refused(translate(site), 429, "deadline")
        if engine.futures:
            break
    assert engine.futures[0].cancelled()


def test_what_only_we_can_break_is_told_without_details(
    models: Models, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError(BODY["q"])

    monkeypatch.setattr(engine, "submit", broken)
    answer = translate(Site(models), api_key="the-key")
    refused(answer, 500, "The server failed")
    assert "RuntimeError" in caplog.text
    assert not re.search("Hund|the-key", answer.text + caplog.text)
