"""What programs send that cannot be installed here, as their sources say, to a real server with the bundled model."""

import html
from collections.abc import Iterator

import httpx
import pytest

from tests.serving import serving

pytestmark = pytest.mark.unmeasured

KEY = {"Authorization": "DeepL-Auth-Key any"}
APP_VALUES = [
    "Save changes",
    "Delete {{count}} files?",
    "Hello, {{name}}!",
    "You're <b>almost</b> done",
    "Terms & conditions",
    'The file "report.pdf" was not found.',
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with (
        serving(tmp_path_factory.mktemp("data")) as url,
        httpx.Client(base_url=url, headers=KEY, timeout=300) as client,
    ):
        yield client


def translate(site: httpx.Client, **request: object) -> str:
    answer = site.post("/v2/translate", **request)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    text: str = answer.json()["translations"][0]["text"]
    return text


@pytest.mark.parametrize("delimiter", ["\n#__#\n", "*|*"])
def test_i18n_auto_translation(site: httpx.Client, delimiter: str) -> None:
    """It joins all values of a file, writes entities, and takes the answer apart again."""
    body = {
        "text": [html.escape(delimiter.join(APP_VALUES))],
        "target_lang": "de",
        "source_lang": "en",
        "preserve_formatting": True,
    }
    values = html.unescape(translate(site, json=body)).split(delimiter)
    assert len(values) == len(APP_VALUES)
    save, delete, hello, almost, terms, file = values
    assert save[0].isupper()
    assert "änderungen" in save.lower()
    assert "{{count}}" in delete
    assert delete.endswith("?")
    assert hello == "Hallo, {{name}}!"
    assert "<b>" in almost
    assert "</b>" in almost
    assert terms.count("&") == 1
    assert "report.pdf" in file
    assert file.endswith(".")


def test_the_ebook_translator_of_calibre(site: httpx.Client) -> None:
    """A form without a source where it is to be detected, and a sum that needs both figures of the usage."""
    assert translate(site, data={"text": "Das Haus ist rot.", "target_lang": "EN"}) == "The house is red."
    form = {"text": "Das Haus ist rot.\n\nEs regnet.", "target_lang": "EN-US", "source_lang": "DE"}
    assert translate(site, data=form).split("\n\n")[0] == "The house is red."
    usage = site.get("/v2/usage").json()
    assert usage["character_limit"] - usage["character_count"] > 0


def test_subtitle_edit(site: httpx.Client) -> None:
    """A form with lines of a subtitle as they are, and codes in lower case."""
    form = {
        "text": "<i>Guten Morgen.</i>\n- Wie geht es dir?",
        "target_lang": "en-gb",
        "source_lang": "de",
        "formality": "default",
    }
    first, second = translate(site, data=form).split("\n")
    assert first == "<i>Good morning.</i>"
    assert second.startswith("- ")
    assert second.endswith("?")


def test_weblate_with_placeholders(site: httpx.Client) -> None:
    """Placeholders are elements that it wants ignored, with a number of its own."""
    body = {
        "text": ['Hallo <x id="7"></x>, du hast <x id="23"></x> neue Nachrichten.'],
        "source_lang": "DE",
        "target_lang": "EN",
        "tag_handling": "xml",
        "ignore_tags": ["x"],
    }
    answer = translate(site, json=body)
    assert answer.count('<x id="7"></x>') == answer.count('<x id="23"></x>') == 1
    assert answer.index('id="7"') < answer.index('id="23"')
    assert answer.endswith('you have <x id="23"></x> new messages.')
