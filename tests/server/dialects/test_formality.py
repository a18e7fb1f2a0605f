"""Forms of address, where the model of a direction knows them: German does, English has none."""

from dataclasses import replace
from typing import Any

import httpx
import pytest

from server.bundle import Bundle, Formality
from server.models.models import Model, Models
from server.settings import ServeSettings
from tests.server.conftest import MakeModel
from tests.server.fakes import DE, EN, FakeEngine
from tests.server.test_app import Site

MORE, LESS = (DE, 2), (DE, 1)
PLAIN = (DE,)


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def site(make_model: MakeModel, engine: FakeEngine) -> Site:
    model: Model = make_model(engine)
    manifest = model.manifest
    formality = Formality(more=MORE, less=LESS)
    pairs = tuple(replace(pair, formality=formality if pair.target == "de" else None) for pair in manifest.pairs)
    bundle = Bundle(model.bundle.path, replace(manifest, pairs=pairs))
    return Site(Models((Model(bundle, model.tokenizer, engine),)), ServeSettings(deadline_s=120.0))


def native(site: Site, source: str, target: str, **more: Any) -> httpx.Response:
    return site.post({"text": "you see the dog", "source": source, "target": target, **more})


def deepl(site: Site, source: str, target: str, **more: Any) -> httpx.Response:
    body = {"text": "you see the dog", "source_lang": source, "target_lang": target, **more}
    return site.ask("POST", "/v2/translate", json=body)


@pytest.mark.parametrize("ask", [native, deepl])
@pytest.mark.parametrize(
    ("formality", "prefix"),
    [("default", PLAIN), ("more", MORE), ("prefer_more", MORE), ("less", LESS), ("prefer_less", LESS)],
)
def test_a_form_goes_before_the_source(
    site: Site, engine: FakeEngine, ask: Any, formality: str, prefix: tuple[int, ...]
) -> None:
    answer = ask(site, "en", "de", formality=formality)
    assert answer.status_code == 200, answer.text
    assert engine.sources[-1][: len(prefix)] == prefix
    plain = ask(site, "en", "de")
    assert engine.sources[-1][len(PLAIN) :] == engine.sources[0][len(prefix) :]
    assert answer.json().keys() == plain.json().keys()


@pytest.mark.parametrize("formality", ["prefer_more", "prefer_less"])
@pytest.mark.parametrize("ask", [native, deepl])
def test_a_preference_for_what_a_language_does_not_have(
    site: Site, engine: FakeEngine, ask: Any, formality: str
) -> None:
    assert ask(site, "de", "en", formality=formality).status_code == 200
    assert engine.sources[-1][0] == EN


@pytest.mark.parametrize("formality", ["more", "less"])
def test_what_a_language_does_not_have(site: Site, engine: FakeEngine, formality: str) -> None:
    answer = native(site, "de", "en", formality=formality)
    assert answer.status_code == 400
    assert f"prefer_{formality} takes it where there is one" in answer.json()["error"]["message"]
    answer = deepl(site, "de", "en", formality=formality)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("'formality' is not supported for given 'target_lang'")
    assert not engine.sources


def test_a_form_that_there_is_not(site: Site) -> None:
    assert native(site, "en", "de", formality="rude").status_code == 400
    assert deepl(site, "en", "de", formality="rude").status_code == 400


def test_the_same_language_has_nothing_to_address(site: Site) -> None:
    answer = deepl(site, "de", "de", formality="more")
    assert answer.json()["translations"][0]["text"] == "you see the dog"


def test_a_source_that_is_detected(site: Site, engine: FakeEngine) -> None:
    body = {"text": "The weather is nice today and we are going out.", "target_lang": "DE", "formality": "more"}
    assert site.ask("POST", "/v2/translate", json=body).status_code == 200
    assert engine.sources[-1][:2] == MORE


def test_others_ignore_it(site: Site, engine: FakeEngine) -> None:
    body = {"q": "you see the dog", "source": "en", "target": "de", "formality": "more"}
    assert site.ask("POST", "/translate", json=body).status_code == 200
    assert engine.sources[-1][:1] == PLAIN
    assert engine.sources[-1][1] not in (1, 2)


def test_it_is_listed(site: Site) -> None:
    (model,) = site.ask("GET", "/v1/models").json()["models"]
    assert {pair["target"]: pair["formality"] for pair in model["pairs"]} == {"de": True, "en": False}
    targets = site.ask("GET", "/v2/languages?type=target").json()
    assert {each["language"]: each["supports_formality"] for each in targets} == {
        "DE": True,
        "EN-GB": False,
        "EN-US": False,
    }
    languages = site.ask("GET", "/v3/languages?resource=translate_text").json()
    assert [each["lang"] for each in languages if "formality" in each["features"]] == ["de"]
    resources = site.ask("GET", "/v3/languages/resources").json()
    formal = {each["name"] for each in resources if "formality" in {feature["name"] for feature in each["features"]}}
    assert formal == {"translate_text", "translate_document"}


def test_nothing_is_listed_that_no_model_has(make_model: MakeModel, engine: FakeEngine) -> None:
    site = Site(Models((make_model(engine),)), ServeSettings())
    resources = site.ask("GET", "/v3/languages/resources").json()
    assert "formality" not in {feature["name"] for each in resources for feature in each["features"]}
