"""What tests of the page do with it and look at, and the texts they type."""

import json
import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

GERMAN = "Der Hund läuft heute durch den Park."
ENGLISH = "The dog runs through the park today."
REFUSED = "Failed to load resource"  # what chromium itself says of every answer that is not a success


def typed(page: Page) -> Locator:
    return page.get_by_label("Text to translate")


def translation(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Translation")


def menus(page: Page) -> list[str]:
    """What the two language menus show."""
    return [page.get_by_label(label).input_value() for label in ("Translate from", "Translate to")]


def choose(page: Page, label: str, language: str) -> None:
    """Take a language from a menu, by the mouse."""
    page.get_by_label(label).click()
    page.get_by_role("option", name=language, exact=True).click()


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
