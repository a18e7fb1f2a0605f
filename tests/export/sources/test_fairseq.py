"""Models that fairseq trained give what fairseq says of them: ids, word scores, and greedy ids through our engine."""

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
from export.sources.fairseq import find_checkpoint
from export.sources.options import SourceOptions
from export.sources.source import Source
from server.models.models import Model
from tests.export.sources.served import encode, search, serve, word_scores

FIXTURES = Path(__file__).with_name("fairseq")
NAMES = ("iwslt", "pre-norm", "moses")


def read(path: Path, **options: Any) -> Source:
    return read_source(path, "auto", SourceOptions(pairs=(("de", "en"),), **options))


def expected(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FIXTURES / name / "expected.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("name", NAMES)
def test_word_scores_are_those_of_fairseq(name: str) -> None:
    source = read(FIXTURES / name)
    assert source.model.settings.norm_place == ("pre" if name == "pre-norm" else "post")
    for line in expected(name):
        found = word_scores(source, line["source_ids"], line["target_ids"])
        np.testing.assert_allclose(found, line["scores"], atol=2e-5, rtol=0)


@pytest.fixture(params=NAMES, scope="module")
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Model]]:
    with serve(read(FIXTURES / request.param), tmp_path_factory.mktemp("served") / "bundle") as model:
        yield request.param, model


def test_text_has_the_ids_of_its_dictionary(served: tuple[str, Model]) -> None:
    name, model = served
    assert [encode(model, line["text"]) for line in expected(name)] == [line["source_ids"] for line in expected(name)]


def test_greedy_ids_are_those_of_fairseq(served: tuple[str, Model]) -> None:
    name, model = served
    longest = model.manifest.dimensions.max_target_length
    lines = [line for line in expected(name) if 2 * len(line["source_ids"]) <= longest]
    num_whole = 0
    for hypothesis, line in zip(search(model, [line["source_ids"] for line in lines]), lines, strict=True):
        ours, theirs = [*hypothesis.ids, model.manifest.special_ids.eos], line["generated"]
        # fairseq forces an end at its limit.
        assert ours == theirs if hypothesis.complete else ours[:-1][: len(theirs) - 1] == theirs[:-1]
        num_whole += hypothesis.complete
    assert num_whole >= 5


def test_direction_and_family_stand_in_the_manifest(served: tuple[str, Model]) -> None:
    _, model = served
    assert [(pair.source, pair.target, pair.prefix_ids) for pair in model.manifest.pairs] == [("de", "en", ())]
    assert model.manifest.origin is not None
    assert (model.manifest.origin.family, "checkpoint_best.pt" in model.manifest.origin.files) == ("fairseq", True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy to spoil."""
    return shutil.copytree(FIXTURES / "iwslt", tmp_path / "model")


def change(folder: Path, settings: dict[str, Any], tensors: dict[str, Any] | None = None) -> None:
    """Write the checkpoint anew, with other settings, in the older place, and tensors (None takes one away)."""
    path = folder / "checkpoint_best.pt"
    found = load(path)
    args = found.get("args") or found["cfg"]["model"]
    vars(args).update(settings)
    state = {**found["model"], **(tensors or {})}
    kept = {name: tensor for name, tensor in state.items() if tensor is not None}
    torch.save({"args": args, "model": kept}, path)


def load(path: Path) -> Any:
    return torch.load(path, weights_only=False)  # a file of our own


def refuse(path: Path, **options: Any) -> str:
    with pytest.raises(ExportError) as refused:
        read(path, **options)
    return str(refused.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"adaptive_softmax_cutoff": "1,2"}, "adaptive_softmax_cutoff is set"),
        ({"decoder_normalize_before": True}, "encoder_normalize_before is False and decoder_normalize_before True"),
        ({"decoder_output_dim": 8}, "decoder_output_dim is not decoder_embed_dim"),
        ({"activation_fn": "tanh"}, "activation_fn is 'tanh'; there are relu, gelu, swish"),
        ({"encoder_layers": 3}, "encoder.2.self_attention.query.weight is missing"),
        ({"encoder_layers": None}, "encoder_layers None; it must be a number"),
        ({"encoder_learned_pos": True, "decoder_learned_pos": True}, "said to be learned, and the weights have none"),
    ],
)
def test_other_shapes_are_refused_in_words(folder: Path, settings: dict[str, Any], message: str) -> None:
    change(folder, settings)
    assert message in refuse(folder)


def test_tensors_that_are_missing_or_left_over_are_named(folder: Path) -> None:
    change(folder, {}, {"encoder.layernorm_embedding.weight": torch.zeros(16)})
    assert "1 tensors that have no place in ours, such as encoder.layernorm_embedding.weight" in refuse(folder)
    change(folder, {}, {"encoder.layernorm_embedding.weight": None, "decoder.embed_tokens.weight": None})
    assert "have no decoder.embed_tokens.weight" in refuse(folder)


def test_embeddings_without_a_scale_and_a_table_of_their_own_for_logits(folder: Path) -> None:
    plain = read(folder).model
    output = torch.randn(plain.target_vocab_size, 16)
    change(folder, {"no_scale_embedding": True}, {"decoder.output_projection.weight": output})
    found = read(folder).model
    assert torch.equal(found.output_table, output)
    torch.testing.assert_close(found.embedding.weight * 4, plain.embedding.weight)


def test_what_is_no_checkpoint_is_refused(folder: Path, tmp_path: Path) -> None:
    path, witness = folder / "checkpoint_best.pt", tmp_path / "witness"

    class Hostile:
        def __reduce__(self) -> object:
            return Path.touch, (witness,)

    torch.save({"args": Hostile(), "model": {}}, path)
    assert "holds more than tensors and settings" in refuse(folder)
    assert not witness.exists()
    torch.save({"weights": {}}, path)
    assert "cannot be read as a checkpoint of fairseq" in refuse(folder)
    path.write_bytes((FIXTURES / "iwslt" / path.name).read_bytes()[:5000])
    assert "is it whole?" in refuse(folder)
    path.unlink()
    with pytest.raises(ExportError, match="holds no checkpoint of fairseq's"):
        read_source(folder, "fairseq", SourceOptions())


def test_dictionaries_must_be_there_and_fit(folder: Path) -> None:
    dictionary = folder / "dict.en.txt"
    lines = dictionary.read_text("utf-8")
    for content, message in (
        (lines + "more 1\n", "entries with the special ones, and the model"),
        (lines + lines, "has an entry twice"),
    ):
        dictionary.write_text(content, "utf-8")
        assert message in refuse(folder)
    dictionary.write_text("<s> 1 #fairseq:overwrite\n" + lines, "utf-8")
    assert "has an entry twice" in refuse(folder)
    dictionary.unlink()
    assert "has dictionaries of de; it must have dict.SRC.txt and dict.TGT.txt" in refuse(folder)


def test_what_cuts_text_is_found_or_given(folder: Path) -> None:
    (folder / "spm.en.model").rename(folder / "other.model")
    assert "has none of spm.en.model" in refuse(folder)
    found = read(folder / "checkpoint_best.pt", vocabularies=(folder / "spm.de.model", folder / "other.model"))
    assert found.tokenizers == read(FIXTURES / "iwslt").tokenizers


def test_one_of_several_checkpoints(folder: Path) -> None:
    shutil.copyfile(folder / "checkpoint_best.pt", folder / "checkpoint1.pt")
    assert find_checkpoint(folder) == folder / "checkpoint_best.pt"
    (folder / "checkpoint_best.pt").rename(folder / "checkpoint2.pt")
    with pytest.raises(ExportError, match=r"several checkpoints \(checkpoint1.pt, checkpoint2.pt\)"):
        find_checkpoint(folder)
