"""Codes of languages as clients write them, and the lists of them."""

from typing import Any

import pytest

from server.models.models import Models
from tests.server.conftest import MakeModel
from tests.server.dialects.deepl.conftest import MakeSite, refused, translate
from tests.server.fakes import DE, EN, FakeEngine
from tests.server.test_app import Site


@pytest.mark.parametrize("target", ["EN", "en", "EN-US", "en-gb", "EN-GB"])
def test_every_way_to_write_english(site: Site, engine: FakeEngine, target: str) -> None:
    assert translate(site, text="Der Hund.", target_lang=target).status_code == 200
    assert engine.sources[0][0] == EN


def test_a_region_that_is_served_goes_before_its_language(make_site: MakeSite, make_model: MakeModel) -> None:
    engine = FakeEngine()
    site = make_site(Models((make_model(engine, pairs=(("de", "pt", EN), ("de", "pt-br", DE))),)))
    for target in ("PT-BR", "PT-PT"):
        translate(site, text="Der Hund.", target_lang=target)
    assert [each[0] for each in engine.sources] == [DE, EN]


def test_a_region_that_is_served_is_listed_once(make_site: MakeSite, make_model: MakeModel) -> None:
    site = make_site(Models((make_model(FakeEngine(), pairs=(("de", "pt", EN), ("de", "pt-br", DE))),)))
    listed = [each["language"] for each in site.ask("GET", "/v2/languages?type=target").json()]
    assert listed == ["PT-BR", "PT-PT"]


def test_chinese_without_a_script_is_the_simplified(make_site: MakeSite, make_model: MakeModel) -> None:
    site = make_site(Models((make_model(FakeEngine(), pairs=(("de", "zh-hans", EN),)),)))
    assert translate(site, text="Der Hund.", target_lang="ZH").status_code == 200
    refused(translate(site, text="Der Hund.", target_lang="ZH-HANT"), 400, "'target_lang' not supported")


def test_source_languages(site: Site) -> None:
    expected = [{"language": "DE", "name": "German"}, {"language": "EN", "name": "English"}]
    assert site.ask("GET", "/v2/languages").json() == expected
    assert site.ask("GET", "/v2/languages?type=source").json() == expected


@pytest.mark.parametrize(
    "asked",
    [
        {"method": "GET", "path": "/v2/languages?type=target"},
        {"method": "GET", "path": "/v2/languages", "data": {"type": "target"}},
        {"method": "POST", "path": "/v2/languages", "json": {"type": "target"}},
        {"method": "POST", "path": "/v2/languages", "data": {"type": "target"}},
    ],
)
def test_target_languages(site: Site, asked: dict[str, Any]) -> None:
    assert site.ask(**asked).json() == [
        {"language": "DE", "name": "German", "supports_formality": False},
        {"language": "EN-GB", "name": "English (British)", "supports_formality": False},
        {"language": "EN-US", "name": "English (American)", "supports_formality": False},
    ]


def test_every_listed_language_is_served(site: Site) -> None:
    targets = [each["language"] for each in site.ask("GET", "/v2/languages?type=target").json()]
    for target in targets:
        source = "EN" if target == "DE" else "DE"
        assert translate(site, text="a", source_lang=source, target_lang=target).status_code == 200


def test_a_kind_of_languages_that_does_not_exist(site: Site) -> None:
    refused(site.ask("GET", "/v2/languages?type=both"), 400, "'type' is invalid")


def test_languages_of_a_resource(site: Site) -> None:
    listed = site.ask("GET", "/v3/languages?resource=translate_text").json()
    roles = {each["lang"]: (each["usable_as_source"], each["usable_as_target"]) for each in listed}
    assert roles == {"de": (True, True), "en": (True, True), "en-GB": (False, True), "en-US": (False, True)}
    features = {each["lang"]: set(each["features"]) for each in listed}
    assert features["de"] == {"tag_handling", "glossary", "auto_detection"}
    assert features["en-GB"] == {"tag_handling", "glossary"}, "nothing is detected as a target"
    assert {each["name"] for each in listed} == {"German", "English", "English (British)", "English (American)"}


def test_every_language_of_a_resource_is_served(site: Site) -> None:
    for each in site.ask("GET", "/v3/languages?resource=translate_text").json():
        other = "en" if each["lang"] == "de" else "de"
        if each["usable_as_target"]:
            assert translate(site, text="a", source_lang=other, target_lang=each["lang"]).status_code == 200
        if each["usable_as_source"]:
            assert translate(site, text="a", source_lang=each["lang"], target_lang=other).status_code == 200


def test_the_languages_of_dictionaries_have_no_regions(site: Site) -> None:
    listed = site.ask("GET", "/v3/languages?resource=glossary").json()
    assert [each["lang"] for each in listed] == ["de", "en"]


def test_every_resource_that_is_listed_has_languages_with_its_features(site: Site) -> None:
    resources = site.ask("GET", "/v3/languages/resources").json()
    assert [each["name"] for each in resources] == ["translate_text", "translate_document", "glossary"]
    for resource in resources:
        listed = site.ask("GET", f"/v3/languages?resource={resource['name']}").json()
        found = {name for each in listed for name in each["features"]}
        assert found == {feature["name"] for feature in resource["features"]}


@pytest.mark.parametrize(
    ("query", "said"),
    [("", "'resource' is missing"), ("?resource=voice", "not served here"), ("?resource=tea", "'resource' is invalid")],
)
def test_a_resource_that_there_is_not(site: Site, query: str, said: str) -> None:
    refused(site.ask("GET", "/v3/languages" + query), 400, said)
