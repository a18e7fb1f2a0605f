"""Glossaries of several directions under /v3, and what of them is seen under /v2."""

from typing import Any

import pytest

from tests.server.dialects.deepl.conftest import refused, translate
from tests.server.test_app import Site

UNKNOWN = "96ab91fd-e715-41a1-adeb-5d701f84a483"
INTO_ENGLISH = {"source_lang": "de", "target_lang": "en", "entries": "Hund\tdog\nHaus\thouse", "entries_format": "tsv"}
INTO_GERMAN = {"source_lang": "EN", "target_lang": "DE", "entries": "dog,Hund", "entries_format": "csv"}
BOTH = {"name": "mine", "dictionaries": [INTO_ENGLISH, INTO_GERMAN]}
DE_EN = "source_lang=DE&target_lang=EN"


@pytest.fixture
def one(site: Site) -> str:
    """The path of a glossary of both directions."""
    answer = site.ask("POST", "/v3/glossaries", json=BOTH)
    assert answer.status_code == 201, answer.text
    return f"/v3/glossaries/{answer.json()['glossary_id']}"


def read_entries(site: Site, one: str) -> str:
    [found] = site.ask("GET", f"{one}/entries?{DE_EN}").json()["dictionaries"]
    assert (found["source_lang"], found["target_lang"], found["entries_format"]) == ("de", "en", "tsv")
    return str(found["entries"])


def count_entries(info: dict[str, Any]) -> dict[str, int]:
    return {f"{each['source_lang']}-{each['target_lang']}": each["entry_count"] for each in info["dictionaries"]}


def test_a_glossary_has_a_dictionary_a_direction(site: Site, one: str) -> None:
    info = site.ask("GET", one).json()
    assert set(info) == {"glossary_id", "name", "creation_time", "dictionaries"}
    assert (info["name"], count_entries(info)) == ("mine", {"de-en": 2, "en-de": 1})
    assert site.ask("GET", "/v3/glossaries").json() == {"glossaries": [info]}
    assert read_entries(site, one) == "Hund\tdog\nHaus\thouse"


def test_each_direction_has_its_terms_in_translations(site: Site, one: str) -> None:
    glossary_id = one.rpartition("/")[2]
    [english] = translate(site, text="Der Hund.", glossary_id=glossary_id).json()["translations"]
    german = translate(site, text="dog", source_lang="EN", target_lang="DE", glossary_id=glossary_id)
    assert english["text"] == "Der dog."
    assert german.json()["translations"][0]["text"] == "Hund"


def test_entries_are_added_to_those_that_are_there(site: Site, one: str) -> None:
    more = {**INTO_ENGLISH, "entries": "Haus\thome\nMaus\tmouse"}
    changed = site.ask("PATCH", one, json={"name": "ours", "dictionaries": [more]})
    assert (changed.status_code, changed.json()["name"]) == (200, "ours")
    assert count_entries(changed.json()) == {"de-en": 3, "en-de": 1}
    assert read_entries(site, one) == "Hund\tdog\nHaus\thome\nMaus\tmouse"
    assert site.ask("PATCH", one, json={"name": "theirs"}).json()["name"] == "theirs"


def test_a_dictionary_is_replaced_and_removed(site: Site, one: str) -> None:
    replaced = site.ask("PUT", f"{one}/dictionaries", json={**INTO_ENGLISH, "entries": "Maus\tmouse"})
    assert replaced.json() == {"source_lang": "de", "target_lang": "en", "entry_count": 1}
    assert read_entries(site, one) == "Maus\tmouse"
    removed = site.ask("DELETE", f"{one}/dictionaries?{DE_EN}")
    assert (removed.status_code, removed.content) == (204, b"")
    refused(site.ask("GET", f"{one}/entries?{DE_EN}"), 404, "no dictionary for de-en")
    refused(site.ask("DELETE", f"{one}/dictionaries?{DE_EN}"), 404, "no dictionary for de-en")
    refused(translate(site, text="a", glossary_id=one.rpartition("/")[2]), 400, "No dictionary found for language pair")
    assert site.ask("DELETE", one).status_code == 204
    refused(site.ask("GET", one), 404, "no glossary")


def test_the_older_api_sees_those_of_one_direction(site: Site, one: str) -> None:
    older = one.replace("/v3/", "/v2/")
    assert site.ask("GET", "/v2/glossaries").json() == {"glossaries": []}
    for tail in ("", "/entries"):
        refused(site.ask("GET", f"{older}{tail}"), 404, "this one has 2: ask /v3/glossaries")
    site.ask("DELETE", f"{one}/dictionaries?{DE_EN}")
    [found] = site.ask("GET", "/v2/glossaries").json()["glossaries"]
    assert (found["source_lang"], found["target_lang"], found["entry_count"], found["ready"]) == ("en", "de", 1, True)
    assert site.ask("GET", f"{older}/entries").text == "dog\tHund"
    created = site.ask("POST", "/v2/glossaries", json={"name": "old", **INTO_ENGLISH}).json()["glossary_id"]
    assert count_entries(site.ask("GET", f"/v3/glossaries/{created}").json()) == {"de-en": 2}


@pytest.mark.parametrize(
    ("varied", "says"),
    [
        ({"name": None}, "'name' not specified"),
        ({"name": "a\tb"}, "'name' has a control character"),
        ({"dictionaries": None}, "'dictionaries' not specified"),
        ({"dictionaries": []}, "'dictionaries' not specified"),
        ({"dictionaries": INTO_ENGLISH}, "must be a list of objects"),
        ({"dictionaries": ["de"]}, "must be a list of objects"),
        ({"dictionaries": [INTO_ENGLISH, {**INTO_ENGLISH, "source_lang": "DE"}]}, "'dictionaries' has de-en twice"),
        ({"dictionaries": [{**INTO_ENGLISH, "source_lang": "XX"}]}, "'source_lang' not supported"),
        ({"dictionaries": [{**INTO_ENGLISH, "target_lang": "de"}]}, "Unsupported glossary source and target"),
        ({"dictionaries": [{**INTO_ENGLISH, "entries_format": "xml"}]}, "'entries_format' not supported"),
        ({"dictionaries": [INTO_ENGLISH, {**INTO_GERMAN, "entries": "one"}]}, "Invalid glossary entries"),
    ],
)
def test_what_is_wrong_is_refused_and_nothing_is_stored(site: Site, varied: dict[str, Any], says: str) -> None:
    refused(site.ask("POST", "/v3/glossaries", json={**BOTH, **varied}), 400, says)
    assert site.ask("GET", "/v3/glossaries").json() == {"glossaries": []}


def test_what_is_wrong_changes_nothing(site: Site, one: str) -> None:
    before = site.ask("GET", one).json()
    wrong = {"name": "ours", "dictionaries": [INTO_ENGLISH, {**INTO_GERMAN, "entries": "one"}]}
    refused(site.ask("PATCH", one, json=wrong), 400, "Invalid glossary entries")
    refused(site.ask("PATCH", one, json={}), 400, "one must be")
    refused(site.ask("PUT", f"{one}/dictionaries", json={**INTO_ENGLISH, "entries": ""}), 400, "'entries'")
    refused(site.ask("GET", f"{one}/entries?source_lang=DE"), 400, "'target_lang' not specified")
    assert site.ask("GET", one).json() == before


@pytest.mark.parametrize(
    ("method", "tail", "sent"),
    [
        ("GET", "", None),
        ("PATCH", "", {"name": "a"}),
        ("DELETE", "", None),
        ("GET", f"/entries?{DE_EN}", None),
        ("PUT", "/dictionaries", INTO_ENGLISH),
        ("DELETE", f"/dictionaries?{DE_EN}", None),
    ],
)
def test_a_glossary_that_is_not_there(site: Site, method: str, tail: str, sent: dict[str, str] | None) -> None:
    refused(site.ask(method, f"/v3/glossaries/{UNKNOWN}{tail}", json=sent), 404, "no glossary")
    refused(site.ask(method, f"/v3/glossaries/not-an-id{tail}", json=sent), 400, "Invalid glossary id")


@pytest.mark.parametrize("style", ["dictionaries[{}].{}", "dictionaries[{}][{}]"])
def test_dictionaries_as_fields_of_a_form(site: Site, style: str) -> None:
    """As the official clients for Node and PHP send them."""
    dictionaries = [("en", "de", "house\tVilla"), ("de", "en", "Haus\tmansion")]
    form = {"name": "both"}
    for index, (source, target, entries) in enumerate(dictionaries):
        values = {"source_lang": source, "target_lang": target, "entries": entries, "entries_format": "tsv"}
        form |= {style.format(index, name): value for name, value in values.items()}
    created = site.ask("POST", "/v3/glossaries", data=form)
    assert created.status_code == 201, created.text
    one = f"/v3/glossaries/{created.json()['glossary_id']}"
    for source, target, entries in dictionaries:
        told = site.ask("GET", f"{one}/entries?source_lang={source}&target_lang={target}").json()["dictionaries"]
        assert [each["entries"] for each in told] == [entries]
    changed = site.ask("PATCH", one, data={"name": "renamed"})
    assert (changed.status_code, changed.json()["name"]) == (200, "renamed")


def test_a_dictionary_of_a_form_that_lacks_a_field(site: Site) -> None:
    form = {"name": "both", "dictionaries[0].source_lang": "de", "dictionaries[0].target_lang": "en"}
    refused(site.ask("POST", "/v3/glossaries", data=form), 400, "'entries_format' not specified")
