"""The page in a real browser, against a real server with the bundled model."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import TIMEOUT_MS, OpenPage, Server, Watched

pytestmark = pytest.mark.unmeasured

GERMAN = "Der Hund läuft heute durch den Park."
ENGLISH = "The dog runs through the park today."
REFUSED = "Failed to load resource"  # what chromium itself says of every answer that is not a success


def typed(page: Page) -> Locator:
    return page.get_by_label("Text to translate")


def translation(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Translation")


def menus(page: Page) -> list[str]:
    """What the two language menus show."""
    return [
        page.get_by_label(label).evaluate("menu => menu.selectedOptions[0].text")
        for label in ("Translate from", "Translate to")
    ]


def word(page: Page, side: str, text: str) -> Locator:
    return page.locator(f"#{side}-mirror .word").filter(has_text=re.compile(f"^{text}$")).first


def point_at(page: Page, found: Locator) -> None:
    """The pointer on a word, which lies under the text field."""
    box = found.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def answer(text: str, **more: Any) -> str:
    """An answer of the server, made up."""
    model = {"name": "fake", "version": "1"}
    told = {"text": text, "source": "en", "model": model, "alignments": [], "segments": [], **more}
    return json.dumps({"translations": [told]})


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
    page.get_by_label("Translate to").select_option("de")
    assert menus(page) == ["English", "German"]
    page.get_by_label("Translate from").select_option("de")
    assert menus(page) == ["German", "English"]
    page.evaluate("location.hash = '#en-de'")
    expect(page.get_by_label("Translate to")).to_have_value("de")
    page.evaluate("location.hash = '#xx-yy'")
    assert menus(page) == ["English", "German"]


def test_the_address_keeps_the_languages_and_never_the_text(open_page: OpenPage) -> None:
    page = open_page("#de-en")
    typed(page).fill("Geheimnis im Garten")
    expect(translation(page)).not_to_have_value("")
    assert page.url.endswith("/#de-en")
    assert page.evaluate("JSON.stringify([history.state, Object.entries(localStorage)])") == "[null,[]]"


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


@pytest.mark.parametrize("how", ["drop", "choose"])
def test_a_file_is_translated(open_page: OpenPage, tmp_path: Path, how: str) -> None:
    page = open_page("#de-en")
    text = "Der Hund ist klein.\n\nDas Haus ist alt.\n"
    if how == "drop":
        drop_file(page, "brief.txt", text)
    else:
        file = tmp_path / "brief.txt"
        file.write_text(text)
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Translate a file").click()
        chooser.value.set_files(file)
    link = page.get_by_role("link", name="Download")
    expect(link).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("brief.en.txt is ready.")
    for _ in range(2):  # the server keeps it for one fetch, the page for as many as one likes
        with page.expect_download() as download:
            link.click()
        assert download.value.suggested_filename == "brief.en.txt"
        assert re.fullmatch(r".*dog.*\n\n.*house.*\n", Path(download.value.path()).read_text())
    page.get_by_role("button", name="Close").click()
    expect(link).to_be_hidden()


def test_a_file_of_another_kind_is_refused_before_it_is_sent(page: Page) -> None:
    drop_file(page, "photo.png", "")
    expect(page.get_by_role("group", name="Translated file")).to_contain_text("photo.png is not a kind of file")
    expect(page.locator(".drop")).to_be_hidden()


def drop_file(page: Page, name: str, text: str) -> None:
    """Drag a file over the page and let it go."""
    transfer = page.evaluate_handle(
        """([name, text]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([text], name, {type: "text/plain"}));
            return transfer;
        }""",
        [name, text],
    )
    page.dispatch_event("main", "dragover", {"dataTransfer": transfer})
    expect(page.locator(".drop")).to_be_visible()
    page.dispatch_event("main", "drop", {"dataTransfer": transfer})


def test_copying(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    typed(page).fill(GERMAN)
    expect(translation(page)).to_have_value(re.compile("dog"))
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == translation(page).input_value()


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
    for _ in range(12):
        page.keyboard.press("Tab")
        focused = page.locator(":focus-visible")
        if focused.count() and (identifier := focused.get_attribute("id")):
            reached.append(identifier)
            shown = focused.evaluate("it => getComputedStyle(it).outlineStyle")
            assert shown != "none" or identifier == "source", identifier
    controls = ["choose", "clear", "target", "more", "copy", "theme", "source-language", "swap", "target-language"]
    assert set(controls) <= set(reached)
    page.get_by_role("button", name="Alternatives").press("Enter")
    expect(page.get_by_role("group", name="Alternatives").get_by_role("button").first).to_be_visible()
    typed(page).press("Escape")
    expect(typed(page)).to_have_value("")
    expect(translation(page)).to_have_value("")
    page.keyboard.press("Control+z")
    expect(typed(page)).to_have_value(GERMAN)
    expect(translation(page)).to_have_value(re.compile("dog"))


def test_control_and_enter_do_not_wait_for_a_pause(page: Page) -> None:
    page.clock.install()  # no timer of the page runs by itself from here on
    page.clock.pause_at(page.evaluate("Date.now() + 60_000"))
    typed(page).fill(GERMAN)
    expect(page.locator("#count")).to_contain_text(str(len(GERMAN)))
    expect(translation(page)).to_have_value("")
    typed(page).press("Control+Enter")
    expect(translation(page)).to_have_value(re.compile("dog"))


def test_a_busy_server_is_asked_again(page: Page, watched: Watched) -> None:
    watched.allowed = REFUSED
    refusal = {"error": {"code": "overloaded", "message": "The queue is full; ask again."}}
    page.route("**/v1/translate", lambda r: r.fulfill(status=503, json=refusal, headers={"Retry-After": "1"}), times=1)
    typed(page).fill(GERMAN)
    expect(page.get_by_role("alert")).to_contain_text("The queue is full; ask again.")
    expect(translation(page)).to_have_value(re.compile("dog"))
    expect(page.get_by_role("alert")).to_be_hidden()


def test_a_refusal_is_told_in_the_servers_words(page: Page, watched: Watched) -> None:
    watched.allowed = REFUSED
    refusal = {"error": {"code": "deadline_exceeded", "message": "It took over 30 s."}}
    page.route("**/v1/translate", lambda route: route.fulfill(status=504, json=refusal), times=1)
    typed(page).fill(GERMAN)
    expect(page.get_by_role("alert")).to_contain_text("It took over 30 s.")
    page.get_by_role("button", name="Try again").click()
    expect(translation(page)).to_have_value(re.compile("dog"))
    expect(typed(page)).to_be_focused()


def test_a_server_that_stops_and_comes_back(open_page: OpenPage, watched: Watched) -> None:
    watched.allowed = REFUSED
    with Server() as server:
        page = open_page(at=server.url)
    typed(page).fill(GERMAN)
    expect(page.get_by_role("alert")).to_contain_text("Ferry cannot be reached.")
    assert translation(page).input_value() == ""
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    with Server(server.port):
        # By itself, each time after a longer pause than before.
        expect(translation(page)).to_have_value(re.compile("dog"), timeout=3 * TIMEOUT_MS)
        expect(page.get_by_role("alert")).to_be_hidden()


def test_offline(page: Page, watched: Watched) -> None:
    watched.allowed = REFUSED  # chromium may still be fetching the tab's icon
    page.context.set_offline(True)
    expect(page.get_by_role("alert")).to_contain_text("You are offline.")
    page.context.set_offline(False)
    expect(page.get_by_role("alert")).to_be_hidden()


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
        const text = it.value ?? [...it.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data).join("");
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
