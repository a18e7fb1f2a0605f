"""Every endpoint of every dialect, asked with curl, over the bundled model; and the requests of two applications."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.programs import need

BUNDLE = Path("models/en-de")
SRT = "1\n00:00:01,000 --> 00:00:02,500\nGuten Morgen.\n"


class Curl:
    """curl against one server; it remembers which method and path were asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: set[tuple[str, str]] = set()

    def raw(self, path: str, *arguments: str) -> tuple[int, str]:
        """Status and body."""
        method = arguments[arguments.index("-X") + 1] if "-X" in arguments else None
        sends = {"-d", "-F", "--json", "--data-urlencode"}.intersection(arguments)
        self.asked.add((method or ("POST" if sends and "-G" not in arguments else "GET"), path.partition("?")[0]))
        command = ["curl", "-sS", "--max-time", "60", "-w", "\n%{http_code}", self.url + path, *arguments]
        done = subprocess.run(command, capture_output=True, check=True, text=True)
        body, _, status = done.stdout.rpartition("\n")
        return int(status), body

    def __call__(self, path: str, *arguments: str) -> Any:
        """The JSON of an answer that went well."""
        status, body = self.raw(path, *arguments)
        assert 200 <= status < 300, (path, status, body)
        return json.loads(body) if body else None

    def json(self, path: str, body: object, *arguments: str) -> Any:
        """The answer to JSON."""
        return self(path, "-d", json.dumps(body), "-H", "Content-Type: application/json", *arguments)


@pytest.fixture
def curl(tmp_path: Path) -> Iterator[Curl]:
    need("curl")
    command = [sys.executable, "-m", "server.serve", "--port=0", f"--models={BUNDLE}", f"--data={tmp_path / 'data'}"]
    # Whatever else this machine does now, the answers are what is looked at.
    patient = [*command, "--deadline-s=60", "--num-threads=1"]
    process = subprocess.Popen(patient, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if ready := re.search(r"ready on (http://\S+)", line):
            break
    else:
        raise AssertionError("it did not start")
    yield Curl(ready.group(1))
    process.terminate()
    assert process.wait(30) == 0
    process.stderr.close()


@pytest.mark.slow
@pytest.mark.unmeasured
def test_every_endpoint(curl: Curl, tmp_path: Path) -> None:
    _native(curl)
    _deepl(curl)
    _deepl_glossaries(curl)
    _deepl_document(curl, tmp_path)
    _libre(curl, tmp_path)
    _google(curl)
    _plugins(curl)
    described = {
        (method.upper(), path) for path, methods in curl("/openapi.json")["paths"].items() for method in methods
    }
    templates = {template: re.compile(re.sub(r"\{\w+\}", "[^/]+", template)) for _, template in described}
    missing = {
        (method, template)
        for method, template in described
        if not any(asked == method and templates[template].fullmatch(path) for asked, path in curl.asked)
    }
    assert not missing


def _native(curl: Curl) -> None:
    asked = {"text": ["Guten Morgen.", ""], "source": "de", "target": "en", "segments": True, "alignments": True}
    first, empty = curl.json("/v1/translate", {**asked, "num_alternatives": 2, "scores": True})["translations"]
    assert first["text"] == "Good morning."
    assert len(first["alternatives"]) == 2
    assert {"source": [6, 12], "target": [5, 12]} in first["alignments"]
    assert empty["text"] == ""
    named = {"text": "Guten Morgen, {name}.", "source": "de", "target": "en", "alignments": True}
    [answer] = curl.json("/v1/translate", named)["translations"]
    assert "{name}" in answer["text"]
    assert {"source": [6, 12], "target": [5, 12]} in answer["alignments"]
    # Behind a line of marks alone and another with a placeholder, still in characters of the whole text.
    lines = "- 12 -\n{name}\nGuten Morgen, {name}."
    [answer] = curl.json("/v1/translate", {**named, "text": lines})["translations"]
    assert answer["text"].startswith("- 12 -\n{name}\nGood morning")
    assert {"source": [20, 26], "target": [19, 26]} in answer["alignments"]
    tagged = {"text": "<p>Guten <b>Morgen</b>.</p>", "target": "en", "format": "html"}
    assert curl.json("/v1/translate", tagged)["translations"][0]["text"] == "<p>Good <b>morning</b>.</p>"
    status, streamed = curl.raw(
        "/v1/translate", "-d", json.dumps({"text": "Guten Morgen.", "target": "en", "stream": True})
    )
    assert (status, [json.loads(line) for line in streamed.splitlines()]) == (
        200,
        [{"index": 0, "text": "Good morning."}, {"done": True}],
    )
    assert curl.json("/v1/detect", {"text": "Guten Morgen."})["detections"][0]["language"] == "de"
    assert curl("/v1/models")["models"][0]["name"] == "en-de"
    assert curl("/translate?q=Guten+Morgen.&source=de&target=en") == {"translatedText": "Good morning."}
    assert curl("/health/live") == curl("/health/ready") == {"status": "ok"}
    assert "ferry_ready 1.0" in curl.raw("/metrics")[1]


def _deepl(curl: Curl) -> None:
    key = ("-H", "Authorization: DeepL-Auth-Key any")
    form = ("-d", "target_lang=EN-US", "--data-urlencode", "text=Guten Morgen.", "--data-urlencode", "text=Danke.")
    translations = curl("/v2/translate", *key, *form)["translations"]
    assert [each["text"] for each in translations] == ["Good morning.", "Thank you."]
    assert translations[0]["detected_source_language"] == "DE"
    assert {each["language"] for each in curl("/v2/languages?type=target", *key)} == {"DE", "EN-GB", "EN-US"}
    languages = curl("/v3/languages?resource=translate_text", *key)
    assert {each["lang"] for each in languages if each["usable_as_target"]} == {"de", "en", "en-GB", "en-US"}
    assert "translate_text" in {each["name"] for each in curl("/v3/languages/resources", *key)}
    assert curl("/v2/usage", *key) == curl("/v2/usage", *key, "-X", "POST")
    assert curl("/v2/usage", *key)["character_count"] > 0
    assert len(curl("/v2/languages", *key, "-d", "type=source")) == 2
    assert {"source_lang": "de", "target_lang": "en"} in curl("/v2/glossary-language-pairs", *key)[
        "supported_languages"
    ]
    glossary = {
        "name": "g",
        "source_lang": "de",
        "target_lang": "en",
        "entries_format": "tsv",
        "entries": "Haus\tmansion",
    }
    created = curl.json("/v2/glossaries", glossary, *key)
    one = f"/v2/glossaries/{created['glossary_id']}"
    assert curl("/v2/glossaries", *key)["glossaries"] == [curl(one, *key)] == [created]
    assert curl.raw(f"{one}/entries", *key)[1].strip() == "Haus\tmansion"
    asked = {
        "text": "Das Haus ist alt.",
        "source_lang": "DE",
        "target_lang": "EN",
        "glossary_id": created["glossary_id"],
    }
    assert "mansion" in curl.json("/v2/translate", asked, *key)["translations"][0]["text"]
    assert curl.raw(one, *key, "-X", "DELETE") == (204, "")


def _deepl_glossaries(curl: Curl) -> None:
    key = ("-H", "Authorization: DeepL-Auth-Key any")
    direction = {"source_lang": "de", "target_lang": "en"}
    dictionary = {**direction, "entries_format": "tsv", "entries": "Haus\tmansion"}
    created = curl.json("/v3/glossaries", {"name": "g", "dictionaries": [dictionary]}, *key)
    one = f"/v3/glossaries/{created['glossary_id']}"
    assert curl("/v3/glossaries", *key)["glossaries"] == [curl(one, *key)] == [created]
    more = {**dictionary, "entries": "Hund\thound"}
    changed = curl.json(one, {"name": "h", "dictionaries": [more]}, *key, "-X", "PATCH")
    assert (changed["name"], changed["dictionaries"][0]["entry_count"]) == ("h", 2)
    [found] = curl(f"{one}/entries?source_lang=de&target_lang=en", *key)["dictionaries"]
    assert found["entries"] == "Haus\tmansion\nHund\thound"
    assert curl.json(f"{one}/dictionaries", more, *key, "-X", "PUT") == {**direction, "entry_count": 1}
    assert curl.raw(f"{one}/dictionaries?source_lang=de&target_lang=en", *key, "-X", "DELETE") == (204, "")
    assert curl.raw(one, *key, "-X", "DELETE") == (204, "")


def _deepl_document(curl: Curl, folder: Path) -> None:
    (folder / "film.srt").write_text(SRT)
    handle = curl(
        "/v2/document", "-F", f"file=@{folder / 'film.srt'}", "-F", "target_lang=EN-US", "-F", "source_lang=DE"
    )
    one, key = f"/v2/document/{handle['document_id']}", ("-d", f"document_key={handle['document_key']}")
    end = time.monotonic() + 60
    while curl(one, *key)["status"] != "done":
        assert time.monotonic() < end
    assert curl.raw(f"{one}/result", *key) == (200, SRT.replace("Guten Morgen.", "Good morning."))
    assert curl.raw(f"{one}/result", *key)[0] == 404
    curl.raw(one, "-G", *key)
    curl.raw(f"{one}/result", "-G", *key)
    assert curl.raw(one, "-X", "DELETE", *key)[0] == 404
    handle = curl("/v2/document", "-F", f"file=@{folder / 'film.srt'}", "-F", "target_lang=EN-US")
    one, key = f"/v2/document/{handle['document_id']}", ("-d", f"document_key={handle['document_key']}")
    assert curl.raw(one, "-X", "DELETE", *key) == (204, "")


def _libre(curl: Curl, folder: Path) -> None:
    answer = curl.json("/translate", {"q": ["Guten Morgen."], "source": "auto", "target": "en"})
    assert answer["translatedText"] == ["Good morning."]
    assert answer["detectedLanguage"][0]["language"] == "de"
    assert curl("/detect", "-d", "q=Guten Morgen.")[0]["language"] == "de"
    assert {each["code"] for each in curl("/languages")} == {"de", "en"}
    assert curl("/health") == {"status": "ok"}
    assert ".docx" in curl("/frontend/settings")["supportedFilesFormat"]
    assert curl("/spec")["openapi"]
    assert curl.raw("/suggest", "-X", "POST")[0] == 403
    (folder / "text.txt").write_text("Guten Morgen.\n")
    file = ("-F", f"file=@{folder / 'text.txt'}", "-F", "source=de", "-F", "target=en")
    url = curl("/translate_file", *file)["translatedFileUrl"]
    assert curl.raw(url.removeprefix(curl.url)) == (200, "Good morning.\n")


def _google(curl: Curl) -> None:
    path, expected = "/language/translate/v2", {"translatedText": "Good morning.", "detectedSourceLanguage": "de"}
    for answer in (
        curl.json(f"{path}?key=any", {"q": "Guten Morgen.", "target": "en"}),
        curl(f"{path}?q=Guten%20Morgen.&target=en"),
        curl.json(f"/google{path}", {"q": "Guten Morgen.", "target": "en"}),
        curl(f"/google{path}?q=Guten%20Morgen.&target=en"),
    ):
        assert answer == {"data": {"translations": [expected]}}
    for answer in (curl(f"{path}/detect", "-d", "q=Guten Morgen."), curl(f"{path}/detect?q=Guten%20Morgen.")):
        assert answer["data"]["detections"][0][0]["language"] == "de"
    assert curl(f"{path}/languages") == {"data": {"languages": [{"language": "de"}, {"language": "en"}]}}


def _plugins(curl: Curl) -> None:
    texts, languages = ["Guten Morgen.", "Danke."], {"from": "de", "to": "en"}
    answer = curl.json("/imme?token=any", {"source_lang": "auto", "target_lang": "en", "text_list": texts})
    expected = ["Good morning.", "Thank you."]
    assert answer == {"translations": [{"detected_source_lang": "de", "text": text} for text in expected]}
    many = curl.json("/kiss", {**languages, "texts": texts}, "-H", "Authorization: Bearer any")
    assert many == {"translations": [{"text": text, "src": "de"} for text in expected]}
    assert curl.json("/translate", {**languages, "text": texts[0], "html": False}) == {"result": expected[0]}
    assert curl.json("/translate/batch", {**languages, "texts": texts}) == {"results": expected}
    assert curl("/version")["version"]
    assert curl.raw("/__heartbeat__") == curl.raw("/__lbheartbeat__") == (200, "Ready")


@pytest.mark.slow
@pytest.mark.unmeasured
def test_requests_of_applications_over_the_bundled_model(curl: Curl) -> None:
    weblate = {
        "text": ['Guten <x id="7"></x>Morgen.', "Danke."],
        "source_lang": "DE",
        "target_lang": "EN",
        "formality": "default",
        "tag_handling": "xml",
        "ignore_tags": ["x"],
    }
    answer = curl.json("/v2/translate", weblate, "-H", "Authorization: DeepL-Auth-Key any")
    assert [each["text"] for each in answer["translations"]] == ['Good <x id="7"></x>morning.', "Thank you."]
    mastodon = ("-d", "source_lang=DE", "-d", "target_lang=en", "-d", "tag_handling=html")
    text = '<p>Guten Morgen.<br />Danke. <a href="https://example.org/@anna" class="mention">@anna</a></p>'
    form = ("--data-urlencode", f"text={text}")
    [status] = curl("/v2/translate", *mastodon, *form, "-H", "Authorization: DeepL-Auth-Key any")["translations"]
    # What the model makes of a word of thanks beside a name is its own business; the tags are not.
    link = '<a href="https://example.org/@anna" class="mention">@anna</a>'
    assert re.fullmatch(rf"<p>Good morning\.<br />[Tt]hank[a-z .]+{re.escape(link)}</p>", status["text"])
    assert status["billed_characters"] == len(text)
    libre = {"q": text, "source": "de", "target": "en", "format": "html", "api_key": ""}
    assert curl.json("/translate", libre)["translatedText"] == status["text"]
