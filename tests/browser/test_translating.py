"""Typing, languages, long texts, copying: the page in a real browser, against a real server with the bundled model."""

import json
import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import OpenPage
from tests.browser.steps import ENGLISH, GERMAN, choose, menus, translation, typed

pytestmark = pytest.mark.unmeasured


def test_typing_gives_a_translation_and_says_which_language_it_was(page: Page) -> None:
    typed(page).press_sequentially(GERMAN)
    expect(translation(page)).to_have_value(re.compile(r"\bdog\b"))
    assert menus(page) == ["German (detected)", "English"]
    expect(typed(page)).to_have_attribute("lang", "de")
    expect(translation(page)).to_have_attribute("lang", "en")
    expect(page.get_by_role("status")).to_have_text("Translation ready")


def test_a_text_in_the_target_language_goes_into_another_one(page: Page) -> None:
    typed(page).fill(ENGLISH)
    expect(translation(page)).to_have_value(re.compile("Hund"))
    assert menus(page) == ["English (detected)", "German"]
    assert page.url.endswith("/#auto-de")


def test_typing_on_aborts_the_request_before(page: Page) -> None:
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    page.route("**/v1/translate", hold_the_first)
    with page.expect_request("**/v1/translate") as first:
        typed(page).fill("Das ist ein Haus.")
    with page.expect_event("requestfailed", lambda request: request == first.value) as failed:
        typed(page).press_sequentially(" Der Hund ist klein.")
    assert failed.value.failure == "net::ERR_ABORTED"
    expect(translation(page)).to_have_value(re.compile(r"house.*\bdog\b"))
    expect(page.get_by_role("alert")).to_be_hidden()


def test_pauses_and_not_keys_make_requests(page: Page) -> None:
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.post_data or "") if "/v1/tr" in request.url else None)
    page.evaluate(
        """text => {
            const area = document.getElementById("source");
            for (let end = 1; end <= text.length; end++) {
                area.value = text.slice(0, end);
                area.dispatchEvent(new Event("input"));
            }
        }""",
        GERMAN,
    )
    expect(translation(page)).to_have_value(re.compile("dog"))
    assert [json.loads(body)["text"] for body in requests] == [GERMAN]


def test_swapping_translates_the_translation(page: Page) -> None:
    typed(page).fill(GERMAN)
    expect(translation(page)).to_have_value(re.compile("dog"))
    english = translation(page).input_value()
    page.get_by_role("button", name="Swap languages").click()
    expect(typed(page)).to_have_value(english)
    expect(translation(page)).to_have_value(re.compile("Hund"))
    assert menus(page) == ["English", "German"]
    assert page.url.endswith("/#en-de")


def test_the_menus_keep_to_pairs_that_there_are(open_page: OpenPage) -> None:
    page = open_page("#de-en")
    assert menus(page) == ["German", "English"]
    choose(page, "Translate to", "German")
    assert menus(page) == ["English", "German"]
    choose(page, "Translate from", "German")
    assert menus(page) == ["German", "English"]
    page.evaluate("location.hash = '#en-de'")
    expect(page.get_by_label("Translate to")).to_have_value("German")
    page.evaluate("location.hash = '#xx-yy'")
    assert menus(page) == ["English", "German"]


def test_the_address_keeps_the_languages_and_never_the_text(open_page: OpenPage) -> None:
    page = open_page("#de-en")
    typed(page).fill("Geheimnis im Garten")
    expect(translation(page)).not_to_have_value("")
    assert page.url.endswith("/#de-en")
    assert page.evaluate("JSON.stringify([history.state, Object.entries(localStorage)])") == "[null,[]]"


def test_a_long_text_comes_sentence_by_sentence(page: Page) -> None:
    lines = [f"Der Hund läuft durch den Park, und wir haben {n} Katzen gesehen.\n" for n in range(40)]
    with page.expect_request("**/v1/translate") as asked:
        typed(page).fill("".join(lines))
    assert json.loads(asked.value.post_data or "") == {
        "text": "".join(lines),
        "source": "de",
        "target": "en",
        "stream": True,
    }
    expect(page.get_by_role("status")).to_have_text("Translation ready")
    assert translation(page).input_value().count("\n") == len(lines)
    assert menus(page) == ["German (detected)", "English"]


def test_too_long_a_text_is_not_sent(page: Page) -> None:
    settings = page.request.get("/frontend/settings").json()
    page.route("**/frontend/settings", lambda route: route.fulfill(json={**settings, "charLimit": 10}))
    page.reload()
    expect(page.locator("#count")).to_have_text("0 / 10")
    typed(page).fill("12345678🎉🎉")
    expect(page.locator("#count")).to_have_text("10 / 10")
    expect(translation(page)).not_to_have_value("")
    page.route("**/v1/translate", lambda route: route.abort())  # which would be an error on the console
    typed(page).fill("12345678🎉🎉1")
    expect(page.get_by_role("alert")).to_contain_text("The text is 1 character too long.")
    expect(page.get_by_role("button", name="Try again")).to_be_hidden()
    expect(typed(page)).to_have_attribute("aria-invalid", "true")


def test_copying(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    typed(page).fill(GERMAN)
    expect(translation(page)).to_have_value(re.compile("dog"))
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == translation(page).input_value()


def test_control_and_enter_do_not_wait_for_a_pause(page: Page) -> None:
    page.clock.install()  # no timer of the page runs by itself from here on
    page.clock.pause_at(page.evaluate("Date.now() + 60_000"))
    typed(page).fill(GERMAN)
    expect(page.locator("#count")).to_contain_text(str(len(GERMAN)))
    expect(translation(page)).to_have_value("")
    typed(page).press("Control+Enter")
    expect(translation(page)).to_have_value(re.compile("dog"))
