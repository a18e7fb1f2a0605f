"""Our weights in other toolkits' forms are what these toolkits wrote themselves, and can be measured beside them."""

import json
from dataclasses import replace
from pathlib import Path

import foreign_files
import foreign_quality
import foreign_speed
import numpy as np
import pytest
import torch
from foreign.hub_form import write_folder
from foreign.marian_form import find_faults, write_npz
from foreign.shapes import EOS, SHAPES, UNK, Shape, build_random, draw_lines, write_list, write_words
from sentencepiece import SentencePieceProcessor

from export.importer import read_source
from export.sources.files import read_npz
from export.sources.marian import read_marian
from export.sources.marian_mt import read_marian_mt
from export.sources.marian_yaml import parse_vocabulary
from export.sources.options import SourceOptions
from tests.benchmarks.conftest import Folders
from training.checkpoint import read_checkpoint
from training.model import ModelSettings, Transformer

FIXTURES = Path(__file__).parents[1] / "export" / "sources"
DE_EN = SourceOptions(pairs=(("de", "en"),))


@pytest.mark.parametrize("name", ["pre-norm", "ssru", "yaml"])
def test_marians_weights_come_back_as_they_were(name: str, tmp_path: Path) -> None:
    folder = FIXTURES / "marian" / name
    source = read_marian(folder / "model.npz", DE_EN)
    write_npz(tmp_path / "model.npz", source.model, source.special_ids.bos)
    wanted, found = read_npz(folder / "model.npz"), read_npz(tmp_path / "model.npz")
    assert set(found) == set(wanted)
    for key, array in wanted.items():
        if key != "special:model.yml":
            np.testing.assert_array_equal(found[key], array, err_msg=key)
    for file in folder.iterdir():
        if file.name != "model.npz":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    assert read_marian(tmp_path / "model.npz", DE_EN).model.settings == source.model.settings


def test_shapes_that_marian_cannot_compute_are_refused(tmp_path: Path) -> None:
    assert find_faults(ModelSettings(norm="layernorm", biases=True)) == []
    model = Transformer(ModelSettings(d_model=16, num_heads=2, activation="quick_gelu"), 10)
    with pytest.raises(ValueError, match=r"norm is rmsnorm, not layernorm; biases is False.*activation is quick_gelu"):
        write_npz(tmp_path / "model.npz", model)
    assert list(tmp_path.iterdir()) == []


def test_transformers_weights_come_back_as_they_were(tmp_path: Path) -> None:
    """The folder of transformers' own has another order of ids, so that the weights are what is compared."""
    source = read_marian_mt(FIXTURES / "marian_mt" / "shared", DE_EN)
    (tmp_path / "vocab.spm").write_bytes(source.tokenizers[0])
    model = source.model
    size = SentencePieceProcessor(model_proto=source.tokenizers[0]).get_piece_size()
    write_folder(tmp_path / "model", model, tmp_path / "vocab.spm", ("de", "en"))
    found = read_marian_mt(tmp_path / "model", SourceOptions())
    assert found.model.settings == model.settings
    assert [(pair.source, pair.target) for pair in found.pairs] == [("de", "en")]
    for name, tensor in model.state_dict().items():
        rows = slice(None, size) if name in ("embedding.weight", "logits_bias") else slice(None)
        torch.testing.assert_close(found.model.state_dict()[name][rows], tensor[rows], rtol=0, atol=0)


@pytest.mark.parametrize("name", list(SHAPES))
def test_random_models_of_a_shape_can_be_imported(name: str, tmp_path: Path) -> None:
    """Smaller than the shape, which would take a while; the rest is as it is."""
    shape = shrink(name)
    write_npz(tmp_path / "model.npz", build_random(shape))
    write_words(tmp_path / "vocab.spm", shape.ids)
    write_list(tmp_path / "vocab.yml", tmp_path / "vocab.spm")
    vocabulary = tmp_path / "vocab.spm"
    source = read_marian(tmp_path / "model.npz", replace(DE_EN, vocabularies=(vocabulary, vocabulary)))
    assert source.model.settings == replace(shape.model, dropout=source.model.settings.dropout)
    assert (source.special_ids.eos, source.special_ids.unk) == (EOS, UNK)
    processor = SentencePieceProcessor(model_proto=source.tokenizers[0])
    lines = draw_lines(shape, 3, 9)
    assert [len(ids) for ids in processor.encode(lines)] == [8, 8, 8]
    assert processor.decode(processor.encode(lines)) == lines
    assert parse_vocabulary((tmp_path / "vocab.yml").read_text(), "vocab.yml")[:3] == ["</s>", "<unk>", "▁w2"]


# What pymarian has, as far as it is asked.
STAND_IN = """
import shutil

class Translator:
    def __init__(self, options):
        self.options = options
        print("loaded")
    def translate(self, lines):
        return [line.upper() for line in lines]
def main(arguments):
    shutil.copyfile(*(arguments[arguments.index(name) + 1] for name in ("-f", "-t")))
"""


@pytest.fixture
def pymarian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in, for processes that are started here."""
    (tmp_path / "stand-in").mkdir()
    for name in ("pymarian", "_pymarian"):
        (tmp_path / "stand-in" / f"{name}.py").write_text(STAND_IN)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "stand-in"), prepend=":")


def shrink(name: str) -> Shape:
    model = replace(SHAPES[name].model, d_model=64, d_ff=96, num_encoder_layers=1, num_decoder_layers=1)
    return Shape(model, 50)


@pytest.mark.usefixtures("pymarian")
def test_all_systems_take_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SHAPES, "opus", shrink("opus"))
    few = ["--num-lines", "20", "--sentences", "1", "20", "--beam-sizes", "2", "--rounds", "3"]
    foreign_speed.main(["--shape", "opus", "--output", str(tmp_path / "found"), *few])
    rows = json.loads((tmp_path / "found" / "opus.json").read_text())
    assert [(row["at once"], row["system"]) for row in rows] == [
        (at_once, name) for at_once in (1, 20) for name in ("Ferry", "Marian", "CTranslate2")
    ]
    # All targets are as long as asked for; the end is one of the ids, and is never written here.
    assert [row["words"] for row in rows] == [16 * 28, 16 * 24, 16 * 28, 20 * 28, 20 * 24, 20 * 28]
    assert "| Ferry |" in (tmp_path / "found" / "opus.md").read_text(encoding="utf-8")


@pytest.mark.usefixtures("pymarian")
def test_quality_of_all_forms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The stand-in copies where Marian converts, so that what it made is read as the npz that it is.
    monkeypatch.setattr("export.sources.marian.read_binary", read_npz)
    shape = shrink("firefox-tiny")
    write_npz(tmp_path / "model.npz", build_random(shape))
    write_words(tmp_path / "vocab.spm", shape.ids)
    lines = draw_lines(shape, 4, 6)
    for name, side in (("de", lines), ("en", [line.upper() for line in lines])):
        (tmp_path / name).write_text("".join(f"{line}\n" for line in side))
    output = tmp_path / "found"
    test = ["--test", "tiny", str(tmp_path / "de"), str(tmp_path / "en"), "--beam-sizes", "1"]
    foreign_quality.main([str(tmp_path / "model.npz"), "--output", str(output), *test])
    rows = json.loads((output / "quality.json").read_text())
    assert [(row["system"], row["lines as Marian's float"]) for row in rows] == [
        ("Marian, float", 4),
        ("Marian, int8", 4),
        ("Ferry, float", 0),
        ("Ferry, int8", 0),
        ("Ferry, int8 of the binary", 0),
    ]
    assert (rows[0]["BLEU"], rows[0]["lines"]) == (100, 4)
    assert (output / "tiny.1.Marian-float.txt").read_text() == (tmp_path / "en").read_text()


def test_a_model_of_ones_own_needs_lines(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="--model needs --lines"):
        foreign_speed.main(["--model", "model.npz", "--output", str(tmp_path)])


@pytest.fixture
def checkpoint(tmp_path: Path, folders: Folders, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shape of the toy checkpoint as Marian could have it, with its tokenizer."""
    found = read_checkpoint(folders.checkpoint)
    settings = replace(found.settings.model, norm="layernorm", norm_place="post", biases=True, logits_bias=True)
    model = Transformer(settings, found.model.vocab_size)
    made = replace(found, model=model, settings=replace(found.settings, model=settings))
    monkeypatch.setattr(foreign_files, "read_checkpoint", lambda path: made)
    return folders.checkpoint


@pytest.mark.parametrize("form", ["marian", "transformers"])
def test_a_checkpoint_in_their_form(form: str, checkpoint: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    foreign_files.main([str(checkpoint), str(folder), "--form", form, "--pair", "de-en"])
    source = read_source(folder, "auto", DE_EN)
    assert source.family == {"marian": "Marian", "transformers": "MarianMT"}[form]
    own = foreign_files.read_checkpoint(checkpoint).model
    size = own.vocab_size
    assert source.special_ids.bos == size
    torch.testing.assert_close(source.model.embedding.weight[4:size], own.embedding.weight[4:], rtol=0, atol=0)
    # Both start their targets from zeros.
    assert not source.model.embedding.weight[size].any()
