"""Documents: dropped or chosen, translated in the background, downloaded."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.steps import drop_file

pytestmark = pytest.mark.unmeasured


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
