"""One test for each row of the dialect's error table."""

from typing import Any

import pytest

from server import errors
from server.errors import EngineStoppedError, FerryError
from server.models.models import Models
from tests.server.conftest import MakeModel
from tests.server.dialects.deepl.conftest import MakeSite, refused, translate
from tests.server.dialects.deepl.test_routes import GLOSSARY
from tests.server.fakes import FakeEngine
from tests.server.test_app import Site


def test_which_entry_is_wrong_is_a_detail(site: Site) -> None:
    body = refused(site.ask("POST", "/v2/glossaries", json={**GLOSSARY, "entries": "a"}), 400)
    assert body == {
        "message": "Invalid glossary entries provided",
        "detail": "Entry 1 must have a source and a target term.",
    }


ENGINE_ERRORS = [
    error
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, FerryError) and error is not FerryError
]


@pytest.mark.parametrize("error", ENGINE_ERRORS, ids=lambda error: error.__name__)
def test_each_error_has_its_status(make_site: MakeSite, make_model: MakeModel, error: type[FerryError]) -> None:
    site = make_site(Models((make_model(FakeEngine(refusal=error("says this"))),)))
    answer = translate(site, text="Der Hund.")
    statuses = {
        "QueueFullError": 429,
        "StoreFullError": 429,
        "DeadlineExceededError": 429,
        "KeyRequiredError": 403,
        "QuotaExceededError": 456,
    }
    refused(answer, statuses.get(error.__name__, error.status), "says this")
    assert ("retry-after" in answer.headers) == (answer.status_code == 429)
    assert site.ask("GET", "/v2/usage").json()["character_count"] == 0
    assert f'ferry_refusals_total{{code="{error.code}"}} 1.0' in site.ask("GET", "/metrics").text


def test_a_text_in_the_language_that_is_asked_for_stays_as_it_is(site: Site) -> None:
    answer = translate(site, text="Der Hund.", source_lang="DE", target_lang="DE")
    assert answer.status_code == 200
    assert answer.json()["translations"][0]["text"] == "Der Hund."


def test_a_full_queue_says_when_to_come_back(make_site: MakeSite, make_model: MakeModel) -> None:
    site = make_site(Models((make_model(FakeEngine(hold=True, capacity=1)),)))
    answer = translate(site, text="Eins. Zwei.")
    refused(answer, 429)
    assert answer.headers["retry-after"] == "3"


def test_a_server_that_is_not_ready_is_503(make_site: MakeSite, make_model: MakeModel) -> None:
    site = make_site(Models((make_model(FakeEngine(refusal=EngineStoppedError("gone"))),)))
    refused(translate(site, text="Der Hund."), 503, "gone")


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"text": "a", "target_lang": "XX"}, 400, "'target_lang' not supported; there are: EN, DE."),
        ({"text": "a", "source_lang": "XX"}, 400, "'source_lang' not supported; there are: DE, EN."),
        ({"text": ["a"] * 51}, 400, "51 texts"),
        ({"text": "a", "formality": "more"}, 400, "'formality'"),
        ({"text": "a" * 100_001}, 413, "100001 characters"),
    ],
)
def test_requests_that_are_refused(site: Site, body: dict[str, Any], status: int, says: str) -> None:
    refused(translate(site, **body), status, says)


def test_what_only_we_can_break_is_told_without_details(
    site: Site, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    text = "Der Hund."

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError(text)

    monkeypatch.setattr(engine, "submit", broken)
    body = refused(translate(site, text=text), 500, "its log says where")
    assert "Hund" not in body["message"] + caplog.text
    assert "RuntimeError" in caplog.text
