"""A server that refuses, is busy, or is away, and what the page says of it."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import TIMEOUT_MS, OpenPage, Server, Watched
from tests.browser.steps import GERMAN, REFUSED, translation, typed

pytestmark = pytest.mark.unmeasured


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
