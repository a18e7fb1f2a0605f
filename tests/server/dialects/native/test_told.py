"""Glossaries in our own API, and the count of what was kept, over the fake engine."""

import pytest

from tests.server.test_app import BODY, Site, refused

DICTIONARY = {"source_lang": "de", "target_lang": "en", "entries_format": "tsv", "entries": "Hund\thound & co"}
UNKNOWN = "96ab91fd-e715-41a1-adeb-5d701f84a483"


@pytest.fixture
def glossary(site: Site) -> str:
    """The id of one with a term from German into English."""
    made = site.ask("POST", "/v3/glossaries", json={"name": "g", "dictionaries": [DICTIONARY]})
    return str(made.json()["glossary_id"])


def test_the_terms_of_a_glossary_are_in_all_that_is_told(site: Site, glossary: str) -> None:
    asked = {**BODY, "text": "Der Hund < 3. Hund", "glossary_ids": [glossary], "segments": True, "alignments": True}
    (found,) = site.post({**asked, "num_alternatives": 1}).json()["translations"]
    texts = [found["text"], *(each["text"] for each in found["alternatives"])]
    assert [text.lower().count("hound & co") for text in texts] == [2, 2]
    assert not any(name in str(found) for name in ("ferry-term", "&lt;", "&amp;"))
    assert found["alignments"] == []


def test_a_glossary_of_another_direction_and_one_that_is_not_there(site: Site, glossary: str) -> None:
    other = {**BODY, "source": "en", "target": "de", "glossary_ids": [glossary]}
    refused(site.post(other), 400, "invalid_request", "it is de-en")
    refused(site.post({**BODY, "glossary_ids": [UNKNOWN]}), 404, "glossary_not_found", "no glossary")


def test_without_texts_a_glossary_is_looked_up_all_the_same(site: Site, glossary: str) -> None:
    assert site.post({**BODY, "text": [], "glossary_ids": [glossary]}).json() == {"translations": []}


@pytest.mark.parametrize(
    ("text", "format", "count"),
    [
        ("Der Hund läuft.", "text", 0),
        ("Hallo {name}, siehe https://example.org/ oder %s.", "text", 3),
        ("Der <b>Hund</b> läuft.", "html", 1),
        ("<p>Der Hund</p>", "html", 2),
        ("Der Hund<br>läuft.", "html", 1),
    ],
)
def test_what_was_kept_is_counted(site: Site, text: str, format: str, count: int) -> None:
    asked = {**BODY, "text": text, "format": format, "marks": True}
    assert [each["num_marks"] for each in site.post(asked).json()["translations"]] == [count]


def test_a_term_is_not_kept_but_translated(site: Site, glossary: str) -> None:
    asked = {**BODY, "text": "Der Hund {name}.", "glossary_ids": [glossary], "marks": True}
    assert site.post(asked).json()["translations"][0]["num_marks"] == 1
