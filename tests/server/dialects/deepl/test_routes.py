"""The endpoints of the DeepL dialect over the fake engine."""

from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest

from server.dialects.deepl.routes import UNLIMITED
from server.models.models import Models
from server.storage.database import NAME
from server.text.tokenizer import Tokenizer
from tests.server.conftest import MakeModel
from tests.server.dialects.deepl.conftest import KEY, MakeSite, refused, translate
from tests.server.fakes import EN, FakeEngine
from tests.server.test_app import Site

UNKNOWN = "96ab91fd-e715-41a1-adeb-5d701f84a483"
GLOSSARY = {
    "name": "mine",
    "source_lang": "DE",
    "target_lang": "EN-US",
    "entries_format": "tsv",
    "entries": "Hund\tdog\nHaus\thouse",
}


def usage(count: int, limit: int) -> dict[str, Any]:
    one = {"product_type": "translate", "character_count": count, "api_key_character_count": count}
    return {
        "character_count": count,
        "character_limit": limit,
        "api_key_character_count": count,
        "api_key_character_limit": limit,
        "products": [one],
    }


def create(site: Site, **varied: Any) -> dict[str, Any]:
    answer = site.ask("POST", "/v2/glossaries", json={**GLOSSARY, **varied})
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


def test_one_text(site: Site) -> None:
    answer = translate(site, text="Der Hund läuft.")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["x-trace-id"]
    expected = {"detected_source_language": "DE", "text": "Der Hund läuft.", "billed_characters": 15}
    assert answer.json() == {"translations": [expected]}


def test_many_texts_in_order(site: Site, tokenizer: Tokenizer) -> None:
    texts = ["the dog", "", "a house", "the dog", "🎉"]
    found = translate(site, text=texts, source_lang="en-GB", target_lang="de").json()["translations"]
    assert [each["text"] for each in found] == [tokenizer.decode(tokenizer.encode(t)[::-1]) for t in texts[:4]] + ["🎉"]
    assert [each["billed_characters"] for each in found] == [7, 0, 7, 7, 1]
    assert {each["detected_source_language"] for each in found} == {"EN"}


def test_a_form(site: Site) -> None:
    form = {"text": ["Der Hund & das Haus.", "Ä+=%"], "source_lang": "de", "target_lang": "en", "auth_key": "secret"}
    found = site.ask("POST", "/v2/translate", data=form).json()["translations"]
    assert [each["text"] for each in found] == ["Der Hund & das Haus.", "Ä+=%"]


@pytest.mark.parametrize("source", [{}, {"source_lang": None}, {"source_lang": ""}])
def test_a_language_that_is_not_given_is_detected(site: Site, engine: FakeEngine, source: dict[str, Any]) -> None:
    body = {"text": ["Der Hund läuft über die Straße."], "target_lang": "EN", **source}
    (found,) = site.ask("POST", "/v2/translate", json=body).json()["translations"]
    assert found["detected_source_language"] == "DE"
    assert {each[0] for each in engine.sources} == {EN}


def test_each_text_has_its_own_language(make_site: MakeSite, make_model: MakeModel) -> None:
    site = make_site(Models((make_model(FakeEngine(), pairs=(("de", "en", EN), ("fr", "en", EN))),)))
    texts = ["Der Hund läuft über die Straße.", "Le chien traverse la rue avec sa maîtresse."]
    found = translate(site, text=texts, source_lang=None).json()["translations"]
    assert [each["detected_source_language"] for each in found] == ["DE", "FR"]


@pytest.mark.parametrize(
    ("option", "num_sentences"),
    [({}, 3), ({"split_sentences": "0"}, 1), ({"split_sentences": "nonewlines"}, 2), ({"tag_handling": "html"}, 2)],
)
def test_how_texts_are_split(site: Site, engine: FakeEngine, option: dict[str, str], num_sentences: int) -> None:
    assert translate(site, text="Der Hund\nist alt. Das Haus ist schön.", **option).status_code == 200
    assert len(engine.sources) == num_sentences


def test_what_is_said_of_model_and_markup_when_asked(site: Site) -> None:
    (found,) = translate(site, text="a", model_type="prefer_quality_optimized", tag_handling="xml").json()[
        "translations"
    ]
    assert (found["model_type_used"], found["tag_handling_version"]) == ("quality_optimized", "v2")


def test_a_client_that_goes_away_takes_its_sentences_along(make_site: MakeSite, make_model: MakeModel) -> None:
    engine = FakeEngine(hold=True)
    site = make_site(Models((make_model(engine),)))
    body = {"text": "Der Hund.", "source_lang": "DE", "target_lang": "EN"}
    status = site.leave("/v2/translate", body, engine)
    assert engine.futures[0].cancelled()
    assert status == 499
    assert site.ask("GET", "/v2/usage").json() == usage(0, UNLIMITED)


@pytest.mark.parametrize(("shown", "found"), [({}, True), ({"show_billed_characters": False}, False)])
def test_billed_characters_are_told_unless_they_shall_not(site: Site, shown: dict[str, bool], found: bool) -> None:
    [one] = translate(site, text="Der Hund.", **shown).json()["translations"]
    assert ("billed_characters" in one) == found


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_usage_counts_code_points(site: Site, method: str) -> None:
    assert site.ask(method, "/v2/usage").json() == usage(0, UNLIMITED)
    translate(site, text=["Hündin 🎉", "ab"])
    translate(site, text="a", target_lang="XX")
    assert site.ask(method, "/v2/usage").json() == usage(10, UNLIMITED)


def test_the_character_limit(make_site: MakeSite) -> None:
    site = make_site(character_limit=10)
    assert translate(site, text="123456").status_code == 200
    refused(translate(site, text="12345"), 456, "4 left; this request has 5")
    assert translate(site, text="1234").status_code == 200
    refused(translate(site, text="1"), 456)
    assert site.ask("GET", "/v2/usage").json() == usage(10, 10)


def test_the_life_of_a_glossary(site: Site) -> None:
    created = create(site)
    assert created == {
        "glossary_id": ANY,
        "name": "mine",
        "ready": True,
        "source_lang": "de",
        "target_lang": "en",
        "creation_time": ANY,
        "entry_count": 2,
    }
    one = f"/v2/glossaries/{created['glossary_id']}"
    assert site.ask("GET", one).json() == created
    assert site.ask("GET", "/v2/glossaries").json() == {"glossaries": [created]}
    entries = site.ask("GET", f"{one}/entries", headers={"Accept": "text/tab-separated-values"})
    assert entries.headers["content-type"] == "text/tab-separated-values; charset=utf-8"
    assert entries.text == GLOSSARY["entries"]
    deleted = site.ask("DELETE", one)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert site.ask("GET", "/v2/glossaries").json() == {"glossaries": []}


def test_a_glossary_from_a_form_in_csv(site: Site) -> None:
    form = {**GLOSSARY, "entries_format": "csv", "entries": '"Hund, der",dog\n'}
    created = site.ask("POST", "/v2/glossaries", data=form)
    assert (created.status_code, created.json()["entry_count"]) == (201, 1)


def test_glossaries_outlive_the_process(make_site: MakeSite, data: Path) -> None:
    created = create(make_site())
    assert (data / NAME).is_file()
    assert make_site().ask("GET", f"/v2/glossaries/{created['glossary_id']}").json() == created


def test_the_pairs_a_glossary_may_have(site: Site) -> None:
    pairs = [{"source_lang": "de", "target_lang": "en"}, {"source_lang": "en", "target_lang": "de"}]
    assert site.ask("GET", "/v2/glossary-language-pairs").json() == {"supported_languages": pairs}


@pytest.mark.parametrize(
    ("varied", "says"),
    [
        ({"name": ""}, "'name' not specified"),
        ({"name": "a\nb"}, "'name' has a control character"),
        ({"name": "a" * 1025}, "'name' is longer than 1024 bytes"),
        ({"source_lang": None}, "'source_lang' not specified"),
        ({"source_lang": "XX"}, "'source_lang' not supported"),
        ({"target_lang": "XX"}, "'target_lang' not supported"),
        ({"target_lang": "DE"}, "language pair"),
        ({"entries_format": None}, "'entries_format' not specified"),
        ({"entries_format": "xls"}, "'entries_format' not supported"),
        ({"entries": ""}, "'entries' not specified"),
        ({"entries": "a\tb\na\tc"}, "Entry 2 has the source term"),
    ],
)
def test_glossaries_that_are_refused(site: Site, data: Path, varied: dict[str, Any], says: str) -> None:
    refused(site.ask("POST", "/v2/glossaries", json={**GLOSSARY, **varied}), 400, says)
    assert not data.exists()


def test_a_glossary_may_be_as_large_as_the_server_takes_bodies(make_site: MakeSite) -> None:
    site = make_site(max_body_bytes=300_000)
    entries = "\n".join(f"Quelle {i}\ttarget {i}" for i in range(10_000))
    assert create(site, entries=entries)["entry_count"] == 10_000
    refused(site.ask("POST", "/v2/glossaries", json={**GLOSSARY, "entries": entries * 2}), 413, "300000 bytes")


@pytest.mark.parametrize(("method", "tail"), [("GET", ""), ("GET", "/entries"), ("DELETE", "")])
def test_what_is_no_glossary_id(site: Site, method: str, tail: str) -> None:
    refused(site.ask(method, f"/v2/glossaries/not-an-id{tail}"), 400, "Invalid glossary id")


@pytest.mark.parametrize("path", ["/v2/nothing", "/v2/translate/more", "/v3/glossaries/nothing/more"])
def test_a_path_that_is_not_there_is_told_in_the_dialect(site: Site, path: str) -> None:
    body = refused(site.ask("POST", path), 404, f"Not Found: POST {path}")
    assert set(body) == {"message"}


def test_a_method_that_is_not_taken_is_told_in_the_dialect(site: Site) -> None:
    answer = site.ask("DELETE", "/v2/usage")
    refused(answer, 405, "Method Not Allowed")
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}


@pytest.mark.parametrize("glossary_id", [UNKNOWN, "..%2f..%2fsecret"])
@pytest.mark.parametrize(("method", "tail"), [("GET", ""), ("GET", "/entries"), ("DELETE", "")])
def test_a_glossary_that_is_not_there(site: Site, glossary_id: str, method: str, tail: str) -> None:
    answer = site.ask(method, f"/v2/glossaries/{glossary_id}{tail}")
    assert answer.status_code == 404
    if "%" not in glossary_id:  # with a slash in it no route fits
        refused(answer, 404, "no glossary")


def test_a_method_that_does_not_exist(site: Site) -> None:
    assert site.ask("GET", "/v2/translate").status_code == 405


def test_nothing_of_a_user_is_logged_or_counted(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "ferry")
    caplog.set_level("WARNING", "httpx")  # the client, which is in this process too
    created = create(site, name="my-secret-name")
    translate(site, text="Geheimnis", glossary_id=created["glossary_id"])
    translate(site, text="Geheimnis", target_lang="Geheimnis")
    site.ask("GET", f"/v2/glossaries/{created['glossary_id']}", headers=KEY)
    site.ask("GET", "/v2/glossaries/Geheimnis")
    told = caplog.text + site.ask("GET", "/metrics").text
    for secret in ("Geheimnis", "my-secret-name", "secret-key", created["glossary_id"], "Hund"):
        assert secret not in told
    assert 'ferry_requests_total{route="/v2/translate",status="200"} 1.0' in told
