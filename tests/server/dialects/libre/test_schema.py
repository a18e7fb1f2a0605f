"""Requests for translations that are refused."""

from typing import Any

import pytest

from server.models.models import Models
from tests.server.conftest import MakeModel
from tests.server.dialects.libre.conftest import refused, translate
from tests.server.fakes import DE, EN, FakeEngine
from tests.server.test_app import Site


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"q": None}, "Invalid request: missing q parameter"),
        ({"source": None}, "Invalid request: missing source parameter"),
        ({"target": ""}, "Invalid request: missing target parameter"),
        ({"q": 1}, "q parameter must be a string"),
        ({"q": ["a", 1]}, "q parameter must be a string or a list"),
        ({"source": ["de"]}, "source parameter must be a string"),
        ({"source": "xx"}, "xx is not supported"),
        ({"target": "y" * 99}, "y" * 17 + "... is not supported"),
        ({"format": "pdf"}, "format parameter must be one of: text, html"),
        ({"format": ["html"]}, "format parameter must be one of: text, html"),
        ({"alternatives": 8}, "alternatives parameter must be <= 7"),
        ({"alternatives": -1}, "alternatives parameter must be a whole number"),
        ({"alternatives": "two"}, "alternatives parameter must be a whole number"),
        ({"alternatives": True}, "alternatives parameter must be a whole number"),
        ({"alternatives": 10**30}, "alternatives parameter must be <= 7"),
        ({"alternatives": "9" * 30}, "alternatives parameter must be a whole number"),
        ({"q": "a" * 501}, "Invalid request: request (501) exceeds text limit (500)"),
        ({"q": ["a"] * 4}, "Invalid request: request (4) exceeds batch limit (3)"),
        ({"q": "a" * 3000}, "2048 bytes"),
    ],
)
@pytest.mark.parametrize("source", ["de", "auto"])
def test_requests_that_are_wrong(site: Site, body: dict[str, Any], says: str, source: str) -> None:
    refused(translate(site, **{"source": source, **body}), 400, says)


def test_a_pair_that_nobody_translates(make_model: MakeModel) -> None:
    site = Site(Models((make_model(FakeEngine(), pairs=(("de", "en", EN), ("fr", "de", DE))),)))
    refused(translate(site, source="fr", target="en"), 400, "No loaded model translates from 'fr' to 'en'")
