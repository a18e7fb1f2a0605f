"""One test for each row of the dialect's error table."""

import pytest

from server import errors
from server.errors import FerryError
from server.models.models import Models
from tests.server.conftest import MakeModel
from tests.server.dialects.plugins.conftest import IMME, ask, refused
from tests.server.fakes import FakeEngine
from tests.server.test_app import Site

# Those with another status than their own.
STATUSES = {
    "KeyRequiredError": 401,
    "UnknownKeyError": 401,
    "QueueFullError": 429,
    "StoreFullError": 429,
    "DeadlineExceededError": 429,
}
ALL_ERRORS = [
    error
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, FerryError) and error is not FerryError
]


@pytest.mark.parametrize("error", ALL_ERRORS, ids=lambda error: error.__name__)
def test_each_error_has_its_status(make_model: MakeModel, error: type[FerryError]) -> None:
    answer = ask(Site(Models((make_model(FakeEngine(refusal=error("says this"))),))), "/imme", IMME)
    refused(answer, STATUSES.get(error.__name__, error.status), "says this")
    assert ("retry-after" in answer.headers) == (answer.status_code == 429)
