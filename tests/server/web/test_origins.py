"""Pages of other origins."""

import pytest

from server.models.models import Models
from tests.server.test_app import Site

BODY = {"q": "Der Hund.", "source": "de", "target": "en", "texts": ["Der Hund."], "to": "en"}


@pytest.mark.parametrize(
    ("path", "listing"),
    [
        ("/translate", "/languages"),
        ("/language/translate/v2", "/language/translate/v2/languages"),
        ("/translate/batch", "/version"),
    ],
)
def test_browsers_of_any_origin_may_ask(models: Models, path: str, listing: str) -> None:
    site = Site(models)
    before = site.ask("OPTIONS", path, headers={"Origin": "https://a.example"})
    assert before.status_code == 204
    assert before.headers["access-control-allow-methods"] == "GET, POST"
    assert "Content-Type" in before.headers["access-control-allow-headers"]
    wrong = site.ask("POST", path, json={**BODY, "target": "tlh", "to": "tlh"})
    assert wrong.status_code == 400
    for answer in (before, site.ask("POST", path, json=BODY), wrong, site.ask("GET", listing)):
        assert answer.headers["access-control-allow-origin"] == "*"
