"""Words that belong together, warnings, alternatives."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.steps import answer, point_at, translation, typed, word

pytestmark = pytest.mark.unmeasured


def test_an_alternative_can_be_picked(open_page: OpenPage) -> None:
    page = open_page("#de-en")
    typed(page).fill("Können Sie mir bitte den kürzesten Weg zum Bahnhof zeigen?")
    expect(translation(page)).not_to_have_value("")
    first = translation(page).input_value()
    page.get_by_role("button", name="Alternatives").click()
    others = page.get_by_role("group", name="Alternatives").get_by_role("button")
    expect(others.first).to_be_visible()
    picked = others.first.inner_text()
    assert picked != first
    others.first.click()
    expect(translation(page)).to_have_value(picked)
    expect(others.filter(has_text=first).first).to_be_visible()  # the way back
    expect(others.first).to_be_focused()
    page.keyboard.press("Escape")
    expect(others).to_have_count(0)
    expect(page.get_by_role("button", name="Alternatives")).to_be_focused()


def test_pointing_at_a_word_lights_its_partner(open_page: OpenPage) -> None:
    page = open_page("#en-de")
    # Characters that take two units in JavaScript and one on the server.
    typed(page).fill("😀🎉 The dog is small. 𝔘 The house is old.")
    expect(word(page, "target", "Haus")).to_be_attached()
    for side, other, english, german in [("source", "target", "dog", "Hund"), ("target", "source", "house", "Haus")]:
        text, partner = (english, german) if side == "source" else (german, english)
        point_at(page, word(page, side, text))
        expect(page.locator(f"#{side}-mirror .lit")).to_have_text([text])
        expect(page.locator(f"#{other}-mirror .lit")).to_have_text([partner])
    page.get_by_role("heading", name="Ferry").hover()
    expect(page.locator(".lit")).to_have_count(0)


def test_the_caret_lights_a_word_too(open_page: OpenPage) -> None:
    page = open_page("#en-de")
    typed(page).fill("🎉 The dog is small.")
    expect(word(page, "target", "Hund")).to_be_attached()
    page.keyboard.press("Control+Home")
    for _ in range(4):
        page.keyboard.press("Control+ArrowRight")
        if page.locator("#source-mirror .lit").all_inner_texts() == ["dog"]:
            break
    expect(page.locator("#target-mirror .lit")).to_have_text(["Hund"])
    page.keyboard.type("x")
    expect(page.locator(".lit")).to_have_count(0)


def test_the_mirror_breaks_lines_where_the_text_does(open_page: OpenPage) -> None:
    page = open_page("#en-de", viewport={"width": 800, "height": 600})
    typed(page).fill("The dog runs through the park, and the house by the lake is old and beautiful. 🎉\n\n" * 8 + "A ")
    expect(page.locator("#source-mirror .word").first).to_be_attached()
    heights = "area => [area.scrollHeight, area.offsetHeight, area.previousElementSibling.offsetHeight]"
    for area in (typed(page), translation(page)):
        needed, height, mirror = area.evaluate(heights)
        assert needed <= height == mirror
    assert typed(page).input_value() + "\u200b" == page.locator("#source-mirror").text_content()


def test_warnings_are_shown(open_page: OpenPage) -> None:
    page = open_page("#en-de")
    segments = [
        {"source": "One.", "target": "Eins.", "complete": True, "warnings": []},
        {"source": "It was 10.", "target": "Es waren 12.", "complete": True, "warnings": ["numbers"]},
    ]
    body = answer("Eins. Es waren 12.", segments=segments)
    page.route("**/v1/translate", lambda route: route.fulfill(content_type="application/json", body=body))
    typed(page).fill("One. It was 10.")
    expect(page.locator("#doubt")).to_have_text("The underlined sentence may be wrong: numbers differ.")
    expect(page.locator(".doubtful")).to_have_text(["Es waren 12."])
    page.unroute("**/v1/translate")
    typed(page).fill("One.")
    expect(page.locator(".doubtful")).to_have_count(0)
    expect(page.locator("#doubt")).to_be_hidden()
