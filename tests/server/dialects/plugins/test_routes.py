"""The endpoints of the dialect over the fake engine, as plug-ins and clients of MTranServer ask."""

import re

import pytest

from server.models.models import Models
from server.openapi.template import read_version
from tests.server.conftest import MakeModel
from tests.server.dialects.plugins.conftest import BATCH, ENGLISH, IMME, SINGLE, ask, refused
from tests.server.fakes import DE, EN, FakeEngine
from tests.server.test_app import Site


def test_immersive_translate(site: Site) -> None:
    answer = ask(site, "/imme", IMME).json()
    assert answer == {"translations": [{"detected_source_lang": "de", "text": text} for text in IMME["text_list"]]}
    found = ask(site, "/imme", IMME, source_lang="auto", text_list=[ENGLISH, ""]).json()["translations"]
    assert found[0] == {"detected_source_lang": "en", "text": ENGLISH}
    assert found[1]["text"] == ""
    assert ask(site, "/imme", IMME, text_list=[]).json() == {"translations": []}


def test_its_placeholders_stay(site: Site) -> None:
    texts = ["{0} Hund {1}.", "<b0></b0> Der <b1>Hund</b1>."]
    answer = ask(site, "/imme", IMME, text_list=texts).json()
    assert [each["text"] for each in answer["translations"]] == texts


def test_kiss_translator(site: Site) -> None:
    assert ask(site, "/kiss", SINGLE).json() == {"text": "Der Hund.", "src": "de"}
    many = [{"text": text, "src": "de"} for text in BATCH["texts"]]
    assert ask(site, "/kiss", BATCH).json() == {"translations": many}
    assert ask(site, "/kiss", BATCH, texts=[]).json() == {"translations": []}
    named = {"from": "Auto-detect", "to": "English", "text": ENGLISH}
    assert ask(site, "/kiss", named).json() == {"text": ENGLISH, "src": "en"}
    refused(ask(site, "/kiss", {"to": "en"}), 400, "text is missing")


def test_mtranserver(site: Site) -> None:
    assert ask(site, "/translate/batch", BATCH).json() == {"results": BATCH["texts"]}
    html = ["<p>Der <b>Hund</b></p>", "a &amp; b"]
    assert ask(site, "/translate/batch", BATCH, texts=html, html=True).json() == {"results": html}
    refused(ask(site, "/translate/batch", BATCH, texts="a"), 400, "texts")
    refused(ask(site, "/translate/batch", BATCH, texts=["a"] * 4), 413, "4 texts")


def test_languages_are_still_libretranslate_s(site: Site) -> None:
    assert [each["code"] for each in site.ask("GET", "/languages").json()] == ["de", "en"]


def test_chinese_as_plug_ins_write_it(make_model: MakeModel) -> None:
    site = Site(Models((make_model(FakeEngine(), pairs=(("en", "zh", DE), ("zh", "en", EN))),)))
    body = {"source_lang": "auto", "target_lang": "en", "text_list": ["你好，世界，这是一个很好的日子"]}
    assert ask(site, "/imme", body).json()["translations"][0]["detected_source_lang"] == "zh-CN"
    assert ask(site, "/kiss", SINGLE, text="the dog", to="zh-CN", **{"from": "en"}).json()["src"] == "en"
    refused(ask(site, "/kiss", SINGLE, text="the dog", to="zh-TW", **{"from": "en"}), 400, "zh-Hans")


def test_what_is_no_json(site: Site) -> None:
    for path in ("/imme", "/kiss", "/translate/batch"):
        refused(site.ask("POST", path, content=b"{"), 400, "not JSON")
        refused(site.ask("POST", path, json={}), 400, "missing")


def test_health_and_version(site: Site, engine: FakeEngine) -> None:
    assert site.ask("GET", "/version").json() == {"version": read_version()}
    for path in ("/__heartbeat__", "/__lbheartbeat__"):
        assert site.ask("GET", path).text == "Ready"
        engine.failed = True
        refused(site.ask("GET", path), 503, "engine has failed")
        engine.failed = False


def test_nothing_of_a_client_is_a_label_or_a_line(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "ferry")
    caplog.set_level("WARNING", "httpx")  # the client, which is in this process too
    site.ask("POST", "/imme?token=the-key", json={**IMME, "text_list": ["Geheim."]})
    ask(site, "/kiss", SINGLE, text="Geheim.", to="tlh-secret")
    ask(site, "/translate", SINGLE, text="Geheim.")
    lines = site.ask("GET", "/metrics").text
    for route in ("/imme", "/translate"):
        assert f'ferry_requests_total{{route="{route}",status="200"}} 1.0' in lines
    assert 'ferry_refusals_total{code="invalid_request"} 1.0' in lines
    assert not re.search("(?i)secret|geheim|the-key|tlh", lines + caplog.text)
