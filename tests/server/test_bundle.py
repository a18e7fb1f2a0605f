"""The bundle's reader: every way a bundle can be wrong, and all of them in one message."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from server.bundle import (
    FORMAT,
    MANIFEST_NAME,
    Bundle,
    Formality,
    GoldenLine,
    LanguagePair,
    describe_file,
    read_bundle,
    read_golden,
    write_manifest,
)
from server.errors import BundleError
from tests.server.engine.toy import dump_manifest, write_toy_bundle


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return write_toy_bundle(tmp_path / "bundle")


def refuse(bundle: Bundle) -> str:
    """The message with which the bundle is refused."""
    with pytest.raises(BundleError) as refused:
        read_bundle(bundle.path)
    return str(refused.value)


def spoil(bundle: Bundle, change: Callable[[dict[str, Any]], object]) -> None:
    data = dump_manifest(bundle)
    change(data)
    (bundle.path / MANIFEST_NAME).write_text(json.dumps(data), encoding="utf-8")


def test_what_was_written_is_read(bundle: Bundle) -> None:
    again = read_bundle(bundle.path)
    assert again == bundle
    assert again.file("decoder") == bundle.path / "decoder.onnx"
    assert again.pair("de", "en") == LanguagePair("de", "en", ())
    assert again.pair("en", "de") is None
    assert asdict(again.manifest) == asdict(bundle.manifest)


def test_forms_of_address_are_read_and_their_ids_checked(bundle: Bundle) -> None:
    spoil(bundle, lambda data: data["pairs"][0].update(formality={"more": [4, 2], "less": [4, 1]}))
    pair = read_bundle(bundle.path).pair("de", "en")
    assert pair == LanguagePair("de", "en", (), Formality((4, 2), (4, 1)))
    assert pair.prefixes() == ((), (4, 2), (4, 1))
    spoil(bundle, lambda data: data["pairs"][0].update(formality={"more": [4, 2], "less": [4, 10**6]}))
    with pytest.raises(BundleError, match="id 1000000 is outside the vocabulary"):
        read_bundle(bundle.path)


def test_writing_leaves_nothing_aside(bundle: Bundle) -> None:
    write_manifest(bundle.path, bundle.manifest)
    assert not list(bundle.path.glob(".*"))


@pytest.mark.parametrize("role", ["encoder", "decoder", "tokenizer"])
def test_a_flipped_bit_is_found(bundle: Bundle, role: str) -> None:
    file = bundle.file(role)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert f"{file.name} ({role}) does not have the SHA-256 of the manifest" in refuse(bundle)


def test_a_truncated_file_is_found(bundle: Bundle) -> None:
    file = bundle.file("decoder")
    size = file.stat().st_size
    file.write_bytes(file.read_bytes()[:-1])
    assert f"decoder.onnx (decoder) has {size - 1} bytes, the manifest says {size}" in refuse(bundle)


def test_a_missing_file_is_found(bundle: Bundle) -> None:
    bundle.file("golden").unlink()
    assert "golden.jsonl (golden) is missing" in refuse(bundle)


def test_a_folder_without_manifest_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=f"there is no {MANIFEST_NAME}"):
        read_bundle(tmp_path)
    with pytest.raises(BundleError, match=f"there is no {MANIFEST_NAME}"):
        read_bundle(tmp_path / "nowhere")


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b'{"format": 1'])
def test_a_manifest_that_is_no_json_is_refused(bundle: Bundle, content: bytes) -> None:
    (bundle.path / MANIFEST_NAME).write_bytes(content)
    assert f"{MANIFEST_NAME} cannot be read" in refuse(bundle)


@pytest.mark.parametrize("found", [FORMAT + 1, 0, "1", True, None])
def test_an_unknown_format_is_refused_before_anything_else(bundle: Bundle, found: object) -> None:
    spoil(bundle, lambda data: data.update(format=found, pairs="of a later day"))
    message = refuse(bundle)
    assert f"has format {found!r}, this server reads formats 1 and 2" in message
    assert "pairs" not in message


@pytest.mark.parametrize("content", ["[]", "3", "null"])
def test_a_manifest_that_is_no_object_is_refused(bundle: Bundle, content: str) -> None:
    (bundle.path / MANIFEST_NAME).write_text(content)
    assert "has format None" in refuse(bundle)


def test_wrong_types_are_named_with_their_place(bundle: Bundle) -> None:
    def change(data: dict[str, Any]) -> None:
        data["precision"] = "fp16"
        data["dimensions"]["d_model"] = "32"
        data["dimensions"]["d_ff"] = True
        data["pairs"][0]["prefix_ids"] = [1, "2"]
        data["suppressed_ids"] = None
        data["files"]["encoder"]["bytes"] = 1.5
        del data["special_ids"]["eos"]
        data["special_ids"]["mask"] = 4
        data["search"] = []

    spoil(bundle, change)
    message = refuse(bundle)
    for part in (
        "manifest.precision is 'fp16', expected 'fp32' or 'int8'",
        "manifest.dimensions.d_model is '32', expected int",
        "manifest.dimensions.d_ff is True, expected int",
        "manifest.pairs[0].prefix_ids[1] is '2', expected int",
        "manifest.suppressed_ids is None, expected a list",
        "manifest.files.encoder.bytes is 1.5, expected int",
        "manifest.special_ids.eos is missing",
        "manifest.special_ids.mask is not known in format 2",
        "manifest.search is [], expected an object",
    ):
        assert part in message


def test_a_whole_number_may_stand_for_a_float(bundle: Bundle) -> None:
    spoil(bundle, lambda data: data["search"].update(length_penalty=1))
    penalty = read_bundle(bundle.path).manifest.search.length_penalty
    assert (penalty, type(penalty)) == (1.0, float)


def test_faults_of_files_and_of_sense_come_together(bundle: Bundle) -> None:
    def change(data: dict[str, Any]) -> None:
        data["dimensions"]["num_heads"] = 5
        data["pairs"] = []
        data["suppressed_ids"] = [3, 137]
        data["alignment_heads"] = 6
        del data["files"]["golden"]

    spoil(bundle, change)
    bundle.file("encoder").unlink()
    message = refuse(bundle)
    for part in (
        "5 heads of 8 do not make d_model 32",
        "manifest.pairs is empty",
        "alignment_heads is 6; there are 5 heads",
        "id 137 is outside the vocabulary of 137",
        "EOS is among suppressed_ids",
        "manifest.files has no 'golden'",
        "encoder.onnx (encoder) is missing",
    ):
        assert part in message
    assert message.startswith(str(bundle.path))


@pytest.mark.parametrize("path", ["../encoder.onnx", "/etc/passwd", "sub/encoder.onnx"])
def test_a_path_out_of_the_bundle_is_refused(bundle: Bundle, path: str) -> None:
    """Even where the file is there and its hash is right."""
    (bundle.path.parent / "encoder.onnx").write_bytes(bundle.file("encoder").read_bytes())
    entry = {**asdict(describe_file(bundle.path, "encoder.onnx")), "path": path}
    spoil(bundle, lambda data: data["files"].update(encoder=entry))
    assert f"manifest.files.encoder.path is {path!r}; it must be a plain name" in refuse(bundle)


@pytest.mark.parametrize("path", ["..", ".", ""])
def test_a_folder_is_no_file(bundle: Bundle, path: str) -> None:
    spoil(bundle, lambda data: data["files"]["encoder"].update(path=path))
    assert "encoder" in refuse(bundle)


def write_golden(bundle: Bundle, *lines: dict[str, Any] | str) -> Bundle:
    texts = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines]
    bundle.file("golden").write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    entry = asdict(describe_file(bundle.path, "golden.jsonl"))
    spoil(bundle, lambda data: data["files"].update(golden=entry))
    return read_bundle(bundle.path)


def test_golden_lines_are_read(bundle: Bundle) -> None:
    line = GoldenLine("de", "en", "Grüße\u2028!", (5, 6, 3), (7,))
    assert read_golden(write_golden(bundle, asdict(line), asdict(line))) == [line, line]


def test_golden_lines_of_wrong_shape_are_all_named(bundle: Bundle) -> None:
    line = asdict(GoldenLine("de", "en", "Hallo", (5, 3), (7,)))
    faulty = write_golden(bundle, line, {**line, "text": 5}, {**line, "target_ids": ["x"]}, "{")
    with pytest.raises(BundleError) as refused:
        read_golden(faulty)
    assert "golden line 2.text is 5, expected str" in str(refused.value)
    assert "golden line 3.target_ids[0] is 'x', expected int" in str(refused.value)
    assert "golden line 4 is no JSON" in str(refused.value)


def test_a_bundle_may_have_no_golden_line(bundle: Bundle) -> None:
    assert read_golden(bundle) == []
