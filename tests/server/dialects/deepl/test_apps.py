"""Requests as two applications send them, read in their sources: Mastodon's and Weblate's translation back ends."""

from tests.server.dialects.deepl.conftest import KEY
from tests.server.test_app import Site

# `form: {text: [a, b], source_lang: nil, …}` in http.rb: repeated names, and nil as a bare name.
MASTODON = "text=%3Cp%3EDer+Hund%3C%2Fp%3E&text=Das+Haus&source_lang&target_lang=en&tag_handling=html"
FORM = {**KEY, "Content-Type": "application/x-www-form-urlencoded"}


def test_mastodon_translates(site: Site) -> None:
    answer = site.ask("POST", "/v2/translate", content=MASTODON, headers=FORM)
    assert answer.status_code == 200, answer.text
    found = answer.json()["translations"]
    assert len(found) == 2
    assert found[1]["text"] == "Das Haus"
    assert all(each["detected_source_language"].lower() in ("de", "en") for each in found)


def test_mastodon_asks_for_languages(site: Site) -> None:
    listed = {
        kind: [each["language"] for each in site.ask("GET", f"/v2/languages?type={kind}", headers=KEY).json()]
        for kind in ("source", "target")
    }
    assert listed == {"source": ["DE", "EN"], "target": ["DE", "EN-GB", "EN-US"]}


def test_weblate_translates(site: Site) -> None:
    body = {
        "text": ['Hallo <x id="7"></x>!', "Das Haus"],
        "source_lang": "DE",
        "target_lang": "EN",
        "formality": "default",
        "tag_handling": "xml",
        "ignore_tags": ["x"],
        "context": "A web site.",
        "model_type": "prefer_quality_optimized",
    }
    answer = site.ask("POST", "/v2/translate", json=body, headers=KEY)
    assert answer.status_code == 200, answer.text
    found = answer.json()["translations"]
    assert [each["detected_source_language"] for each in found] == ["DE", "DE"]
    assert found[1]["text"] == "Das Haus"
    assert all(each["tag_handling_version"] == "v2" for each in found)


def test_weblate_looks_for_its_glossary_and_replaces_it(site: Site) -> None:
    pairs = site.ask("GET", "/v2/glossary-language-pairs", headers=KEY).json()["supported_languages"]
    assert ("DE", "EN") in {(pair["source_lang"].upper(), pair["target_lang"].upper()) for pair in pairs}
    body = {"name": "weblate:1", "source_lang": "DE", "target_lang": "EN", "entries": "a\tb", "entries_format": "tsv"}
    assert site.ask("POST", "/v2/glossaries", json=body, headers=KEY).status_code == 201
    ids = {g["name"]: g["glossary_id"] for g in site.ask("GET", "/v2/glossaries", headers=KEY).json()["glossaries"]}
    assert site.ask("DELETE", f"/v2/glossaries/{ids['weblate:1']}", headers=KEY).status_code == 204


def test_weblate_shows_the_message(site: Site) -> None:
    body = {"text": ["a"], "source_lang": "DE", "target_lang": "EN", "formality": "more", "tag_handling": "xml"}
    answer = site.ask("POST", "/v2/translate", json=body, headers=KEY)
    assert (answer.status_code, "formality" in answer.json()["message"]) == (400, True)
