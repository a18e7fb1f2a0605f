"""Health, over an engine that fails."""

from tests.server.fakes import FakeEngine
from tests.server.test_app import Site, refused


def test_health(site: Site, engine: FakeEngine) -> None:
    assert site.ask("GET", "/health/live").status_code == 200
    assert site.ask("GET", "/health/ready").status_code == 200
    engine.failed = True
    assert site.ask("GET", "/health/live").status_code == 200
    refused(site.ask("GET", "/health/ready"), 503, "unavailable")
