"""A bundle with real graphs, from disk to an answer; and what keeps one from being served."""

import asyncio
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from server.bundle import Dimensions, LanguagePair, describe_file, read_bundle, write_manifest
from server.engine.types import EngineSettings
from server.errors import BundleError, SettingsError
from server.lines import command
from server.models.loading import load_models
from server.settings import Limits
from server.text.tokenizer import Tokenizer
from server.translation.request import TranslateOptions
from server.translation.translator import Translator
from tests.server.engine.toy import DIMENSIONS, Twin, write_toy_bundle
from tests.server.fakes import DE, EN

TEXTS = ["Der Hund läuft durch den Park.", "Guten Morgen!", "Das Haus am See ist alt, und schön ist es auch."]


def _sized(num_pieces: int) -> Dimensions:
    return replace(DIMENSIONS, vocab_size=num_pieces, target_vocab_size=num_pieces)


def pack(folder: Path, tokenizer_file: Path, **spoiled: Any) -> None:
    """Make the toy bundle one with a tokenizer, both directions and golden lines; `spoiled` alters these."""
    tokenizer = Tokenizer.load(tokenizer_file)
    bundle = write_toy_bundle(folder, dimensions=_sized(tokenizer.vocab_size))
    twin = Twin(bundle)
    golden = []
    for text in TEXTS:
        source_ids = (EN, *tokenizer.encode(text), 3)
        line = {"source": "de", "target": "en", "text": text, "source_ids": source_ids}
        golden.append(json.dumps({**line, "target_ids": twin.greedy(source_ids), **spoiled}))
    (folder / "golden.jsonl").write_text("\n".join(golden) + "\n")
    (folder / "spm.model").write_bytes(tokenizer_file.read_bytes())
    files = {role: describe_file(folder, entry.path) for role, entry in bundle.manifest.files.items()}
    pairs = (LanguagePair("de", "en", (EN,)), LanguagePair("en", "de", (DE,)))
    write_manifest(folder, replace(bundle.manifest, files=files, pairs=pairs))


@pytest.fixture(scope="module")
def folder(tokenizer_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "toy"
    pack(folder, tokenizer_file)
    return folder


@pytest.fixture
def translator(folder: Path) -> Iterator[Translator]:
    said: list[str] = []
    models = load_models(folder.parent, EngineSettings(num_threads=1), lambda error: None, said.append)
    assert "3 golden lines passed" in said[-1]
    yield Translator(models, Limits(4, 50, 10_000, 10_000))
    models.close(0.0)


def test_each_text_of_a_crowd_gets_what_it_gets_alone(translator: Translator, folder: Path) -> None:
    texts = [f"{text} {text} Nummer {i}" for i, text in enumerate(TEXTS * 8)]
    options = TranslateOptions("de", "en", beam_size=2)

    async def ask(*texts: str) -> list[str]:
        return [t.text for t in await translator.translate(texts, options)]

    async def crowd() -> list[list[str]]:
        return await asyncio.gather(*(ask(text) for text in texts))

    together = [answer[0] for answer in asyncio.run(crowd())]
    assert together == [asyncio.run(ask(text))[0] for text in texts] == asyncio.run(ask(*texts))
    assert len(set(together)) == len(texts)


def test_a_file_is_the_same_whatever_the_queue_holds(folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "in.txt"
    source.write_text("".join(f"{text} {text} Zeile {i}\n" for i, text in enumerate(TEXTS * 10)))
    common = [f"--model={folder}", "--source=de", "--target=en", f"--input={source}", "--num-threads=1"]
    for name, tokens in (("wide", 32_768), ("narrow", 160)):
        assert command.main([*common, f"--output={tmp_path / name}", f"--max-queue-tokens={tokens}"]) == 0
    assert (tmp_path / "wide").read_bytes() == (tmp_path / "narrow").read_bytes()
    assert (tmp_path / "wide").read_bytes().count(b"\n") == 30


@pytest.mark.parametrize(
    ("spoiled", "says"),
    [
        ({"target_ids": [9, 9]}, "golden lines differ"),
        ({"source_ids": [EN, 9, 3]}, r"golden line 1 \(de-en\) is tokenised otherwise"),
        ({"source": "fr"}, r"golden line 1 \(fr-en\)"),
        ({"text": 5}, "golden line 1"),
    ],
)
def test_golden_lines_that_fail_keep_a_bundle_out(
    tokenizer_file: Path, tmp_path: Path, spoiled: dict[str, Any], says: str
) -> None:
    pack(tmp_path / "toy", tokenizer_file, **spoiled)
    with pytest.raises(BundleError, match=says):
        load_models(tmp_path, EngineSettings(num_threads=1), lambda error: None, lambda message: None)


def test_a_tokenizer_that_is_none_keeps_a_bundle_out(tmp_path: Path) -> None:
    write_toy_bundle(tmp_path / "toy")
    with pytest.raises(BundleError, match="the tokenizer cannot be loaded"):
        load_models(tmp_path, EngineSettings(num_threads=1), lambda error: None, lambda message: None)


def test_a_tokenizer_larger_than_the_model_keeps_a_bundle_out(tokenizer_file: Path, tmp_path: Path) -> None:
    bundle = write_toy_bundle(tmp_path / "toy")
    bundle.file("tokenizer").write_bytes(tokenizer_file.read_bytes())
    files = {**bundle.manifest.files, "tokenizer": describe_file(bundle.path, "spm.model")}
    write_manifest(bundle.path, replace(bundle.manifest, files=files))
    with pytest.raises(BundleError, match=r"pieces, the model only 137"):
        load_models(tmp_path, EngineSettings(num_threads=1), lambda error: None, lambda message: None)


def test_sizes_too_small_for_the_bundle_are_refused(folder: Path) -> None:
    with pytest.raises(SettingsError, match="--max-batch-tokens is 20"):
        load_models(folder, EngineSettings(1, 8, 20, 200), lambda error: None, lambda message: None)


def test_a_damaged_bundle_is_refused(tokenizer_file: Path, tmp_path: Path) -> None:
    pack(tmp_path / "toy", tokenizer_file)
    bundle = read_bundle(tmp_path / "toy")
    data = bytearray(bundle.file("encoder").read_bytes())
    data[len(data) // 2] ^= 1
    bundle.file("encoder").write_bytes(data)
    with pytest.raises(BundleError, match="SHA-256"):
        load_models(tmp_path, EngineSettings(num_threads=1), lambda error: None, lambda message: None)


def test_a_bundle_of_the_first_format_loads_for_ever(tmp_path: Path) -> None:
    """`format_1` was packed when there was no other: random weights, int8, 90 pieces, both directions."""
    # A copy: what it copies is measured at the first load, and kept in its folder.
    folder = Path(shutil.copytree(Path(__file__).with_name("format_1"), tmp_path / "format_1"))
    said: list[str] = []
    models = load_models(folder, EngineSettings(num_threads=1), lambda error: None, said.append)
    models.close(0.0)
    [model] = models.all
    assert "3 golden lines passed" in said[-1]
    assert (model.manifest.format, model.manifest.origin) == (1, None)
    assert (model.tokenizer.vocab_size, model.tokenizer.target_vocab_size) == (90, 90)
    assert (model.manifest.dimensions.vocab_size, model.manifest.dimensions.target_vocab_size) == (90, 90)
