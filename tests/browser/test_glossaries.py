"""Glossaries: made, changed and chosen in their dialog, and their terms in what is translated."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage, Server, Watched
from tests.browser.steps import REFUSED, drop_file, translation, typed

pytestmark = pytest.mark.unmeasured

GERMAN = "Der Hund läuft heute durch den Park."


@pytest.fixture(autouse=True)
def none_left(page: Page) -> Iterator[None]:
    """All tests are one client of the same server."""
    yield
    for each in page.request.get("/v3/glossaries").json()["glossaries"]:
        page.request.delete(f"/v3/glossaries/{each['glossary_id']}")


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    return open_page("#de-en")


def make(page: Page, name: str = "Hounds", **entries: str) -> str:
    """A glossary of German and English terms, made without the page; its path."""
    tsv = "\n".join(map("\t".join, (entries or {"Hund": "hound"}).items()))
    terms = {"source_lang": "de", "target_lang": "en", "entries": tsv, "entries_format": "tsv"}
    made = page.request.post("/v3/glossaries", data={"name": name, "dictionaries": [terms]})
    return f"/v3/glossaries/{made.json()['glossary_id']}"


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Glossaries")


def open_dialog(page: Page) -> Locator:
    page.locator("#glossaries").click()
    expect(dialog(page).locator("option", has_text="No glossary")).to_be_attached()
    return dialog(page)


def choose(page: Page, name: str) -> Locator:
    found = open_dialog(page)
    found.get_by_label("Translate with").select_option(label=name)
    return found


def terms(page: Page) -> list[list[str]]:
    """What the table shows."""
    rows = dialog(page).locator("tbody tr").all()
    return [[cell.input_value() for cell in row.get_by_role("textbox").all()] for row in rows]


def test_a_glossary_is_made_and_its_terms_are_in_the_translation(page: Page) -> None:
    typed(page).fill(GERMAN)
    expect(translation(page)).to_have_value(re.compile("dog"))
    found = choose(page, "New glossary…")
    expect(found.get_by_label("Name")).to_be_focused()
    page.keyboard.type("Hounds & co")
    expect(found.get_by_label("Direction")).to_have_value("de en")
    found.get_by_role("button", name="Add a term").click()
    page.keyboard.type("Hund")
    page.keyboard.press("Tab")
    page.keyboard.type("hound")
    found.get_by_role("button", name="Save").click()
    expect(found.get_by_role("button", name="Save")).to_be_disabled()
    expect(page.get_by_role("status")).to_have_text("Hounds & co is saved.")
    page.keyboard.press("Escape")
    expect(found).to_be_hidden()
    expect(page.locator("#glossaries")).to_have_text(re.compile("Glossary: Hounds & co"))
    expect(translation(page)).to_have_value(re.compile("hound"))
    page.get_by_role("button", name="Swap languages").click()  # it has no terms of that direction
    expect(translation(page)).to_have_value(re.compile("Park"))
    expect(translation(page)).to_have_attribute("lang", "de")
    choose(page, "No glossary").get_by_role("button", name="Close").click()
    expect(page.locator("#glossaries")).to_have_text(re.compile(r"^\s*Glossary$"))


def test_with_a_glossary_the_language_is_detected_first(open_page: OpenPage) -> None:
    page = open_page("#auto-en")
    make(page)
    choose(page, "Hounds").get_by_role("button", name="Close").click()
    typed(page).fill(GERMAN)
    expect(translation(page)).to_have_value(re.compile("hound"))
    expect(page.get_by_label("Translate from")).to_have_value("German (detected)")
    page.get_by_role("button", name="Alternatives").click()
    others = page.get_by_role("group", name="Alternatives").locator("#alternatives-list button")
    expect(others.first).to_contain_text("hound")
    drop_file(page, "brief.txt", GERMAN)
    expect(page.get_by_role("list", name="Documents")).to_contain_text(
        "It is without the glossary: choose the language"
    )


def test_long_texts_and_documents_have_the_terms_as_well(page: Page) -> None:
    make(page)
    choose(page, "Hounds").get_by_role("button", name="Close").click()
    typed(page).fill(f"{GERMAN}\n" * 60)
    expect(translation(page)).to_have_value(re.compile(r"(.*hound.*\n){60}"))
    drop_file(page, "brief.txt", GERMAN)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert "hound" in Path(download.value.path()).read_text()


def test_terms_and_name_are_changed(page: Page) -> None:
    path = make(page, Hund="hound", Katze="puss", Haus="mansion")
    found = choose(page, "Hounds")
    expect(found.get_by_role("textbox", name="Term in German")).to_have_count(3)
    assert terms(page) == [["Hund", "hound"], ["Katze", "puss"], ["Haus", "mansion"]]
    found.get_by_role("button", name="Remove Katze").click()
    expect(found.get_by_role("button", name="Remove Haus")).to_be_focused()
    found.get_by_role("textbox", name="Term in English").first.fill("beagle")
    found.get_by_label("Name").fill("Beagles")
    expect(found.get_by_label("Translate with")).to_be_disabled()  # until it is saved
    found.get_by_role("button", name="Save").click()
    expect(found.get_by_label("Translate with")).to_be_focused()
    info = page.request.get(path).json()
    assert (info["name"], info["dictionaries"][0]["entry_count"]) == ("Beagles", 2)
    query = {"source_lang": "de", "target_lang": "en"}
    kept = page.request.get(f"{path}/entries", params=query).json()["dictionaries"][0]["entries"]
    assert kept == "Hund\tbeagle\nHaus\tmansion"
    found.get_by_label("Direction").select_option("en de")
    expect(found).to_contain_text("There are no terms yet.")
    for side, word in (("English", "house"), ("German", "Villa")):
        if side == "English":
            found.get_by_role("button", name="Add a term").click()
        found.get_by_role("textbox", name=f"Term in {side}").fill(word)
    found.get_by_role("button", name="Save").click()
    expect(found.locator("option", has_text="English → German (1)")).to_be_attached()
    found.get_by_role("button", name="Remove house").click()
    found.get_by_role("button", name="Save").click()
    expect(found.get_by_label("Translate with")).to_be_focused()
    assert len(page.request.get(path).json()["dictionaries"]) == 1  # a direction without terms is none


def test_a_glossary_is_deleted_when_asked_twice(page: Page) -> None:
    path = make(page)
    found = choose(page, "Hounds")
    found.get_by_role("button", name="Delete", exact=True).click()
    assert page.request.get(path).ok
    found.get_by_role("button", name="Really delete?").click()
    expect(found.locator("option", has_text="Hounds")).not_to_be_attached()
    expect(found.get_by_label("Translate with")).to_have_value("")
    assert page.request.get(path).status == 404


def test_tsv_goes_in_and_out(page: Page, tmp_path: Path) -> None:
    make(page, Hund="hound", Haus="mansion")
    found = choose(page, "Hounds")
    file = tmp_path / "more.tsv"
    file.write_text("\ufeffHaus\tvilla\r\n\r\nStraße\troad\n")
    with page.expect_file_chooser() as chooser:
        found.get_by_role("button", name="Import TSV").click()
    chooser.value.set_files(file)
    expect(page.get_by_role("status")).to_have_text("2 terms read.")
    expected = [["Hund", "hound"], ["Haus", "villa"], ["Straße", "road"]]
    assert terms(page) == expected
    with page.expect_download() as download:
        found.get_by_role("button", name="Export TSV").click()
    assert download.value.suggested_filename == "Hounds.de-en.tsv"
    assert Path(download.value.path()).read_text() == "".join(f"{a}\t{b}\n" for a, b in expected)
    found.get_by_role("button", name="Discard").click()
    expect(found.get_by_role("textbox", name="Term in German")).to_have_count(2)
    assert terms(page) == [["Hund", "hound"], ["Haus", "mansion"]]


def test_of_many_terms_those_that_are_looked_for_are_shown(page: Page) -> None:
    make(page, **{f"Wort {n}": f"word {n}" for n in range(1000)})
    found = choose(page, "Hounds")
    expect(found).to_contain_text("800 more; find them by typing above.")
    found.get_by_role("searchbox", name="Find terms").fill("word 99")
    expect(found.get_by_role("textbox", name="Term in German")).to_have_count(11)
    found.get_by_role("searchbox", name="Find terms").fill("nothing")
    expect(found).to_contain_text("No term has that.")


def test_nothing_that_was_changed_is_lost_unasked(page: Page) -> None:
    make(page)
    found = choose(page, "Hounds")
    found.get_by_role("textbox", name="Term in English").fill("beagle")
    page.keyboard.press("Escape")
    expect(found.get_by_role("alert")).to_contain_text("What you changed is not saved.")
    page.keyboard.press("Escape")
    expect(found).to_be_hidden()
    expect(page.locator("#glossaries")).to_be_focused()


def test_what_the_server_says_of_terms(page: Page, watched: Watched) -> None:
    watched.allowed = REFUSED
    make(page)
    found = choose(page, "Hounds")
    found.get_by_role("textbox", name="Term in English").fill("")
    found.get_by_role("button", name="Save").click()
    expect(found.get_by_role("alert")).to_contain_text("Invalid glossary entries provided: The target term of entry 1")
    found.get_by_role("textbox", name="Term in English").fill("hound dog")
    found.get_by_role("button", name="Save").click()
    expect(found.get_by_role("alert")).to_be_hidden()


def test_a_key_is_asked_for_and_kept_in_the_tab(open_page: OpenPage, watched: Watched, tmp_path: Path) -> None:
    watched.allowed = REFUSED
    file = tmp_path / "keys.toml"
    # The hash of "secret", which no key of ours would be.
    hashed = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
    file.write_text(f'[[keys]]\nname = "me"\nsha256 = "{hashed}"\n')
    with Server(0, f"--api-keys={file}") as server:
        page = open_page("#de-en", at=server.url)
        typed(page).fill(GERMAN)
        expect(page.get_by_role("alert")).to_contain_text("key")
        field = page.get_by_label("This server asks for an API key")
        sent: list[tuple[str, str]] = []
        page.on("request", lambda r: sent.append((r.url.partition("/v")[2][:1], r.headers.get("authorization", ""))))
        field.fill("secret")
        field.press("Enter")
        expect(translation(page)).to_have_value(re.compile("dog"))
        open_dialog(page).get_by_role("button", name="Close").click()
        drop_file(page, "brief.txt", GERMAN)
        expect(page.get_by_role("link", name="Download")).to_be_visible()
        expected = {("1", "Bearer secret"), ("2", "DeepL-Auth-Key secret"), ("3", "DeepL-Auth-Key secret")}
        assert expected <= set(sent)
        page.reload()
        expect(field).to_have_value("secret")
        assert page.evaluate("JSON.stringify(Object.values(localStorage))") == json.dumps([])
