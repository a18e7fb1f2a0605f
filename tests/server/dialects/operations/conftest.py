"""The application over the fake engine."""

import pytest

from server.models.models import Models
from tests.server.test_app import Site


@pytest.fixture
def site(models: Models) -> Site:
    return Site(models)
