"""Codes of languages as clients know them, and the codes they mean."""

import pytest

from server.dialects.libre.languages import find_language, list_languages
from server.errors import InvalidRequestError
from server.models.models import Models
from tests.server.conftest import MakeModel
from tests.server.dialects.libre.conftest import refused, translate
from tests.server.fakes import DE, EN, FakeEngine
from tests.server.test_app import Site


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
    refused(translate(site, source="en", target="zh-Hant"), 400, "zh-Hant is not supported")
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
            find_language(asked, served.split())
    else:
        assert find_language(asked, served.split()) == means
