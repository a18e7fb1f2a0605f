"""MarianMT folders give what transformers computes of them: ids of text, logits, and greedy ids through the engine."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from export.errors import ExportError
from export.importer import read_source
from export.sources.options import SourceOptions
from export.sources.source import Source
from server.models.models import Model
from tests.export.sources.served import encode, logits, search, serve

FIXTURES = Path(__file__).with_name("marian_mt")
NAMES = ("shared", "separate", "shuffled")


def read(folder: Path) -> Source:
    return read_source(folder, "auto", SourceOptions())


def expected(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FIXTURES / name / "expected.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("name", NAMES)
def test_logits_are_those_of_transformers(name: str) -> None:
    source = read(FIXTURES / name)
    for line in expected(name):
        found = logits(source, line["source_ids"], line["generated"][:3]).numpy()
        np.testing.assert_allclose(found, line["logits"], atol=1e-5, rtol=0)


@pytest.fixture(params=NAMES, scope="module")
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Model]]:
    with serve(read(FIXTURES / request.param), tmp_path_factory.mktemp("served") / "bundle") as model:
        yield request.param, model


def test_text_has_the_ids_of_its_own_vocabulary(served: tuple[str, Model]) -> None:
    name, model = served
    assert [encode(model, line["text"]) for line in expected(name)] == [line["source_ids"] for line in expected(name)]


def test_greedy_ids_are_those_of_transformers(served: tuple[str, Model]) -> None:
    name, model = served
    lines = expected(name)
    found = search(model, [line["source_ids"] for line in lines])
    eos = model.manifest.special_ids.eos
    for hypothesis, line in zip(found, lines, strict=True):
        ours, theirs = [*hypothesis.ids, eos], line["generated"][1:]
        # transformers was given a few ids more, so that a sentence that never ends is longer there.
        assert ours == theirs if hypothesis.complete else ours[:-1] == theirs[: len(ours) - 1]
    # In the other two nothing ends; their weights are random.
    assert any(hypothesis.complete for hypothesis in found) is (name == "separate")


def test_directions_are_those_of_the_vocabulary_or_the_configuration(served: tuple[str, Model]) -> None:
    name, model = served
    assert [(pair.source, pair.target) for pair in model.manifest.pairs] == [("de", "en")]
    assert bool(model.manifest.pairs[0].prefix_ids) is (name == "shuffled")


def test_what_is_not_supported_is_refused_in_words(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(FIXTURES / "shared", folder)
    config = json.loads((folder / "config.json").read_text())
    for changed, message in (
        ({"model_type": "t5"}, "is a model of type 't5'"),
        ({"normalize_before": True}, "normalize_before is true"),
        ({"activation_function": "tanh"}, "activation_function is 'tanh'"),
        ({"encoder_layers": 3}, "encoder.2.self_attention.query.weight is missing"),
    ):
        (folder / "config.json").write_text(json.dumps(config | changed))
        with pytest.raises(ExportError, match=message):
            read(folder)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").unlink()
    with pytest.raises(ExportError, match="has no weights"):
        read(folder)


def test_a_pickle_of_more_than_tensors_is_never_read(tmp_path: Path) -> None:
    folder, witness = tmp_path / "model", tmp_path / "witness"
    shutil.copytree(FIXTURES / "shuffled", folder)

    class Hostile:
        def __reduce__(self) -> object:
            return Path.touch, (witness,)

    torch.save({"model.shared.weight": Hostile()}, folder / "pytorch_model.bin")
    with pytest.raises(ExportError, match="holds more than tensors"):
        read(folder)
    assert not witness.exists()
