"""The language menus: typed into, with the keys of the combobox pattern, also with hundreds of pairs."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.steps import GERMAN, menus, typed

pytestmark = pytest.mark.unmeasured

# Each from English and into English: two hundred pairs.
_CODES = """
af am ar as ay az be bg bm bn bs ca ceb ckb co cs cy da de dv ee el eo es et eu fa fi fil fr fy ga gd gl gn gu
ha he hi hr ht hu hy id ig ilo is it ja jv ka kk km kn ko ky la lb lg ln lo lt lus lv mai mg mi mk ml mn mr ms
mt my ne nl no ny or pa pl ps pt-br qu ro ru rw sa sd si sk sl sm sn so sq sr st sw zh-hant
"""


@pytest.fixture
def many(open_page: OpenPage) -> Page:
    """The page of a server with two hundred pairs."""
    page = open_page()
    serve_many(page)
    return page


def serve_many(page: Page) -> None:
    model = page.request.get("/v1/models").json()["models"][0]
    pairs = [
        pair for code in _CODES.split() for pair in ({"source": code, "target": "en"}, {"source": "en", "target": code})
    ]
    assert len(pairs) == 200
    page.route("**/v1/models", lambda route: route.fulfill(json={"models": [{**model, "pairs": pairs}]}))
    page.reload()
    expect(target(page)).to_have_value("English")


def target(page: Page) -> Locator:
    return page.get_by_role("combobox", name="Translate to")


def options(page: Page) -> Locator:
    return page.get_by_role("listbox", name="Target languages").get_by_role("option")


def active(page: Page) -> str | None:
    """The option that the keys are on, as a screen reader finds it."""
    identifier = target(page).get_attribute("aria-activedescendant")
    return page.locator(f"#{identifier}").text_content() if identifier else None


def test_typing_makes_the_list_shorter(many: Page) -> None:
    target(many).focus()
    expect(options(many)).to_have_count(0)
    many.keyboard.press("ArrowDown")
    expect(options(many)).to_have_count(101)
    expect(target(many)).to_have_attribute("aria-expanded", "true")
    assert active(many) == "English"
    many.keyboard.type("port")
    expect(options(many)).to_have_text(["Brazilian Portuguese"])
    expect(many.get_by_role("status")).to_have_text("1 of 101")
    many.keyboard.press("Enter")
    expect(target(many)).to_have_value("Brazilian Portuguese")
    expect(target(many)).to_have_attribute("aria-expanded", "false")
    assert many.url.endswith("#auto-pt-br")


@pytest.mark.parametrize(
    ("wanted", "first"),
    [
        ("fr", "French"),
        ("FRANÇ", "French"),
        ("francais", "French"),
        ("deutsch", "German"),
        ("中文", "Traditional Chinese"),
        ("zh-h", "Traditional Chinese"),
        ("chinese", "Traditional Chinese"),
    ],
)
def test_languages_are_found_by_names_and_codes(many: Page, wanted: str, first: str) -> None:
    target(many).fill(wanted)
    expect(options(many).first).to_have_text(first)
    target(many).press("Enter")
    expect(target(many)).to_have_value(first)


def test_arrows_pages_and_escape(many: Page) -> None:
    target(many).press("ArrowUp")  # opens
    assert active(many) == "English"
    many.keyboard.press("ArrowDown")
    below = active(many)
    assert below != "English"
    many.keyboard.press("ArrowUp")
    many.keyboard.press("ArrowUp")
    many.keyboard.press("ArrowDown")
    assert active(many) == "English"
    many.keyboard.press("PageDown")
    many.keyboard.press("PageUp")
    assert active(many) == "English"
    for _ in range(20):
        many.keyboard.press("PageDown")
    last = active(many)
    assert last == options(many).last.text_content()
    expect(options(many).last).to_be_in_viewport()
    many.keyboard.press("ArrowDown")
    assert active(many) == options(many).first.text_content()
    many.keyboard.press("Escape")
    expect(options(many)).to_have_count(0)
    expect(target(many)).to_have_value("English")
    expect(target(many)).to_be_focused()


def test_what_there_is_not(many: Page) -> None:
    target(many).fill("klingon")
    expect(options(many)).to_have_text(["There is no such language."])
    assert active(many) is None
    for key in ("ArrowDown", "Enter"):
        many.keyboard.press(key)
    options(many).click(force=True)
    expect(target(many)).to_have_value("klingon")
    many.keyboard.press("Tab")
    expect(target(many)).to_have_value("English")


def test_tab_takes_what_was_found_and_a_click_elsewhere_does_not(many: Page) -> None:
    target(many).fill("dan")
    many.keyboard.press("Tab")
    expect(target(many)).to_have_value("Danish")
    target(many).fill("ita")
    many.get_by_role("heading", name="Ferry").click()
    expect(target(many)).to_have_value("Danish")


def test_the_mouse(many: Page) -> None:
    target(many).click()
    options(many).filter(has_text="Welsh").click()
    expect(target(many)).to_have_value("Welsh")
    expect(options(many)).to_have_count(0)
    target(many).click()
    expect(options(many).filter(has_text="Welsh")).to_have_attribute("aria-selected", "true")
    target(many).click()
    expect(options(many)).to_have_count(0)


def test_what_was_detected_is_told_in_the_menu(page: Page) -> None:
    typed(page).fill(GERMAN)
    expect(page.get_by_label("Translate from")).to_have_value("German (detected)")
    page.get_by_label("Translate from").press("ArrowDown")
    first = page.get_by_role("listbox", name="Source languages").get_by_role("option").first
    expect(first).to_have_text("German (detected)")
    expect(first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    assert menus(page) == ["German (detected)", "English"]
