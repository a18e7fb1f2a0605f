"""A key wherever a plug-in puts it."""

from pathlib import Path
from typing import Any

import pytest

from server.access.keys import hash_key
from server.models.models import Models
from server.settings import ServeSettings
from tests.server.dialects.plugins.conftest import IMME, SINGLE, refused
from tests.server.fakes import FakeEngine
from tests.server.test_app import Site


@pytest.fixture
def site(models: Models, tmp_path: Path) -> Site:
    (tmp_path / "keys.toml").write_text(f'[[keys]]\nname = "a"\nsha256 = "{hash_key("k")}"\n')
    return Site(models, ServeSettings(api_keys=tmp_path / "keys.toml", data=tmp_path / "data"))


@pytest.mark.parametrize(
    "sent",
    [
        {"params": {"token": "k"}},
        {"params": {"api_token": "k"}},
        {"headers": {"KEY": "k"}},
        {"headers": {"X-API-Token": "k"}},
        {"headers": {"Authorization": "k"}},
        {"headers": {"Authorization": "Bearer k"}},
    ],
)
@pytest.mark.parametrize(("path", "body"), [("/imme", IMME), ("/kiss", SINGLE), ("/translate", SINGLE)])
def test_a_key(site: Site, engine: FakeEngine, path: str, body: dict[str, Any], sent: dict[str, Any]) -> None:
    assert site.ask("POST", path, json=body, **sent).status_code == 200
    assert engine.callers[-1].name == "a"


@pytest.mark.parametrize("sent", [{}, {"params": {"token": "no"}}, {"headers": {"Authorization": "no"}}])
@pytest.mark.parametrize(("path", "body"), [("/imme", IMME), ("/kiss", SINGLE), ("/translate", SINGLE)])
def test_no_key_and_a_wrong_one(site: Site, path: str, body: dict[str, Any], sent: dict[str, Any]) -> None:
    refused(site.ask("POST", path, json=body, **sent), 401, "API key")


def test_what_needs_none(site: Site) -> None:
    for path in ("/version", "/__heartbeat__", "/__lbheartbeat__"):
        assert site.ask("GET", path).status_code == 200
