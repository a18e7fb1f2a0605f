"""Who uses no mouse, listens instead of looking, wants it dark, or has a small screen."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, Watched
from tests.browser.steps import GERMAN, REFUSED, drop_file, translation, typed

pytestmark = pytest.mark.unmeasured


def test_the_theme_follows_the_system_until_it_is_chosen(open_page: OpenPage) -> None:
    page = open_page(color_scheme="dark")
    button = page.get_by_role("button", name="Dark mode")
    background = "getComputedStyle(document.body).backgroundColor"
    expect(button).to_have_attribute("aria-pressed", "true")
    dark = page.evaluate(background)
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    light = page.evaluate(background)
    assert light != dark
    page.reload()
    expect(button).to_have_attribute("aria-pressed", "false")
    assert page.evaluate(background) == light
    button.click()
    page.emulate_media(color_scheme="light")
    page.reload()
    assert page.evaluate(background) == dark


def test_all_of_it_works_without_a_mouse(open_page: OpenPage) -> None:
    page = open_page("#de-en")
    expect(typed(page)).to_be_focused()
    page.keyboard.type(GERMAN)
    page.keyboard.press("Control+Enter")
    expect(translation(page)).to_have_value(re.compile("dog"))
    reached = []
    for _ in range(13):
        page.keyboard.press("Tab")
        focused = page.locator(":focus-visible")
        if focused.count() and (identifier := focused.get_attribute("id")):
            reached.append(identifier)
            shown = focused.evaluate("it => getComputedStyle(it).outlineStyle")
            assert shown != "none" or identifier == "source", identifier
    controls = [
        "choose",
        "clear",
        "target",
        "more",
        "glossaries",
        "copy",
        "theme",
        "source-language",
        "swap",
        "target-language",
    ]
    assert set(controls) <= set(reached)
    page.get_by_role("button", name="Alternatives").press("Enter")
    expect(page.get_by_role("group", name="Alternatives").get_by_role("button").first).to_be_visible()
    typed(page).press("Escape")
    expect(typed(page)).to_have_value("")
    expect(translation(page)).to_have_value("")
    page.keyboard.press("Control+z")
    expect(typed(page)).to_have_value(GERMAN)
    expect(translation(page)).to_have_value(re.compile("dog"))


def reached_by_tab(page: Page, number: int) -> set[str]:
    """What the next presses of the tab key reach, by their names; each shows that it is reached."""
    names = set()
    for _ in range(number):
        page.keyboard.press("Tab")
        focused = page.locator(":focus-visible")
        if not focused.count():
            continue  # behind the last one comes the browser's own
        assert focused.evaluate("it => getComputedStyle(it).outlineStyle") != "none"
        names.add(focused.evaluate("it => it.ariaLabel || it.labels?.[0]?.firstChild.data.trim() || it.innerText"))
    return names


def test_the_dialog_is_used_without_a_mouse(open_page: OpenPage) -> None:
    page = open_page("#de-en", reduced_motion="reduce")
    page.get_by_role("button", name="Glossary").press("Enter")
    page.get_by_label("Translate with").select_option(label="New glossary…")
    page.get_by_role("button", name="Add a term").press("Enter")
    page.keyboard.type("Hund")
    controls = {
        "Term in English",
        "Remove the term",
        "Add a term",
        "Import TSV",
        "Export TSV",
        "Discard",
        "Save",
        "Close",
    }
    assert {*controls, "Name"} <= reached_by_tab(page, 12)
    page.get_by_role("button", name="Remove the term").press("Enter")
    expect(page.get_by_role("button", name="Add a term")).to_be_focused()
    page.get_by_role("button", name="Discard").press("Enter")
    expect(page.get_by_label("Translate with")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("button", name="Glossary")).to_be_focused()


def test_documents_are_used_without_a_mouse(open_page: OpenPage) -> None:
    page = open_page("#de-en", reduced_motion="reduce")
    drop_file(page, "brief.txt", GERMAN)
    expect(page.get_by_role("link", name="Download")).to_be_visible()
    page.get_by_role("button", name="Glossary").focus()
    assert reached_by_tab(page, 2) == {"Download brief.txt", "Remove brief.txt"}
    with page.expect_download():
        page.get_by_role("link", name="Download").press("Enter")


SIZES = {"phone": (390, 844), "small phone": (320, 568), "desk": (1280, 800)}


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_nothing_is_wider_than_the_screen(open_page: OpenPage, size: tuple[int, int]) -> None:
    page = open_page("#auto-en", viewport={"width": size[0], "height": size[1]})
    typed(page).fill(f"{GERMAN} {'Donaudampfschifffahrt' * 8}")
    expect(translation(page)).not_to_have_value("")
    page.get_by_role("button", name="Alternatives").click()
    expect(page.locator("#alternatives :is(button, p)").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    above = page.locator("#source-pane").bounding_box()
    below = page.locator("#target-pane").bounding_box()
    assert above is not None
    assert below is not None
    assert (below["y"] >= above["y"] + above["height"]) == (size[0] < 700)


CONTROLS = ("button", "combobox", "textbox", "link", "checkbox", "heading", "group", "region")


def test_each_control_has_a_name(page: Page) -> None:
    typed(page).fill(GERMAN)
    expect(translation(page)).to_have_value(re.compile("dog"))
    page.get_by_role("button", name="Alternatives").click()
    expect(page.get_by_role("group", name="Alternatives").get_by_role("button").first).to_be_visible()
    snapshot = page.locator("body").aria_snapshot()
    found = re.findall(r"^\s*- '?(\w+)( \".)?", snapshot, re.MULTILINE)
    unnamed = [role for role, name in found if role in CONTROLS and not name]
    assert unnamed == [], snapshot
    assert {"button", "combobox", "textbox", "heading", "status"} <= {role for role, _ in found}, snapshot
    assert page.evaluate("document.documentElement.lang") == "en"


CONTRASTS = """() => {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
    const rgb = (color) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const luminance = (color) => {
        const linear = (c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
        const [r, g, b] = rgb(color).map((c) => linear(c / 255));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const background = (it) => {
        const color = getComputedStyle(it).backgroundColor;
        return rgb(color)[3] === 255 || !it.parentElement ? color : background(it.parentElement);
    };
    const found = {};
    for (const it of document.querySelectorAll("body *:not(:disabled, option, .mirror, .mirror *)")) {
        const own = [...it.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data).join("");
        const text = typeof it.value === "string" ? it.value : own;
        if (!text.trim() || !it.checkVisibility()) continue;
        const [a, b] = [luminance(getComputedStyle(it).color), luminance(background(it))];
        found[`${it.tagName} ${text.trim().slice(0, 20)}`] = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    }
    return found;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_background(open_page: OpenPage, watched: Watched, scheme: str) -> None:
    watched.allowed = REFUSED
    page = open_page("#de-en", color_scheme=scheme, reduced_motion="reduce")
    typed(page).fill(GERMAN)
    expect(translation(page)).to_have_value(re.compile("dog"))
    drop_file(page, "brief.txt", "Der Hund ist klein.")
    expect(page.get_by_role("link", name="Download")).to_be_visible()
    page.route("**/v1/translate", lambda route: route.fulfill(status=504, json={"error": "No."}))
    page.get_by_role("button", name="Alternatives").click()
    expect(page.get_by_role("alert")).to_be_visible()
    ratios = page.evaluate(CONTRASTS)
    assert len(ratios) > 10
    assert {text: ratio for text, ratio in ratios.items() if ratio < 4.5} == {}  # WCAG 2.2 AA, 1.4.3
