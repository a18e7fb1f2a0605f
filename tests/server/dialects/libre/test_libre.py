"""The LibreTranslate dialect over the fake engine: its endpoints as its clients ask, its errors, its files."""

import asyncio
import io
import json
import re
import shutil
import stat
import subprocess
import tempfile
import urllib.error
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from libretranslatepy import LibreTranslateAPI

from server import errors
from server.app import build_app
from server.dialects.libre import routes
from server.dialects.libre.languages import list_languages, served_language
from server.dialects.libre.routes import libre_dialect
from server.errors import FerryError, FileNotThereError, InvalidRequestError, QueueFullError, StoreFullError
from server.models.models import Models
from server.storage import file_store as files
from server.storage.file_store import FileStore
from server.text.tokenizer import Tokenizer
from tests.server.conftest import MakeModel
from tests.server.documents.builders import make_docx, paragraph, run, texts
from tests.server.fakes import DE, EN, FakeEngine
from tests.server.test_app import SETTINGS, Site
from tests.server.test_serve import Process
from tests.server.text.test_detect import shared_model  # noqa: F401 (it is used by being here)

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BODY = {"q": "Der Hund.", "source": "de", "target": "en"}
ENGLISH = "Where is the station?"
FILE = {"file": ("brief.txt", "Guten Morgen.\r\n\r\nDer Hund läuft.\n".encode())}


@pytest.fixture
def site(models: Models) -> Site:
    return Site(models)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go during a test."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def translate(site: Site, **body: Any) -> httpx.Response:
    return site.ask("POST", "/translate", json={**BODY, **body})


def refused(answer: httpx.Response, status: int, says: str) -> None:
    """Check an error answer."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json"), answer.text
    assert list(answer.json()) == ["error"]
    assert says in answer.json()["error"]
    assert "Traceback" not in answer.text


def reversed_ids(tokenizer: Tokenizer, text: str) -> str:
    """What the fake answers into German."""
    return tokenizer.decode(tokenizer.encode(text)[::-1])


# POST /translate


def test_one_text(site: Site) -> None:
    answer = translate(site)
    assert (answer.status_code, answer.json()) == (200, {"translatedText": "Der Hund."})


def test_many_texts_in_order(site: Site, tokenizer: Tokenizer) -> None:
    texts = ["the dog", "", "a house"]
    answer = translate(site, q=texts, source="en", target="de")
    assert answer.json() == {"translatedText": [reversed_ids(tokenizer, text) for text in texts]}
    assert translate(site, q=[]).json() == {"translatedText": []}
    assert translate(site, q="").json() == {"translatedText": ""}
    assert translate(site, q=["one"], source="en").json() == {"translatedText": ["one"]}


def test_a_form_a_query_and_a_multipart_form(site: Site) -> None:
    body = {"q": "Grüße & mehr.", "source": "de", "target": "en", "alternatives": "1"}
    part = {name: (None, value) for name, value in body.items()}
    for sent in ({"data": body}, {"params": body}, {"files": part}, {"json": body}):
        answer = site.ask("POST", "/translate", **sent)
        assert (answer.status_code, list(answer.json())) == (200, ["translatedText", "alternatives"]), answer.text
        assert answer.json()["translatedText"] == body["q"]
        assert len(answer.json()["alternatives"]) == 1
    mixed = site.ask("POST", "/translate?source=en&target=en&api_key=k", data={"q": "Der Hund.", "source": "de"})
    assert mixed.json() == {"translatedText": "Der Hund."}, "the body's fields count"


def test_json_that_is_called_a_form(site: Site) -> None:
    answer = site.ask(
        "POST", "/translate", content=b' {"q": "Der Hund.", "source": "de", "target": "en"}', headers=FORM
    )
    assert answer.json() == {"translatedText": "Der Hund."}


def test_line_ends_of_forms_are_newlines_and_those_of_json_stay(site: Site) -> None:
    text = "Eins.\r\n\r\nZwei.\rDrei.\n"
    assert site.ask("POST", "/translate", data={**BODY, "q": text}).json()["translatedText"] == text.replace(
        "\r\n", "\n"
    ).replace("\r", "\n")
    assert translate(site, q=text).json()["translatedText"] == text


def test_auto_tells_the_language_and_its_confidence(site: Site, engine: FakeEngine) -> None:
    answer = translate(site, q="Wo ist der Bahnhof?", source="auto").json()
    assert list(answer) == ["translatedText", "detectedLanguage"]
    assert answer["detectedLanguage"]["language"] == "de"
    assert 90 < answer["detectedLanguage"]["confidence"] <= 100
    many = translate(site, q=["Wo ist der Bahnhof?", "12"], source="AUTO").json()
    assert many["detectedLanguage"] == [answer["detectedLanguage"], {"confidence": 0.0, "language": "de"}]
    assert {source[0] for source in engine.sources} == {EN}


def test_what_is_in_the_target_language_stays(site: Site, engine: FakeEngine, tokenizer: Tokenizer) -> None:
    texts = ["Wo ist der Bahnhof?", ENGLISH, "Ich bin müde."]
    answer = translate(site, q=texts, source="auto", target="de").json()
    assert answer["translatedText"] == [texts[0], reversed_ids(tokenizer, ENGLISH), texts[2]]
    assert [each["language"] for each in answer["detectedLanguage"]] == ["de", "en", "de"]
    assert len(engine.sources) == 1
    same = translate(site, q=ENGLISH, source="en", target="EN")
    assert same.json() == {"translatedText": ENGLISH}
    assert len(engine.sources) == 1


def test_what_may_be_in_the_target_language_is_translated(site: Site, engine: FakeEngine) -> None:
    answer = translate(site, q="Monday", source="auto", target="en").json()
    assert answer["detectedLanguage"]["language"] == "de"
    assert answer["detectedLanguage"]["confidence"] < 50
    assert [source[0] for source in engine.sources] == [EN]


def test_alternatives_when_asked_for(site: Site) -> None:
    answer = translate(site, alternatives=2).json()
    assert list(answer) == ["translatedText", "alternatives"]
    assert len(answer["alternatives"]) == 2
    assert answer["translatedText"] not in answer["alternatives"]
    many = translate(site, q=["Der Hund.", "😀"], alternatives="2").json()
    assert many["alternatives"] == [answer["alternatives"], []]
    assert "alternatives" not in translate(site, alternatives=0).json()


def test_html_has_no_alternatives(site: Site, engine: FakeEngine) -> None:
    assert translate(site, alternatives=3, format="html").json()["alternatives"] == []
    assert translate(site, q=["Der", "Hund"], alternatives=3, format="html").json()["alternatives"] == [[], []]
    assert {options.num_hypotheses for options in engine.options} == {1}
    assert list(translate(site, format="html").json()) == ["translatedText"]


def test_emoji_alone_stay(site: Site, engine: FakeEngine) -> None:
    assert translate(site, q="😀 👍🏽\n").json() == {"translatedText": "😀 👍🏽\n"}
    assert engine.sources == []


def test_as_mastodon_asks(site: Site) -> None:
    body = {"q": ["Der Hund.", "Wo ist er?"], "source": "auto", "target": "en", "format": "html", "api_key": "secret"}
    answer = site.ask("POST", "/translate", json=body).json()
    assert answer["translatedText"] == body["q"]
    assert [each["language"] for each in answer["detectedLanguage"]] == ["de", "de"]


def test_names_of_tags_are_not_taken_for_english(site: Site) -> None:
    text = '<p class="the house is here" title="what is this">Ich bin müde.</p><span id="where are you"></span>'
    answer = translate(site, q=text, source="auto", target="de", format="html").json()
    assert answer["translatedText"] == text
    assert answer["detectedLanguage"]["language"] == "de"
    assert translate(site, q=text, source="auto", target="de").json()["translatedText"] != text


def test_get_translate_is_still_there(site: Site) -> None:
    assert site.ask("GET", "/translate?q=Der+Hund.").json() == {"translatedText": "Der Hund."}


def test_a_client_that_goes_away_takes_its_sentences_along(make_model: MakeModel) -> None:
    engine = FakeEngine(hold=True)
    site = Site(Models((make_model(engine),)))

    async def ask() -> None:
        messages = [{"type": "http.request", "body": json.dumps(BODY).encode(), "more_body": False}]

        async def receive() -> dict[str, Any]:
            if messages:
                return messages.pop()
            async with asyncio.timeout(5):
                while not engine.num_waiting:
                    await asyncio.sleep(0.001)
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            pass

        scope = {"type": "http", "method": "POST", "path": "/translate", "headers": [], "query_string": b""}
        await site(scope, receive, send)

    asyncio.run(ask())
    assert engine.futures[0].cancelled()


# Languages


def test_languages(site: Site) -> None:
    expected = [
        {"code": "de", "name": "German", "targets": ["en"]},
        {"code": "en", "name": "English", "targets": ["de"]},
    ]
    assert site.ask("GET", "/languages").json() == expected
    assert site.ask("GET", "/languages", data={"api_key": "k"}).json() == expected


def test_codes_as_clients_know_them(make_model: MakeModel) -> None:
    model = make_model(FakeEngine(), pairs=(("en", "zh", DE), ("zh", "en", EN), ("en", "pb", DE)))
    site = Site(Models((model,)))
    assert site.ask("GET", "/languages").json() == [
        {"code": "en", "name": "English", "targets": ["zh-Hans", "pt-BR"]},
        {"code": "pt-BR", "name": "Portuguese (Brazilian)", "targets": []},
        {"code": "zh-Hans", "name": "Chinese (simplified)", "targets": ["en"]},
    ]
    for code in ("zh", "ZH-hans", "zh_CN"):
        assert translate(site, q="the dog", source="EN-us", target=code).status_code == 200
    refused(
        translate(site, source="en", target="zh-Hant"), 400, "zh-Hant is not supported; there are: zh-Hans, en, pt-BR"
    )
    found = translate(site, q="你好，世界，这是一个很好的日子", source="auto").json()["detectedLanguage"]
    assert found["language"] == "zh-Hans"
    assert [pair.target for pair in model.manifest.pairs] == ["zh", "en", "pb"]
    assert [each.code for each in list_languages(model.manifest.pairs)] == ["en", "pt-BR", "zh-Hans"]


@pytest.mark.parametrize(
    ("asked", "served", "means"),
    [
        ("DE", "de", "de"),
        ("de-AT", "de", "de"),
        ("pt-BR", "pb", "pb"),
        ("pb", "pt-br", "pt-br"),
        ("pb", "pt", "pt"),
        ("pt-br", "pt", "pt"),
        ("pt", "pt pb", "pt"),
        ("zh", "zt zh-hans", "zh-hans"),
        ("zh-Hans", "zh", "zh"),
        ("zh-TW", "zh zt", "zt"),
        ("zt", "zh-hant", "zh-hant"),
        ("zt", "zh", None),
        ("zh", "zt", None),
        ("pt", "pb", None),
        ("", "de", None),
        ("tlh", "de", None),
    ],
)
def test_names_of_languages(asked: str, served: str, means: str | None) -> None:
    if means is None:
        with pytest.raises(InvalidRequestError, match="is not supported"):
            served_language(asked, served.split())
    else:
        assert served_language(asked, served.split()) == means


def test_detect(site: Site) -> None:
    answer = site.ask("POST", "/detect", json={"q": ENGLISH, "api_key": "k"}).json()
    assert [each["language"] for each in answer] == ["en"], "German would have 0.0"
    assert 90 < answer[0]["confidence"] <= 100
    both = site.ask("POST", "/detect", json={"q": "Monday"}).json()
    assert [each["language"] for each in both] == ["en", "de"]
    assert sum(each["confidence"] for each in both) == pytest.approx(100, abs=0.2)
    assert site.ask("POST", "/detect", data={"q": ENGLISH}).json() == answer
    assert site.ask("POST", "/detect", params={"q": ENGLISH}).json() == answer
    assert site.ask("POST", "/detect", json={"q": "123 😀"}).json() == [{"confidence": 0.0, "language": "de"}]
    refused(site.ask("POST", "/detect", json={}), 400, "missing q parameter")
    refused(site.ask("POST", "/detect", json={"q": ["a"]}), 400, "q parameter must be a string")
    refused(site.ask("POST", "/detect", json={"q": "a" * 501}), 400, "request (501) exceeds text limit (500)")


# What is asked around it


def test_health(site: Site, engine: FakeEngine) -> None:
    assert site.ask("GET", "/health").json() == {"status": "ok"}
    engine.failed = True
    refused(site.ask("GET", "/health"), 503, "engine has failed")


def test_settings(site: Site) -> None:
    assert site.ask("GET", "/frontend/settings").json() == {
        "charLimit": 500,
        "frontendTimeout": 500,
        "apiKeys": False,
        "keyRequired": False,
        "suggestions": False,
        "filesTranslation": True,
        "supportedFilesFormat": [".txt", ".html", ".srt", ".vtt", ".docx", ".htm"],
        "language": {"source": {"code": "auto", "name": "Auto Detect"}, "target": {"code": "en", "name": "English"}},
    }


def test_the_spec_is_of_these_endpoints_and_limits(site: Site) -> None:
    spec = site.ask("GET", "/spec").json()
    described = {(path, method.upper()) for path, item in spec["paths"].items() for method in item}
    served = {
        (route.path, method)
        for route in libre_dialect().routes
        for method in (route.methods or ()) - {"OPTIONS", "HEAD"}
    }
    assert described == served
    content = spec["paths"]["/translate"]["post"]["requestBody"]["content"]
    assert set(content) == {"application/json", "application/x-www-form-urlencoded", "multipart/form-data"}
    fields = content["application/json"]["schema"]["properties"]
    assert set(fields) == {"q", "source", "target", "format", "alternatives", "api_key"}
    assert translate(site, alternatives=fields["alternatives"]["maximum"]).status_code == 200
    assert translate(site, alternatives=fields["alternatives"]["maximum"] + 1).status_code == 400
    assert fields["q"]["oneOf"][0]["maxLength"] == 500


def test_suggestions_are_not_taken(site: Site) -> None:
    refused(site.ask("POST", "/suggest", data={"q": "a", "s": "b", "source": "de", "target": "en"}), 403, "disabled")


def test_browsers_of_any_origin_may_ask(site: Site) -> None:
    before = site.ask("OPTIONS", "/translate", headers={"Origin": "https://a.example"})
    assert before.status_code == 204
    assert before.headers["access-control-allow-methods"] == "GET, POST"
    assert "Content-Type" in before.headers["access-control-allow-headers"]
    for answer in (before, translate(site), translate(site, target="tlh"), site.ask("GET", "/languages")):
        assert answer.headers["access-control-allow-origin"] == "*"


# Errors


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"q": None}, "Invalid request: missing q parameter"),
        ({"source": None}, "Invalid request: missing source parameter"),
        ({"target": ""}, "Invalid request: missing target parameter"),
        ({"q": 1}, "q parameter must be a string"),
        ({"q": ["a", 1]}, "q parameter must be a string or a list"),
        ({"source": ["de"]}, "source parameter must be a string"),
        ({"source": "xx"}, "xx is not supported; there are: de, en"),
        ({"target": "y" * 99}, "y" * 17 + "... is not supported"),
        ({"format": "pdf"}, "format parameter must be one of: text, html"),
        ({"format": ["html"]}, "format parameter must be one of: text, html"),
        ({"alternatives": 8}, "alternatives parameter must be <= 7"),
        ({"alternatives": -1}, "alternatives parameter must be a whole number"),
        ({"alternatives": "two"}, "alternatives parameter must be a whole number"),
        ({"alternatives": True}, "alternatives parameter must be a whole number"),
        ({"alternatives": 10**30}, "alternatives parameter must be <= 7"),
        ({"alternatives": "9" * 30}, "alternatives parameter must be a whole number"),
        ({"q": "a" * 501}, "Invalid request: request (501) exceeds text limit (500)"),
        ({"q": ["a"] * 4}, "Invalid request: request (4) exceeds batch limit (3)"),
        ({"q": "a" * 3000}, "2048 bytes"),
    ],
)
@pytest.mark.parametrize("source", ["de", "auto"])
def test_requests_that_are_wrong(site: Site, body: dict[str, Any], says: str, source: str) -> None:
    refused(translate(site, **{"source": source, **body}), 400, says)


@pytest.mark.parametrize(
    ("content", "kind", "says"),
    [
        (b"", "application/json", "missing q parameter"),
        (b"[]", "application/json", "must be a JSON object"),
        (b"{", "application/json", "not JSON"),
        (b'{"q": "\\ud800"}', "application/json", "not JSON"),
        (b'{"a":' * 400, "application/json", "not JSON"),
        (b"q=\xff", "application/x-www-form-urlencoded", "not in UTF-8"),
        (b"q=%ff", "application/x-www-form-urlencoded", "not in UTF-8"),
        (b"a&" * 200 + b"q=a", "application/x-www-form-urlencoded", "more than 100 fields"),
        (b"q=a&q=b", "application/x-www-form-urlencoded", "more than once; send a list as JSON"),
        (b"x", "multipart/form-data", "not valid multipart"),
        (b"x", "multipart/form-data; boundary=b", "not valid multipart"),
        (b'--b\r\nContent-Disposition: form-data; name="q"\r\n\r\na\r\n', "multipart/form-data; boundary=b", "missing"),
    ],
)
def test_bodies_that_are_wrong(site: Site, content: bytes, kind: str, says: str) -> None:
    refused(site.ask("POST", "/translate", content=content, headers={"Content-Type": kind}), 400, says)


def test_a_body_nested_too_deeply(models: Models) -> None:
    site = Site(models, replace(SETTINGS, max_body_bytes=1 << 20))
    refused(site.ask("POST", "/translate", content=b'{"a":' + b"[" * 500_000), 400, "Invalid request: the body is")


def test_a_pair_that_nobody_translates(make_model: MakeModel) -> None:
    site = Site(Models((make_model(FakeEngine(), pairs=(("de", "en", EN), ("fr", "de", DE))),)))
    refused(translate(site, source="fr", target="en"), 400, "No loaded model translates from 'fr' to 'en'")


STATUSES = {
    "KeyRequiredError": 400,
    "UnknownKeyError": 403,
    "QuotaExceededError": 403,
    "RateLimitedError": 429,
    "QueueFullError": 429,
    "DeadlineExceededError": 429,
    "InvalidRequestError": 400,
    "UnsupportedPairError": 400,
    "RequestTooLargeError": 400,
    "RequestTimeoutError": 408,
    "EngineStoppedError": 503,
    "BundleError": 500,
    "SettingsError": 500,
    "InvalidDocumentError": 400,
    "DocumentNotFoundError": 404,
    "DocumentNotReadyError": 503,
    "StoreFullError": 429,
    "StorageError": 503,
    "GlossaryNotFoundError": 404,
    "FileNotThereError": 404,
}
ALL_ERRORS = [
    error
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, FerryError) and error is not FerryError
]


@pytest.mark.parametrize("error", ALL_ERRORS, ids=lambda error: error.__name__)
def test_each_error_has_its_status(make_model: MakeModel, error: type[FerryError]) -> None:
    answer = translate(Site(Models((make_model(FakeEngine(refusal=error("says this"))),))))
    refused(answer, STATUSES[error.__name__], "says this")
    assert ("retry-after" in answer.headers) == (answer.status_code == 429)


def test_a_full_queue_says_when_to_come_back(make_model: MakeModel) -> None:
    refusal = QueueFullError("full", retry_after_s=2.5)
    assert translate(Site(Models((make_model(FakeEngine(refusal=refusal)),)))).headers["retry-after"] == "3"


def test_the_deadline(make_model: MakeModel) -> None:
    engine = FakeEngine(hold=True)
    site = Site(Models((make_model(engine),)), replace(SETTINGS, deadline_s=0.02))
    refused(translate(site), 429, "deadline")
    assert engine.futures[0].cancelled()


def test_what_only_we_can_break_is_told_without_details(
    models: Models, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError(BODY["q"])

    monkeypatch.setattr(engine, "submit", broken)
    answer = translate(Site(models), api_key="the-key")
    refused(answer, 500, "The server failed")
    assert "RuntimeError" in caplog.text
    assert not re.search("Hund|the-key", answer.text + caplog.text)


def test_nothing_of_a_client_is_a_label_or_a_line(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "ferry")
    translate(site, q="Geheim.", api_key="the-key")
    translate(site, target="tlh-secret")
    site.ask("GET", "/download_file/secret-name.txt")
    site.ask("POST", "/translate?q=secret-query", json={})
    lines = site.ask("GET", "/metrics").text
    assert 'ferry_requests_total{route="/translate",status="200"} 1.0' in lines
    assert 'ferry_refusals_total{code="invalid_request"} 2.0' in lines
    assert not re.search("(?i)secret|geheim|the-key|tlh", lines + caplog.text)


# Files


def upload(site: Site, **fields: Any) -> httpx.Response:
    body = {"source": "de", "target": "en", "api_key": "k", **fields}
    return site.ask("POST", "/translate_file", data=body, files=FILE)


def test_a_file_is_translated_and_fetched_once(site: Site, temporary: Path) -> None:
    url = upload(site).json()["translatedFileUrl"]
    assert re.fullmatch(r"http://ferry/download_file/[\w-]{32}\.txt", url)
    (folder,) = temporary.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert len(list(folder.iterdir())) == 1

    head = site.ask("HEAD", url)
    answer = site.ask("GET", url)
    assert head.status_code == answer.status_code == 200
    assert head.headers["content-length"] == answer.headers["content-length"] == str(len(FILE["file"][1]))
    assert answer.content == FILE["file"][1], "also its line ends"
    assert answer.headers["content-type"] == "text/plain"
    assert answer.headers["content-disposition"] == 'attachment; filename="translated.txt"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert list(folder.iterdir()) == []
    refused(site.ask("GET", url), 404, "fetched already")
    assert site.ask("HEAD", url).status_code == 404


def test_a_file_has_a_language_to_be_detected(site: Site) -> None:
    url = upload(site, source="auto").json()["translatedFileUrl"]
    assert site.ask("GET", url).content == FILE["file"][1]


def test_names_are_random(site: Site) -> None:
    urls = [upload(site).json()["translatedFileUrl"] for _ in range(3)]
    assert len(set(urls)) == 3
    refused(site.ask("GET", urls[0].replace(".txt", "")), 404, "no such file")
    assert site.ask("GET", urls[0]).status_code == 200


@pytest.mark.parametrize(
    "name", ["brief.txt", "..%2F..%2F..%2Fetc%2Fpasswd", "%2Fetc%2Fpasswd", "%2E%2E", "%00.txt", ".", "a" * 5000]
)
def test_no_path_comes_from_a_client(site: Site, name: str) -> None:
    upload(site)
    assert site.ask("GET", f"/download_file/{name}").status_code == 404


def test_files_of_other_formats(site: Site, tokenizer: Tokenizer) -> None:
    dog = reversed_ids(tokenizer, "the dog")
    word = make_docx(paragraph(run("the dog")) * 5, header1=paragraph(run("the dog")))  # more than texts may be asked
    files = [
        ("a.html", b"<p>the dog", f"<p>{dog}".encode(), "text/html"),
        (
            "a.srt",
            b"1\n0:0:1,0 --> 0:0:2,0\nthe dog\n",
            f"1\n0:0:1,0 --> 0:0:2,0\n{dog}\n".encode(),
            "application/x-subrip",
        ),
        ("a.docx", word, None, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ]
    for name, data, expected, media_type in files:
        form = {"source": "en", "target": "de"}
        answer = site.ask("POST", "/translate_file", data=form, files={"file": (name, data)})
        assert answer.status_code == 200, answer.text
        found = site.ask("GET", answer.json()["translatedFileUrl"])
        assert found.headers["content-type"] == media_type
        assert found.content == expected if expected else texts(found.content) == [dog] * 5
        same = site.ask("POST", "/translate_file", data={**form, "target": "en"}, files={"file": (name, data)})
        assert site.ask("GET", same.json()["translatedFileUrl"]).content == data


def test_a_file_may_be_larger_than_a_body_but_not_than_a_document(models: Models) -> None:
    site = Site(models, replace(SETTINGS, max_document_bytes=5000))
    data = b"<!--" + b"x" * 4000 + b"--><p>Hund"
    form = {"source": "de", "target": "en"}
    assert len(data) > SETTINGS.max_body_bytes
    assert site.ask("POST", "/translate_file", data=form, files={"file": ("a.html", data)}).status_code == 200
    refused(site.ask("POST", "/translate_file", data=form, files={"file": ("a.html", data * 2)}), 400, "5000 bytes")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
def test_encodings_of_text(site: Site, encoding: str) -> None:
    file = {"file": ("a.TXT", "Der Hund läuft.".encode(encoding))}
    answer = site.ask("POST", "/translate_file", data={"source": "de", "target": "en"}, files=file)
    assert site.ask("GET", answer.json()["translatedFileUrl"]).content == file["file"][1]


@pytest.mark.parametrize(
    ("file", "fields", "says"),
    [
        (None, {}, "missing file parameter"),
        (("../../a.exe", b"a"), {}, "file format not supported; there are: .txt"),
        (("a.pdf", b"a"), {}, "file format not supported"),
        (("a.txt", b"\xff\xfe\xff"), {}, "not text in UTF-8"),
        (("a.txt", b"\xe4"), {}, "not text in UTF-8"),
        (("a.txt", b"a" * 501), {}, "request (501) exceeds text limit (500)"),
        (("a.txt", b"a"), {"target": "tlh"}, "tlh is not supported"),
        (("a.txt", b"a"), {"source": ""}, "missing source parameter"),
    ],
)
def test_files_that_are_refused(site: Site, temporary: Path, file: Any, fields: dict[str, str], says: str) -> None:
    sent = {"files": {"file": file}} if file else {}
    answer = site.ask("POST", "/translate_file", data={"source": "de", "target": "en", **fields}, **sent)
    refused(answer, 400, says)
    assert list(temporary.iterdir()) == []


def test_two_files_at_once(site: Site) -> None:
    two = [("file", ("a.txt", io.BytesIO(b"a"))), ("file", ("b.txt", io.BytesIO(b"b")))]
    answer = site.ask("POST", "/translate_file", data={"source": "de", "target": "en"}, files=two)
    refused(answer, 400, "with one file")


def test_the_store_is_limited_in_size(temporary: Path) -> None:
    store = FileStore(max_total_bytes=10)
    names = [store.put(b"12345", ".txt") for _ in range(2)]
    with pytest.raises(StoreFullError, match="10 of 10 bytes"):
        store.put(b"1", ".txt")
    assert store.take(names[0]) == b"12345"
    assert store.num_bytes(store.put(b"12345", ".txt")) == 5


def test_a_full_store_is_busy(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise StoreFullError("full")

    monkeypatch.setattr(FileStore, "put", full)
    refused(upload(site), 429, "full")


def test_the_store_is_limited_in_age(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(files.time, "monotonic", lambda: now)
    store = FileStore(max_total_bytes=10, max_age_s=60)
    name = store.put(b"1234567890", ".txt")
    (folder,) = temporary.iterdir()
    now += 59
    store.sweep()
    assert store.num_bytes(name) == 10
    now += 2
    store.sweep()
    assert list(folder.iterdir()) == []
    with pytest.raises(FileNotThereError):
        store.take(name)
    assert store.put(b"1234567890", ".txt")


def test_a_file_that_nobody_fetches_goes_by_itself(models: Models, temporary: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(routes, "FileStore", lambda: FileStore(max_age_s=0.0))
    app = build_app(models, SETTINGS)

    async def ask() -> None:
        async with app.router.lifespan_context(app) as state:

            async def with_state(scope: Any, receive: Any, send: Any) -> None:
                await app({**scope, "state": dict(state or {})}, receive, send)

            transport = httpx.ASGITransport(with_state)
            async with httpx.AsyncClient(transport=transport, base_url="http://ferry") as client:
                answer = await client.post("/translate_file", data={"source": "de", "target": "en"}, files=FILE)
                assert answer.status_code == 200
            (folder,) = temporary.iterdir()
            assert len(list(folder.iterdir())) == 1
            async with asyncio.timeout(10):
                while list(folder.iterdir()):
                    await asyncio.sleep(0.05)

    asyncio.run(ask())


def test_the_folder_goes_with_the_store(temporary: Path) -> None:
    store = FileStore()
    store.put(b"a", ".txt")
    assert len(list(temporary.iterdir())) == 1
    del store
    assert list(temporary.iterdir()) == []


# A real server, asked by real clients


@pytest.fixture(scope="module")
def url(tokenizer_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    process = Process(tokenizer_file, tmp_path_factory.mktemp("bundle"), "--port=0", "--grace-s=1")
    yield process.wait_until_ready()
    until_ready = len(process.said)
    process.process.terminate()
    assert process.wait() == 0
    assert not re.search("Hund|station|Traceback|the-key", process.said[until_ready:])


def test_libretranslatepy(url: str, tokenizer: Tokenizer) -> None:
    client = LibreTranslateAPI(url, "the-key")
    assert client.translate("Der Hund & die Straße.\n", "de", "en") == "Der Hund & die Straße.\n"
    assert client.translate("the dog", "en", "de") == reversed_ids(tokenizer, "the dog")
    assert client.translate(ENGLISH, "auto", "en") == ENGLISH
    best, other = client.detect("Monday")
    assert (best["language"], other["language"]) == ("en", "de")
    assert 50 < best["confidence"] < 100
    assert [(each["code"], each["targets"]) for each in client.languages()] == [("de", ["en"]), ("en", ["de"])]
    assert LibreTranslateAPI(url).languages() == client.languages()
    with pytest.raises(urllib.error.HTTPError) as raised:
        client.translate("a", "de", "tlh")
    assert (raised.value.code, json.load(raised.value)["error"][:20]) == (400, "tlh is not supported")
    raised.value.close()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed: apt-get install curl")
def test_curl(url: str, tmp_path: Path) -> None:
    def curl(*arguments: str) -> Any:
        done = subprocess.run(["curl", "-sS", "--max-time", "30", *arguments], capture_output=True, check=True)
        return json.loads(done.stdout)

    fields = ["-d", "source=de", "-d", "target=en"]
    assert curl(f"{url}/translate", "-d", "q=Grüße vom Hund.", *fields) == {"translatedText": "Grüße vom Hund."}
    assert curl(f"{url}/translate", "-d", json.dumps(BODY)) == {"translatedText": "Der Hund."}
    assert curl(f"{url}/detect", "-d", "q=123") == [{"confidence": 0.0, "language": "de"}]
    assert curl(f"{url}/health") == {"status": "ok"}
    assert curl("-X", "POST", f"{url}/suggest") == {"error": "Suggestions are disabled on this server."}
    file = tmp_path / "a.txt"
    file.write_text("Der Hund.\n")
    found = curl(f"{url}/translate_file", "-F", f"file=@{file}", "-F", "source=de", "-F", "target=en")
    assert found["translatedFileUrl"].startswith(f"{url}/download_file/")
    head = subprocess.run(["curl", "-sSI", found["translatedFileUrl"]], capture_output=True, check=True)
    assert b"content-length: 10\r\n" in head.stdout.lower()
    done = subprocess.run(["curl", "-sS", found["translatedFileUrl"]], capture_output=True, check=True)
    assert done.stdout == b"Der Hund.\n"
    assert "no such file" in curl(found["translatedFileUrl"])["error"]
