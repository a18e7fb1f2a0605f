"""Pages of other origins."""

from tests.server.dialects.libre.conftest import translate
from tests.server.test_app import Site


def test_browsers_of_any_origin_may_ask(site: Site) -> None:
    before = site.ask("OPTIONS", "/translate", headers={"Origin": "https://a.example"})
    assert before.status_code == 204
    assert before.headers["access-control-allow-methods"] == "GET, POST"
    assert "Content-Type" in before.headers["access-control-allow-headers"]
    for answer in (before, translate(site), translate(site, target="tlh"), site.ask("GET", "/languages")):
        assert answer.headers["access-control-allow-origin"] == "*"
