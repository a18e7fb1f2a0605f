"""A model of many target languages: one bundle of many directions, asked as each dialect asks."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from export.importer import read_source
from export.sources.options import SourceOptions
from server.models.models import Model, Models
from tests.export.sources.served import encode, search, serve
from tests.server.test_app import Site

FIXTURE = Path(__file__).with_name("marian_mt") / "many"
# By the tags of the fixture.
SERVED = {
    "deu": "de",
    "fra": "fr",
    "por": "pt",
    "pob": "pt-br",
    "cmn_Hans": "zh-hans",
    "srp_Latn": "sr-latn",
    "srp_Cyrl": "sr",
}
LINES: list[dict[str, Any]] = [
    json.loads(line) for line in (FIXTURE / "expected.jsonl").read_text("utf-8").splitlines()
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    with serve(read_source(FIXTURE, "auto", SourceOptions()), tmp_path_factory.mktemp("many") / "bundle") as model:
        yield model


@pytest.fixture
def site(model: Model) -> Site:
    return Site(Models((model,)))


def test_each_direction_has_the_ids_of_transformers(model: Model) -> None:
    for line in LINES:
        pair = model.bundle.pair("en", SERVED[line["tag"]])
        assert pair is not None
        ids = [*pair.prefix_ids, *model.tokenizer.encode(line["text"]), model.manifest.special_ids.eos]
        assert ids == line["source_ids"]
    found = search(model, [line["source_ids"] for line in LINES])
    assert [[*each.ids, model.manifest.special_ids.eos] for each in found] == [line["generated"][1:] for line in LINES]


def test_each_direction_is_served_as_transformers_translates_it(site: Site, model: Model) -> None:
    texts = set()
    for line in LINES:
        asked = {"text": line["text"], "source": "en", "target": SERVED[line["tag"]], "beam_size": 1}
        answer = site.ask("POST", "/v1/translate", json=asked).json()["translations"][0]["text"]
        theirs = model.tokenizer.decode(line["generated"][1:])
        # A sentence begins with a capital if the one that was read does, and one that comes out empty is tried again.
        assert answer.lower() == theirs.lower() or not theirs
        texts.add(answer)
    assert len(texts) >= 5


def test_both_dialects_list_each_language_once(site: Site) -> None:
    (english,) = [each for each in site.ask("GET", "/languages").json() if each["code"] == "en"]
    assert sorted(english["targets"]) == ["de", "fr", "pt", "pt-BR", "sr", "sr-latn", "zh-Hans"]
    targets = [each["language"] for each in site.ask("GET", "/v2/languages?type=target").json()]
    assert targets == ["DE", "FR", "PT-BR", "PT-PT", "SR", "SR-LATN", "ZH-HANS"]
    for target in [*targets, "ZH"]:
        asked = {"text": ["The man sells a key."], "source_lang": "EN", "target_lang": target}
        assert site.ask("POST", "/v2/translate", json=asked).status_code == 200
    assert [each["language"] for each in site.ask("GET", "/v2/languages").json()] == ["EN"]


def test_the_language_of_a_text_is_found_among_those_served(site: Site) -> None:
    asked = {"q": "Bom dia, como você está hoje? O cachorro corre no parque.", "source": "auto", "target": "pt-BR"}
    answer = site.ask("POST", "/translate", json=asked).json()
    assert (answer["translatedText"], answer["detectedLanguage"]["language"]) == (asked["q"], "pt-BR")
    asked = {"q": "The old man sells a key in winter.", "source": "auto", "target": "fr"}
    assert site.ask("POST", "/translate", json=asked).json()["detectedLanguage"]["language"] == "en"


def test_a_tag_that_somebody_writes_is_text(model: Model) -> None:
    tags = {pair.prefix_ids[0] for pair in model.manifest.pairs}
    assert len(tags) == 7
    for text in (">>deu<< The key.", "The >>deu<< key.>>fra<<", ">>cmn_Hans<<"):
        assert tags.isdisjoint(model.tokenizer.encode(text))
    assert encode(model, "The key.")[0] in tags
