"""Where the words that a model copies come from, and where they are kept."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from server.bundle import Bundle, GoldenLine, StandIns, write_manifest
from server.models.copies import CANDIDATES, MOST
from server.models.stand_ins import FILE_NAME, load_stand_ins
from server.text.tokenizer import Tokenizer
from tests.server.conftest import tiny_model
from tests.server.fakes import DE, EN, FakeEngine

GOLDEN = [GoldenLine("de", "en", "Der Hund läuft durch den Park.", (), ())]


@pytest.fixture
def bundle(tokenizer: Tokenizer, tmp_path: Path) -> Bundle:
    """One whose model copies all in one direction; in the other it turns ids round."""
    bundle = tiny_model(FakeEngine(), tokenizer, tmp_path, pairs=(("de", "en", EN), ("en", "de", DE))).bundle
    bundle = replace(bundle, path=tmp_path)
    write_manifest(tmp_path, bundle.manifest)
    return bundle


def load(bundle: Bundle, tokenizer: Tokenizer) -> tuple[dict[tuple[str, str], tuple[str, ...]], int, list[str]]:
    """What is found, how often the engine was asked, and what was said."""
    engine, said = FakeEngine(), list[str]()
    return load_stand_ins(bundle, tokenizer, engine, GOLDEN, said.append), len(engine.sources), said


def test_the_manifest_comes_first(bundle: Bundle, tokenizer: Tokenizer) -> None:
    named = replace(bundle.manifest, stand_ins=(StandIns("de", "en", {"XQ": 1.0, "42": 0.95}),))
    found, num_asked, said = load(replace(bundle, manifest=named), tokenizer)
    assert (found, num_asked, said) == ({("de", "en"): ("XQ", "42")}, 0, [])
    assert not (bundle.path / FILE_NAME).exists()


def test_they_are_measured_once_and_kept(bundle: Bundle, tokenizer: Tokenizer) -> None:
    found, num_asked, said = load(bundle, tokenizer)
    assert found["de", "en"] == CANDIDATES[:MOST]
    assert num_asked
    assert ["measuring" in each for each in said] == [True]
    assert load(bundle, tokenizer) == (found, 0, [])
    assert [path.name for path in bundle.path.iterdir() if path.name.startswith(".")] == []


def test_another_name_is_no_other_model(bundle: Bundle, tokenizer: Tokenizer) -> None:
    found, _, _ = load(bundle, tokenizer)
    renamed = replace(bundle, manifest=replace(bundle.manifest, name="another", quality=()))
    assert load(renamed, tokenizer) == (found, 0, [])
    other = replace(bundle.manifest, suppressed_ids=(*bundle.manifest.suppressed_ids, 7))
    assert load(replace(bundle, manifest=other), tokenizer)[1] > 0


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"measure": 1}',
        '{"measure": 2, "model": "another"}',
        "[" * 100_000,
    ],
)
def test_what_is_kept_of_another_bundle_or_damaged_is_measured_again(
    bundle: Bundle, tokenizer: Tokenizer, content: str
) -> None:
    found, num_asked, _ = load(bundle, tokenizer)
    (bundle.path / FILE_NAME).write_text(content)
    assert load(bundle, tokenizer)[:2] == (found, num_asked)
    assert load(bundle, tokenizer)[:2] == (found, 0)


def test_rates_that_are_none_count_as_damage(bundle: Bundle, tokenizer: Tokenizer) -> None:
    load(bundle, tokenizer)
    data = json.loads((bundle.path / FILE_NAME).read_text())
    data["stand_ins"][0]["rates"] = {"XQ": "often"}
    (bundle.path / FILE_NAME).write_text(json.dumps(data))
    assert load(bundle, tokenizer)[1] > 0


def test_a_folder_that_cannot_be_written_is_told_once(bundle: Bundle, tokenizer: Tokenizer) -> None:
    (bundle.path / FILE_NAME).mkdir()
    found, _, said = load(bundle, tokenizer)
    assert found["de", "en"] == CANDIDATES[:MOST]
    assert ["cannot be written" in each for each in said] == [False, True]
    assert [path.name for path in bundle.path.iterdir() if path.name.startswith(".")] == []
