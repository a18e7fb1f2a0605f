"""One idle server that says what is right, and is there for whoever does not end it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.rig import BUNDLE, Hooks, Key, Server

# How long a client may be silent; the default is half a minute.
CLIENT_TIMEOUT_S = 2.0


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if not BUNDLE.is_dir():
        pytest.skip("there is no model")
    with Server(tmp_path_factory.mktemp("data"), f"--client-timeout-s={CLIENT_TIMEOUT_S}", "--cache-bytes=0") as server:
        yield server


@pytest.fixture(scope="session")
def key(shared: Server) -> Key:
    return Key(shared.url)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def hooks(tmp_path: Path) -> Hooks:
    return Hooks(tmp_path)
