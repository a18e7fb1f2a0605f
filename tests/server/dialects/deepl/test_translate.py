"""Texts, a glossary's entries and the deadline on their way to the translator."""

from typing import Any

import pytest

from server.dialects.deepl import routes
from server.dialects.deepl import translate as translate_module
from server.dialects.deepl.translate import MAX_DEADLINE_S, translate_texts
from server.models.models import Models
from tests.server.conftest import MakeModel
from tests.server.dialects.deepl.conftest import MakeSite, refused, translate
from tests.server.dialects.deepl.test_routes import UNKNOWN, create
from tests.server.fakes import EN, FakeEngine
from tests.server.test_app import Site


def test_translating_with_a_glossary(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    async def spy(translator: Any, asked: Any, source: Any, target: Any, entries: Any, *others: Any) -> Any:
        seen.append((source, target, dict(entries)))
        return await translate_texts(translator, asked, source, target, entries, *others)

    monkeypatch.setattr(routes, "translate_texts", spy)
    first, second = create(site), create(site, entries="Hund\thound\nBaum\ttree")
    answer = translate(site, text="Der Hund.", target_lang="EN-GB", glossary_id=first["glossary_id"])
    assert answer.json()["translations"][0]["text"] == "Der dog.", "the term as it was given"
    translate(site, text="Der Hund.", glossary_ids=[first["glossary_id"], second["glossary_id"]])
    translate(site, text="Der Hund.")
    assert seen == [
        ("de", "en", {"Hund": "dog", "Haus": "house"}),
        ("de", "en", {"Hund": "dog", "Haus": "house", "Baum": "tree"}),
        ("de", "en", {}),
    ]


def test_a_glossary_must_fit_the_request(site: Site) -> None:
    created = create(site)
    refused(translate(site, text="a", glossary_id=UNKNOWN), 404, "no glossary")
    refused(translate(site, text="a", glossary_id="../x"), 400, "Invalid glossary id")
    asked = {"text": "a", "glossary_id": created["glossary_id"]}
    refused(translate(site, **asked, source_lang="EN", target_lang="DE"), 400, "it is de-en")
    refused(translate(site, **asked, source_lang=None), 400, "'source_lang'")


def test_a_glossary_of_another_source_does_not_fit(make_site: MakeSite, make_model: MakeModel) -> None:
    site = make_site(Models((make_model(FakeEngine(), pairs=(("de", "en", EN), ("fr", "en", EN))),)))
    created = create(site)
    refused(translate(site, text="a", source_lang="FR", glossary_id=created["glossary_id"]), 400, "it is de-en")


def test_the_deadline_is_before_the_official_client_gives_up(
    make_site: MakeSite, make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MAX_DEADLINE_S < 10
    for seconds in (0.02, 0.2, 2.0, 20.0):  # on a busy machine it may pass before the engine is asked
        monkeypatch.setattr(translate_module, "MAX_DEADLINE_S", seconds)
        engine = FakeEngine(hold=True)
        answer = translate(make_site(Models((make_model(engine),)), deadline_s=3600.0), text="Der Hund.")
        refused(answer, 429, "deadline")
        assert answer.headers["retry-after"] == "1"
        if engine.futures:
            break
    assert engine.futures[0].cancelled()


def test_the_servers_own_deadline_counts_too(make_site: MakeSite, make_model: MakeModel) -> None:
    site = make_site(Models((make_model(FakeEngine(hold=True)),)), deadline_s=0.02)
    refused(translate(site, text="Der Hund."), 429, "deadline")
