"""Marian's binary files give what Marian says of them, and what is no such file is refused in words."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import export.pack
from export.calibration import Calibration
from export.errors import ExportError
from export.importer import read_source
from export.manifest import ExportSettings
from export.quantise import Int8, QuantiseSettings
from export.sources.files import read_npz
from export.sources.marian import find_weights, read_marian
from export.sources.marian_binary import read_binary
from export.sources.options import SourceOptions
from server.text.tokenizer import Tokenizer
from tests.export.sources.firefox import add_alphas, as_binary, write_firefox
from tests.export.sources.served import encode, search, serve, word_scores
from tests.export.sources.test_marian import DE_EN, FIXTURES, SHARED, largest_difference, read_lines, read_scores

STUDENT = FIXTURES / "student"
# A little more than calibration finds.
LIMITS = {"none": 6.0, "encoder_l1_self_Wk": 5.0, "encoder_l1_self_Wq": 6.5, "decoder_l2_context_Wv": 3.5}


def written(folder: Path, content: bytes) -> Path:
    path = folder / "model.bin"
    path.write_bytes(content)
    return path


def differences(path: Path, scores: list[list[float]], folder: Path) -> NDArray[np.float32]:
    """Between our word scores of the student's target lines and those given."""
    source = read_marian(path, DE_EN)
    (folder / "pieces.model").write_bytes(source.tokenizers[0])
    tokenizer, eos = Tokenizer.load(folder / "pieces.model"), source.special_ids.eos
    lines = zip(read_lines(STUDENT / "source.txt"), read_lines(STUDENT / "target.txt"), strict=True)
    ours = [word_scores(source, [*tokenizer.encode(s), eos], [*tokenizer.encode(t), eos]) for s, t in lines]
    return np.concatenate([np.abs(mine - theirs) for mine, theirs in zip(ours, scores, strict=True)])


def int8_scores(path: Path) -> list[list[float]]:
    return [[float(each) for each in line.split("WordScores=")[1].split("|||")[0].split()] for line in read_lines(path)]


def test_scores_are_nearer_to_marians_float_than_its_own_int8(tmp_path: Path) -> None:
    """Ours has its weights in int8, and not its inputs too."""
    exact, rounded = read_scores(STUDENT / "scores.txt"), int8_scores(STUDENT / "int8-scores.txt")
    found = differences(STUDENT / "model.bin", exact, tmp_path)
    theirs = np.concatenate([np.abs(np.subtract(a, b)) for a, b in zip(exact, rounded, strict=True)])
    assert len(found) > 300
    assert np.sqrt((found**2).mean()) < np.sqrt((theirs**2).mean())
    assert found.max() < 0.05


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_greedy_texts_are_marians(precision: Any, tmp_path: Path) -> None:
    with serve(read_marian(STUDENT / "model.bin", DE_EN), tmp_path / "b", ExportSettings(precision=precision)) as model:
        found = search(model, [encode(model, text) for text in read_lines(STUDENT / "source.txt")])
        texts = [model.tokenizer.decode(each.ids) for each in found]
    assert sum(a == b for a, b in zip(texts, read_lines(STUDENT / "greedy.txt"), strict=True)) >= 19


@pytest.mark.parametrize("int8", [False, True])
@pytest.mark.parametrize("name", ["pre-norm", "ssru", "yaml"])
def test_what_an_npz_holds_comes_back(name: str, int8: bool, tmp_path: Path) -> None:
    arrays = read_npz(FIXTURES / name / "model.npz")
    found = read_binary(written(tmp_path, as_binary(arrays, int8=int8)))
    assert set(found) == set(arrays)
    for tensor, array in arrays.items():
        step = np.abs(array).max() / 127 if int8 and "_W" in f"_{tensor}" else 0
        np.testing.assert_allclose(found[tensor], array, atol=0.501 * step, rtol=0)


def test_firefoxs_form_has_scales_and_an_aligning_layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calibrations: list[Calibration] = []

    def note(calibration: Calibration, settings: QuantiseSettings) -> Int8:
        calibrations.append(calibration)
        return Int8(calibration, settings)

    monkeypatch.setattr(export.pack, "Int8", note)
    arrays = read_binary(STUDENT / "model.bin")
    write_firefox(tmp_path / "any", add_alphas(arrays, LIMITS), STUDENT / "vocab.spm")
    source = read_source(tmp_path / "any", "auto", SourceOptions())
    assert [(pair.source, pair.target) for pair in source.pairs] == [("de", "en")]
    # Of tensors that share an input the widest counts.
    assert source.input_limits == pytest.approx(
        {"projection": 6.0, "encoder.0.self_attention.query_key_value": 6.5, "cross_key_value": 3.5}
    )
    assert source.alignment_layer == 1
    assert source.figures == {}
    (tmp_path / "any" / "metadata.json").write_text('{"architecture": "tiny", "flores": {"bleu": 41, "comet": 0.88}}')
    source = read_source(tmp_path / "any", "auto", SourceOptions())
    with serve(source, tmp_path / "bundle", ExportSettings(precision="int8")) as model:
        manifest = model.manifest
        assert manifest.origin is not None
        assert manifest.origin.figures == {"flores bleu": 41.0, "flores comet": 0.88}
        hypotheses = search(model, [encode(model, text) for text in read_lines(STUDENT / "source.txt")])
        texts = [model.tokenizer.decode(each.ids) for each in hypotheses]
    assert (manifest.alignment_layer, manifest.alignment_heads) == (1, 1)
    [calibration] = calibrations
    reach = {site: max(-found.low, found.high) for site, found in calibration.ranges.items()}
    assert {site: reach[site] for site in source.input_limits} == pytest.approx(source.input_limits)
    assert reach["encoder.0.feed_forward.inner"] > 1
    assert sum(a == b for a, b in zip(texts, read_lines(STUDENT / "greedy.txt"), strict=True)) >= 15


@pytest.mark.parametrize(("said", "layer"), [("last", 1), ("1", 0), ("2", 1), ("9", 1), ("x", 1)])
def test_aligning_layer_is_the_one_that_was_trained(said: str, layer: int, tmp_path: Path) -> None:
    arrays = dict(read_binary(STUDENT / "model.bin"))
    config = arrays["special:model.yml"].tobytes().rstrip(b"\0").decode()
    config = config.replace("guided-alignment-layer: last", f"guided-alignment-layer: {said}")
    arrays["special:model.yml"] = np.frombuffer(config.encode() + b"\0", np.int8)
    path = write_firefox(tmp_path, add_alphas(arrays, LIMITS), STUDENT / "vocab.spm")
    assert read_marian(path, DE_EN).alignment_layer == layer


def test_odd_scales_limit_nothing(tmp_path: Path) -> None:
    arrays = dict(read_binary(STUDENT / "model.bin"))
    odd = {"encoder_l1_self_Wq": [[np.inf]], "encoder_l1_ffn_W1": [[-1.0]], "encoder_l1_ffn_W2": [[1.0, 2.0]]}
    odd |= {"decoder_l1_rnn_W": [[np.nan]]}
    arrays |= {f"{name}_QuantMultA": np.array(value, np.float32) for name, value in odd.items()}
    path = write_firefox(tmp_path, arrays, STUDENT / "vocab.spm")
    assert read_marian(path, DE_EN).input_limits == {}


def test_two_vocabularies_of_two_tables(tmp_path: Path) -> None:
    """As Firefox has for Japanese, Korean and Chinese: its scale of the output is named otherwise there, and int8."""
    arrays = add_alphas(read_npz(FIXTURES / "ssru" / "model.npz"), {"decoder_Wemb": 4.0})
    (tmp_path / "model.deja.intgemm.alphas.bin").write_bytes(as_binary(arrays))
    for kind, name in (("src", "source"), ("trg", "target")):
        content = (FIXTURES / "ssru" / f"{name}-vocab.spm").read_bytes()
        (tmp_path / f"{kind}vocab.deja.spm").write_bytes(content)
    source = read_source(tmp_path, "auto", SourceOptions())
    assert [(pair.source, pair.target) for pair in source.pairs] == [("de", "ja")]
    assert len(source.tokenizers) == 2
    assert source.input_limits == pytest.approx({"projection": 4.0}, rel=0.01)


def change(content: bytes, place: int, form: str, value: int) -> bytes:
    return content[:place] + struct.pack(form, value) + content[place + struct.calcsize(form) :]


SMALL = as_binary({"a": np.ones((2, 3), np.float32), "b_W": np.ones((2, 3), np.float32)})
NAMES = 16 + 2 * 32
SHAPES = NAMES + len(b"a\0b_W\0")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer"),
        (SMALL[:10], "the file's head would have 16 bytes and 10 are left"),
        (b"PK\x03\x04" + bytes(100), "only 1 is known; is it another kind of file"),
        (change(SMALL, 8, "<Q", 2**63), "the head of tensor"),
        (change(SMALL, 16, "<Q", 2**64 - 1), "the name of tensor 1 would have 18446744073709551615 bytes"),
        (change(SMALL, 24, "<Q", 0x11101), "made for one kind of processor"),
        (change(SMALL, 32, "<Q", 2**40), "and 1 to 8 are possible"),
        (change(SMALL, 32, "<Q", 0), "has 0 axes"),
        (change(SMALL, 40, "<Q", 2**62), "tensor a would have"),
        (change(SMALL, 40, "<Q", 8), "tensor a has 8 bytes, and its shape and type need 24"),
        (change(SMALL, NAMES, "<B", 0xFF), "is not UTF-8"),
        (SMALL.replace(b"a\0b_W\0", b"b\0b\0\0\0"), "have one name"),
        (change(SMALL, SHAPES, "<i", -2), "no axis is shorter than 1"),
        (change(SMALL, SHAPES, "<i", 2**31 - 1), "need 25769803764"),
        (change(SMALL, SHAPES + 16, "<Q", 2**50), "what comes before the data"),
        (SMALL[:-1], "tensor b_W would have 256 bytes and 255 are left"),
        (SMALL + b"\0", "1 bytes follow the last tensor"),
        (SMALL[:-250] + b"\0\0\0\0" + SMALL[-246:], "with the multiplier 0;"),
    ],
)
def test_what_is_no_whole_model_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(ExportError) as refused:
        read_binary(written(tmp_path, content))
    assert message in str(refused.value)
    assert str(tmp_path) in str(refused.value)


def test_a_matrix_of_zeros_is_one(tmp_path: Path) -> None:
    content = as_binary({"x_W": np.ones((2, 2), np.float32)})
    # As Marian writes it: 127 over the largest magnitude, 0.
    content = content[:-256] + bytes(4) + np.float32(np.inf).tobytes() + content[-248:]
    np.testing.assert_array_equal(read_binary(written(tmp_path, content))["x_W"], np.zeros((2, 2)))


def test_the_model_of_a_folder(tmp_path: Path) -> None:
    path = write_firefox(tmp_path, read_binary(STUDENT / "model.bin"), STUDENT / "vocab.spm")
    (tmp_path / "pytorch_model.bin").write_bytes(b"PK")
    assert find_weights(tmp_path) == path
    # What it was made of is exacter.
    (tmp_path / "model.npz").write_bytes(b"PK")
    assert find_weights(tmp_path) == tmp_path / "model.npz"


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"{SHARED} is not there")
@pytest.mark.parametrize("name", ["model", "ssru/model"])
def test_larger_models_give_what_their_npz_give(name: str, tmp_path: Path) -> None:
    options = SourceOptions(pairs=(("de", "en"),), vocabularies=(SHARED / "vocab.spm", SHARED / "vocab.spm"))
    packed = SHARED / f"{name}.intgemm8.bin"
    exact, found = read_npz(SHARED / f"{name}.npz"), read_binary(packed)
    for tensor, array in exact.items():
        if tensor != "special:model.yml":
            step = np.abs(array).max() / 127 if array.shape[0] > 1 and "Wemb" not in tensor else 0
            np.testing.assert_allclose(found[tensor], array, atol=0.501 * step, rtol=0)
    lines = [read_lines(SHARED / f"s.{side}") for side in ("de", "en")]
    # Marian's own int8 is off by up to 0.10 and 0.02.
    assert largest_difference(packed, options, *lines, packed.with_name("score.txt"), tmp_path) < 0.06
