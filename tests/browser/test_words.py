"""Words that belong together, warnings, alternatives."""

import pytest
from playwright.sync_api import Locator, Page, expect

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


SENTENCES = "Können Sie mir bitte den kürzesten Weg zum Bahnhof zeigen? Der Hund ist klein. Das Haus am See ist alt."


def others_of(page: Page) -> Locator:
    return page.locator("#alternatives-list button")


def test_a_sentence_has_alternatives_of_its_own(open_page: OpenPage) -> None:
    page = open_page("#de-en")
    typed(page).fill(SENTENCES)
    expect(page.locator("#target-mirror .sentence")).to_have_count(3)
    before = page.locator("#target-mirror .sentence").all_inner_texts()
    point_at(page, page.locator("#target-mirror .sentence").nth(1))
    page.mouse.down()
    page.mouse.up()
    page.get_by_role("button", name="Alternatives").click()
    expect(page.locator("#sentence-number")).to_have_text("Sentence 2 of 3")
    expect(others_of(page).first).to_be_visible()
    for side in ("source", "target"):
        expect(page.locator(f"#{side}-mirror .chosen")).to_have_count(1)
    assert page.locator("#source-mirror .chosen").inner_text() == "Der Hund ist klein."
    assert page.locator("#target-mirror .chosen").inner_text() == before[1]
    picked = others_of(page).first.inner_text()
    others_of(page).first.click()
    expect(translation(page)).to_have_value(f"{before[0]} {picked} {before[2]}")
    expect(page.locator("#target-mirror .chosen")).to_have_text(picked)
    expect(others_of(page).filter(has_text=before[1]).first).to_be_visible()  # the way back
    # The words of the other sentences still belong together.
    point_at(page, word(page, "source", "Haus"))
    expect(page.locator("#target-mirror .lit")).to_have_text(["house"])


def test_sentences_are_chosen_by_the_keyboard(open_page: OpenPage) -> None:
    page = open_page("#de-en")
    typed(page).fill(SENTENCES)
    expect(page.locator("#target-mirror .sentence")).to_have_count(3)
    page.get_by_role("button", name="Alternatives").press("Enter")
    number = page.locator("#sentence-number")
    expect(number).to_have_text("All 3 sentences")
    expect(page.get_by_role("button", name="Whole text")).to_have_attribute("aria-pressed", "true")
    for button, expected in [("Next sentence", n) for n in (1, 2, 3, 1)] + [("Sentence before", 3)]:
        page.get_by_role("button", name=button).press("Enter")
        expect(number).to_have_text(f"Sentence {expected} of 3")
    expect(others_of(page).first).to_be_visible()
    page.get_by_role("button", name="Whole text").press("Enter")
    expect(number).to_have_text("All 3 sentences")
    expect(page.locator(".chosen")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.get_by_role("group", name="Alternatives")).to_be_hidden()
    expect(page.get_by_role("button", name="Alternatives")).to_be_focused()


def test_the_caret_in_the_text_chooses_its_sentence(open_page: OpenPage) -> None:
    page = open_page("#de-en")
    typed(page).fill(SENTENCES)
    expect(page.locator("#target-mirror .sentence")).to_have_count(3)
    page.keyboard.press("Control+Home")
    page.get_by_role("button", name="Alternatives").press("Enter")
    expect(page.locator("#sentence-number")).to_have_text("Sentence 1 of 3")
    typed(page).press("Control+End")
    expect(page.locator("#sentence-number")).to_have_text("Sentence 3 of 3")
    expect(others_of(page).first).to_be_visible()


def test_a_sentence_that_was_exchanged_is_doubtful_no_more(open_page: OpenPage) -> None:
    page = open_page("#en-de")
    segments = [
        {"source": "One 🎉.", "target": "Eins 🎉.", "complete": True, "warnings": ["names"]},
        {"source": "It was 10.", "target": "Es waren 12.", "complete": False, "warnings": ["numbers"]},
    ]
    body = answer("Eins 🎉. Es waren 12.", segments=segments, num_marks=1)
    page.route("**/v1/translate", lambda route: route.fulfill(content_type="application/json", body=body))
    typed(page).fill("One 🎉. It was 10.")
    expect(page.locator("#doubt")).to_contain_text("2 underlined sentences may be wrong")
    expect(page.locator("#marks")).to_have_text("1 mark kept as it is.")
    page.unroute("**/v1/translate")
    page.get_by_role("button", name="Alternatives").click()
    for _ in range(2):
        page.get_by_role("button", name="Next sentence").click()
    others_of(page).filter(has_text="10").first.click()
    expect(page.locator(".doubtful")).to_have_text(["Eins 🎉."])
    expect(page.locator("#doubt")).to_have_text("The underlined sentence may be wrong: a name is misspelled.")


def test_marks_that_were_kept_are_counted(open_page: OpenPage) -> None:
    page = open_page("#de-en")
    typed(page).fill("Hallo {name}, siehe https://example.org/ oder frag %s.")
    expect(page.locator("#marks")).to_have_text("3 marks kept as they are.")
    typed(page).fill("Der Hund ist klein.")
    expect(page.locator("#marks")).to_be_hidden()
