"""What axe-core finds at fault in the page, in all its states: nothing."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.steps import GERMAN, translation, typed
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


STATES: dict[str, Callable[[Page], None]] = {each.__name__: each for each in (empty, translated)}
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
