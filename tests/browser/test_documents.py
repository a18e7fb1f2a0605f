"""Documents: dropped or chosen, translated in the background, downloaded."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import OpenPage, Watched
from tests.browser.steps import REFUSED, drop_file

pytestmark = pytest.mark.unmeasured

HANDLE = {"document_id": "A" * 32, "document_key": "k"}
STATUS = "**/v2/document/" + HANDLE["document_id"]


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("list", name="Documents").get_by_role("listitem").filter(has_text=name)


def answer_statuses(page: Page, *statuses: dict[str, Any]) -> None:
    """The server takes any document, and tells of it what is given here; the last again and again."""
    waiting = list(statuses)

    def tell(route: Route) -> None:
        told = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        route.fulfill(json={"document_id": HANDLE["document_id"], **told})

    page.route("**/v2/document", lambda route: route.fulfill(json=HANDLE))
    page.route(f"{STATUS}?document_key=k", lambda route: route.fulfill(status=204))
    page.route(STATUS, tell)
    page.route(f"{STATUS}/result", lambda route: route.fulfill(body="done"))


@pytest.mark.parametrize("how", ["drop", "choose"])
def test_a_document_is_translated(open_page: OpenPage, tmp_path: Path, how: str) -> None:
    page = open_page("#de-en")
    text = "Der Hund ist klein.\n\nDas Haus ist alt.\n"
    if how == "drop":
        drop_file(page, "brief.txt", text)
    else:
        file = tmp_path / "brief.txt"
        file.write_text(text)
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Translate files").click()
        chooser.value.set_files(file)
    link = page.get_by_role("link", name="Download brief.txt")
    expect(link).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("brief.en.txt is ready.")
    for _ in range(2):  # the server keeps it for one fetch, the page for as many as one likes
        with page.expect_download() as download:
            link.click()
        assert download.value.suggested_filename == "brief.en.txt"
        assert re.fullmatch(r".*dog.*\n\n.*house.*\n", Path(download.value.path()).read_text())
    page.get_by_role("button", name="Remove brief.txt").click()
    expect(page.get_by_role("list", name="Documents")).to_be_hidden()
    expect(page.get_by_role("button", name="Translate files")).to_be_focused()


def test_several_at_once_and_one_that_is_none(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page()
    texts = {
        "eins.txt": "Der Hund ist klein.",
        "zwei.srt": "1\n00:00:01,000 --> 00:00:02,000\nDas Haus\n",
        "photo.xyz": "",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Translate files").click()
    assert chooser.value.is_multiple()
    chooser.value.set_files([tmp_path / name for name in texts])
    for name, expected in {"eins.txt": "dog", "zwei.srt": "house"}.items():
        with page.expect_download() as download:
            row(page, name).get_by_role("link").click()
        assert expected in Path(download.value.path()).read_text()
    expect(row(page, "photo.xyz")).to_contain_text("Not a kind of file that Ferry translates; it takes .txt,")
    assert row(page, "photo.xyz").get_by_role("button").all_inner_texts() == ["Remove"]
    row(page, "eins.txt").get_by_role("button", name="Remove").click()
    expect(row(page, "zwei.srt").get_by_role("link")).to_be_focused()


def test_what_kinds_there_are_is_the_servers_to_say(page: Page) -> None:
    settings = page.request.get("/frontend/settings").json()
    page.route("**/frontend/settings", lambda r: r.fulfill(json={**settings, "supportedFilesFormat": [".xyz"]}))
    page.reload()
    expect(page.locator("#file")).to_have_attribute("accept", ".xyz")
    answer_statuses(page, {"status": "done"})
    drop_file(page, "a.txt", "x")
    expect(row(page, "a.txt")).to_contain_text("it takes .xyz.")
    drop_file(page, "A.XYZ", "x")
    expect(row(page, "A.XYZ").get_by_role("link")).to_be_visible()


def test_how_far_it_is(open_page: OpenPage) -> None:
    page = open_page("#de-en")
    page.clock.install()
    answer_statuses(
        page,
        {"status": "queued"},
        {"status": "translating"},
        {"status": "translating", "seconds_remaining": 90},
        {"status": "translating", "seconds_remaining": 1},
        {"status": "done"},
    )
    drop_file(page, "buch.txt", "x")
    progress = page.get_by_role("progressbar", name="Progress of buch.txt")
    seen = []
    for state in ("Waiting for its turn", "Being translated", "about 2 min left", "about 1 s left"):
        page.clock.run_for(2000)
        expect(row(page, "buch.txt")).to_contain_text(state)
        seen.append(progress.get_attribute("value"))
    assert seen[:2] == [None, None]
    assert 0 < float(seen[2] or 0) < float(seen[3] or 0) < 1
    page.clock.run_for(2000)
    expect(row(page, "buch.txt").get_by_role("link")).to_be_visible()
    expect(progress).to_be_hidden()


def test_cancelling_and_trying_again(page: Page) -> None:
    answer_statuses(page, {"status": "translating", "seconds_remaining": 60})
    drop_file(page, "buch.txt", "x")
    expect(row(page, "buch.txt")).to_contain_text("about 1 min left")
    with page.expect_request(f"{STATUS}?document_key=k") as cancelled:
        page.get_by_role("button", name="Cancel buch.txt").press("Enter")
    assert cancelled.value.method == "DELETE"
    expect(row(page, "buch.txt")).to_contain_text("Cancelled")
    expect(page.get_by_role("button", name="Try again buch.txt")).to_be_focused()
    answer_statuses(page, {"status": "done"})
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Download buch.txt")).to_be_visible()


def test_why_a_document_was_not_translated(page: Page, watched: Watched) -> None:
    watched.allowed = REFUSED
    answer_statuses(page, {"status": "error", "error_message": "Source and target language are equal."})
    drop_file(page, "buch.txt", "x")
    expect(row(page, "buch.txt")).to_contain_text("Source and target language are equal.")
    expect(page.get_by_role("status")).to_have_text("buch.txt: Source and target language are equal.")
    refusal = {"message": "The file is damaged"}
    page.route("**/v2/document", lambda route: route.fulfill(status=400, json=refusal))
    drop_file(page, "kaputt.docx", "x")
    expect(row(page, "kaputt.docx")).to_contain_text("The file is damaged")


def test_a_full_or_lost_server_is_waited_for(page: Page, watched: Watched) -> None:
    watched.allowed = REFUSED
    answer_statuses(page, {"status": "done"})
    full = {"message": "All documents together take too much."}
    page.route("**/v2/document", lambda r: r.fulfill(status=429, json=full, headers={"Retry-After": "1"}), times=1)
    page.route(STATUS, lambda route: route.abort(), times=1)
    drop_file(page, "buch.txt", "x")
    expect(row(page, "buch.txt")).to_contain_text("All documents together take too much. It is tried again.")
    expect(row(page, "buch.txt")).to_contain_text("Ferry cannot be reached. It is tried again.")
    expect(row(page, "buch.txt").get_by_role("link")).to_be_visible()
