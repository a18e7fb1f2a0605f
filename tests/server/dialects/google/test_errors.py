"""One test for each row of the dialect's error table."""

import pytest

from server import errors
from server.errors import FerryError
from server.models.models import Models
from tests.server.conftest import MakeModel
from tests.server.dialects.google.conftest import refused, translate
from tests.server.fakes import FakeEngine
from tests.server.test_app import Site

ANSWERS = {
    "KeyRequiredError": (403, "PERMISSION_DENIED", "forbidden"),
    "UnknownKeyError": (400, "INVALID_ARGUMENT", "badRequest"),
    "QuotaExceededError": (403, "PERMISSION_DENIED", "dailyLimitExceeded"),
    "RateLimitedError": (429, "RESOURCE_EXHAUSTED", "rateLimitExceeded"),
    "QueueFullError": (429, "RESOURCE_EXHAUSTED", "rateLimitExceeded"),
    "StoreFullError": (429, "RESOURCE_EXHAUSTED", "rateLimitExceeded"),
    "DeadlineExceededError": (504, "DEADLINE_EXCEEDED", "backendError"),
    "InvalidRequestError": (400, "INVALID_ARGUMENT", "invalid"),
    "UnsupportedPairError": (400, "INVALID_ARGUMENT", "invalid"),
    "InvalidDocumentError": (400, "INVALID_ARGUMENT", "invalid"),
    "RequestTooLargeError": (400, "INVALID_ARGUMENT", "invalid"),
    "RequestTimeoutError": (408, "CANCELLED", "badRequest"),
    "EngineStoppedError": (503, "UNAVAILABLE", "backendError"),
    "DocumentNotReadyError": (503, "UNAVAILABLE", "backendError"),
    "StorageError": (503, "UNAVAILABLE", "backendError"),
    "BundleError": (500, "INTERNAL", "backendError"),
    "SettingsError": (500, "INTERNAL", "backendError"),
    "DocumentNotFoundError": (404, "NOT_FOUND", "notFound"),
    "PathNotFoundError": (404, "NOT_FOUND", "notFound"),
    "GlossaryNotFoundError": (404, "NOT_FOUND", "notFound"),
    "FileNotThereError": (404, "NOT_FOUND", "notFound"),
    "MethodNotAllowedError": (405, "UNIMPLEMENTED", "httpMethodNotAllowed"),
}
ALL_ERRORS = [
    error
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, FerryError) and error is not FerryError
]


@pytest.mark.parametrize("error", ALL_ERRORS, ids=lambda error: error.__name__)
def test_each_error_has_its_answer(make_model: MakeModel, error: type[FerryError]) -> None:
    answer = translate(Site(Models((make_model(FakeEngine(refusal=error("says this"))),))))
    status, name, reason = ANSWERS[error.__name__]
    refused(answer, status, "says this", reason)
    assert answer.json()["error"]["status"] == name
    assert ("retry-after" in answer.headers) == (status in (429, 504))


def test_unknown_paths_answer_in_this_dialect(site: Site) -> None:
    refused(site.ask("GET", "/language/translate/v3"), 404, "GET / lists", "notFound")
    refused(site.ask("PUT", "/language/translate/v2"), 405, "PUT", "httpMethodNotAllowed")
