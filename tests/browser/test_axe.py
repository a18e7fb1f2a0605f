"""What axe-core finds at fault in the page, in all its states: nothing."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.steps import GERMAN, drop_file, translation, typed
from tests.browser.test_menus import serve_many
from tests.programs import need_axe

pytestmark = pytest.mark.unmeasured

# As its documentation has it: what a rule found, and where. Rules of good practice count as well as those of WCAG.
RUN = """async () => (await axe.run(document, {resultTypes: ["violations", "passes"]}))"""


def find_faults(page: Page) -> list[str]:
    """What axe-core finds at fault in the page as it is now."""
    page.evaluate(need_axe())  # which the page's own policy would not let in
    found = page.evaluate(RUN)
    assert len(found["passes"]) > 10  # it has looked
    return [f"{each['id']}: {node['html']}" for each in found["violations"] for node in each["nodes"]]


def test_axe_finds_what_is_at_fault(page: Page) -> None:
    page.evaluate("document.querySelector('#copy').replaceChildren()")
    assert any(fault.startswith("button-name:") for fault in find_faults(page))


def empty(page: Page) -> None:
    expect(typed(page)).to_be_focused()


def translated(page: Page) -> None:
    typed(page).fill(GERMAN)
    expect(translation(page)).to_have_value(re.compile("dog"))
    page.get_by_role("button", name="Alternatives").click()
    expect(page.get_by_role("group", name="Alternatives").get_by_role("button").first).to_be_visible()


def by_sentence(page: Page) -> None:
    typed(page).fill(f"{GERMAN} Das Haus ist alt.")
    expect(page.locator("#target-mirror .sentence")).to_have_count(2)
    page.get_by_role("button", name="Alternatives").click()
    page.get_by_role("button", name="Next sentence").click()
    expect(page.locator("#alternatives-list button").first).to_be_visible()


def documents(page: Page) -> None:
    """One under way, one done, one refused, one cancelled."""
    drop_file(page, "fertig.txt", GERMAN)
    expect(page.get_by_role("link", name="Download")).to_be_visible()
    under_way = {"document_id": "A", "status": "translating", "seconds_remaining": 60}
    page.route("**/v2/document", lambda route: route.fulfill(json={"document_id": "A", "document_key": "k"}))
    page.route("**/v2/document/A*", lambda route: route.fulfill(json=under_way))
    for name in ("photo.xyz", "cancelled.txt", "buch.txt"):
        drop_file(page, name, GERMAN)
    page.get_by_role("button", name="Cancel cancelled.txt").click()
    expect(page.get_by_role("list", name="Documents")).to_contain_text("about 1 min left")


def glossary(page: Page) -> None:
    """One that is being made, refused once, with more terms than are shown."""
    page.get_by_role("button", name="Glossary").click()
    page.get_by_label("Translate with").select_option(label="New glossary…")
    lines = "".join(f"Wort {n}\tword {n}\n" for n in range(300))
    file = {"name": "a.tsv", "mimeType": "text/plain", "buffer": lines.encode()}
    page.locator("#glossary-file").set_input_files([file])  # type: ignore[list-item]
    expect(page.get_by_role("dialog")).to_contain_text("100 more")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog").get_by_role("alert")).to_be_visible()


def pairs(page: Page) -> None:
    serve_many(page)
    page.get_by_label("Translate to").fill("a")
    expect(page.get_by_role("option").first).to_be_visible()


def key(page: Page) -> None:
    settings = page.request.get("/frontend/settings").json()
    page.route("**/frontend/settings", lambda route: route.fulfill(json={**settings, "keyRequired": True}))
    page.reload()
    expect(page.get_by_label("This server asks for an API key")).to_be_visible()


_ALL = (empty, translated, by_sentence, documents, glossary, pairs, key)
STATES: dict[str, Callable[[Page], None]] = {each.__name__: each for each in _ALL}
LOOKS = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True},
}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("state", STATES)
def test_nothing_is_at_fault(open_page: OpenPage, state: str, look: str) -> None:
    page = open_page("#de-en", reduced_motion="reduce", **LOOKS[look])
    STATES[state](page)
    assert find_faults(page) == []
