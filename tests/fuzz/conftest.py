"""One running application for all cases, over the fake engine."""

from collections.abc import Iterator

import pytest

from server.models.models import Models
from server.text.tokenizer import Tokenizer
from tests.fuzz.amount import tried
from tests.fuzz.door import Door
from tests.server.conftest import tiny_model, tokenizer, tokenizer_file
from tests.server.fakes import FakeEngine

__all__ = ["tokenizer", "tokenizer_file"]  # the session's fixtures


@pytest.fixture(scope="session")
def models(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Models:
    return Models((tiny_model(FakeEngine(), tokenizer, tmp_path_factory.mktemp("bundle")),))


@pytest.fixture(scope="module")
def door(models: Models, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with Door(models, tmp_path_factory.mktemp("door")).open() as door:
        yield door
        door.check_folders()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How much was tried."""
    if tried:
        terminalreporter.write_line(f"fuzz: {sum(tried.values())} cases in {len(tried)} tests")
