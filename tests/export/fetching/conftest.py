"""A service, and pauses that take no time."""

import time
from collections.abc import Iterator

import pytest

from tests.export.fetching.services import Service, running


@pytest.fixture
def service() -> Iterator[Service]:
    with running() as service:
        yield service


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that would have been."""
    found: list[float] = []
    monkeypatch.setattr(time, "sleep", found.append)
    return found
