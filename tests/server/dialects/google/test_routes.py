"""The endpoints of the Google dialect over the fake engine, as its clients ask."""

import re
from pathlib import Path

import pytest

from server.access.keys import hash_key
from server.models.models import Models
from server.settings import ServeSettings
from server.text.tokenizer import Tokenizer
from tests.server.conftest import MakeModel
from tests.server.dialects.google.conftest import BODY, ENGLISH, PATH, refused, reversed_ids, texts, translate
from tests.server.fakes import DE, EN, FakeEngine
from tests.server.test_app import Site


def test_one_text(site: Site) -> None:
    assert translate(site).json() == {"data": {"translations": [{"translatedText": "Der Hund."}]}}


def test_many_texts_in_order(site: Site, tokenizer: Tokenizer) -> None:
    given = ["the dog", "", "a house"]
    answer = translate(site, q=given, source="en", target="de", format="text")
    assert texts(answer) == [reversed_ids(tokenizer, text) for text in given]


def test_html_is_the_default_and_its_text_is_escaped(site: Site) -> None:
    text = 'Der <b title="it\'s">Hund</b> & "Haus"'
    assert texts(translate(site, q=text)) == ['Der <b title="it\'s">Hund</b> &amp; &quot;Haus&quot;']
    assert texts(translate(site, q=text, format="text")) == [text]


def test_codes_as_clients_write_them(make_model: MakeModel) -> None:
    site = Site(Models((make_model(FakeEngine(), pairs=(("en", "zh", DE), ("zh", "en", EN))),)))
    for code in ("zh", "zh-CN", "ZH-hans"):
        assert translate(site, q="the dog", source="en-US", target=code).status_code == 200
    refused(translate(site, q="the dog", source="en", target="zh-TW"), 400, "Invalid value for target: zh-TW")
    [found] = translate(site, q="你好，世界，这是一个很好的日子", source=None).json()["data"]["translations"]
    assert found["detectedSourceLanguage"] == "zh-CN"
    languages = site.ask("GET", f"{PATH}/languages", params={"target": "en"}).json()["data"]["languages"]
    assert languages == [
        {"language": "en", "name": "English"},
        {"language": "zh-CN", "name": "Chinese (simplified)"},
    ]


def test_detect(site: Site) -> None:
    for answer in (
        site.ask("POST", f"{PATH}/detect", json={"q": [ENGLISH, "123"]}),
        site.ask("GET", f"{PATH}/detect", params={"q": [ENGLISH, "123"]}),
    ):
        [[english], [nothing]] = answer.json()["data"]["detections"]
        assert (english["language"], english["isReliable"]) == ("en", False)
        assert 0.9 < english["confidence"] <= 1
        assert nothing["confidence"] == 0
    refused(site.ask("POST", f"{PATH}/detect", json={}), 400, "q is missing")


def test_only_so_much_is_detected_as_a_request_may_have(site: Site) -> None:
    refused(site.ask("POST", f"{PATH}/detect", json={"q": ["a"] * 4}), 400, "4, at most 3")


def test_languages(site: Site) -> None:
    answer = site.ask("GET", f"{PATH}/languages").json()
    assert answer == {"data": {"languages": [{"language": "de"}, {"language": "en"}]}}


def test_a_key_wherever_a_client_puts_it(models: Models, tmp_path: Path) -> None:
    (tmp_path / "keys.toml").write_text(f'[[keys]]\nname = "a"\nsha256 = "{hash_key("k")}"\n')
    site = Site(models, ServeSettings(api_keys=tmp_path / "keys.toml", data=tmp_path / "data"))
    refused(site.ask("POST", PATH, json=BODY), 403, "API key is required", "forbidden")
    refused(site.ask("POST", PATH, json=BODY, params={"key": "no"}), 400, "not known", "badRequest")
    refused(site.ask("GET", f"{PATH}/languages"), 403, "API key is required", "forbidden")
    for sent in (
        {"params": {"key": "k"}},
        {"headers": {"X-Goog-Api-Key": "k"}},
        {"headers": {"Authorization": "Bearer k"}},
    ):
        assert site.ask("POST", PATH, json=BODY, **sent).status_code == 200


def test_nothing_of_a_client_is_a_label_or_a_line(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "ferry")
    caplog.set_level("WARNING", "httpx")  # the client, which is in this process too
    site.ask("GET", PATH, params={**BODY, "q": "Geheim.", "key": "the-key"})
    translate(site, target="tlh-secret")
    lines = site.ask("GET", "/metrics").text
    assert f'ferry_requests_total{{route="{PATH}",status="200"}} 1.0' in lines
    assert 'ferry_refusals_total{code="invalid_request"} 1.0' in lines
    assert not re.search("(?i)secret|geheim|the-key|tlh", lines + caplog.text)
