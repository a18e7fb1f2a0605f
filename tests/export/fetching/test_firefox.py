"""Firefox's models out of Remote Settings: the right one, whole or not at all, and gone on with where it broke off."""

import json
from pathlib import Path
from typing import Any

import pytest
from zstandard import ZstdCompressor

from export.errors import ExportError
from export.fetching.firefox import choose, describe, fetch_firefox, list_records
from tests.export.fetching.services import Service, offer_firefox, sha256

FILES = {"model": b"model" * 5000, "vocab": b"pieces" * 50, "lex": b"unused"}
RECORDS = "/v1/buckets/main/collections/translations-models-v2/records"
MODEL = "model.deen.intgemm.alphas.bin"


def fetch(service: Service, cache: Path, name: str = "de-en", version: str = "") -> Path:
    return fetch_firefox(name, cache, f"{service.address}/v1", version, lambda message: None).path


def refuse(service: Service, cache: Path, name: str = "de-en", version: str = "") -> str:
    with pytest.raises(ExportError) as refused:
        fetch(service, cache, name, version)
    return str(refused.value)


def finished(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.rglob("*") if path.is_file() and path.suffix != ".part")


def alter(service: Service, number: int, **changes: Any) -> None:
    """Another thing said by a record; of its attachment with the prefix `attachment_`."""
    data = json.loads(service.files[RECORDS])
    for key, value in changes.items():
        inner = data["data"][number]["attachment"] if key.startswith("attachment_") else data["data"][number]
        inner[key.removeprefix("attachment_")] = value
    service.put_json(RECORDS, data)


def test_model_and_vocabulary_are_fetched_once(service: Service, tmp_path: Path) -> None:
    offer_firefox(service, FILES)
    said: list[str] = []
    found = fetch_firefox("de-en", tmp_path, f"{service.address}/v1/", "", said.append)
    assert found.path.read_bytes() == FILES["model"]
    assert (found.path.parent / "vocab.deen.spm").read_bytes() == FILES["vocab"]
    assert (found.name, found.pair, found.licence) == ("firefox:de-en/tiny@3.0", ("de", "en"), "MPL-2.0")
    assert len(said) == 2
    asked = len(service.requests(".zst"))
    assert fetch(service, tmp_path) == found.path
    assert len(service.requests(".zst")) == asked == 2
    # What somebody damaged is fetched anew.
    found.path.write_bytes(FILES["model"][::-1])
    assert fetch(service, tmp_path).read_bytes() == FILES["model"]


def test_address_is_a_setting(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offer_firefox(service, FILES)
    monkeypatch.setenv("FERRY_FIREFOX_URL", f"{service.address}/v1")
    assert fetch_firefox("de-en", tmp_path, say=lambda message: None).path.is_file()


def test_best_architecture_and_version(service: Service, tmp_path: Path) -> None:
    for architecture, version in (("tiny", "3.2"), ("base-memory", "3.1"), ("base-memory", "3.0"), ("base", "3.9")):
        offer_firefox(
            service, {"model": f"{architecture} {version}".encode(), "vocab": b"v"}, "de-en", architecture, version
        )
    offer_firefox(service, {"model": b"unfinished", "vocab": b"v"}, "de-en", "base-memory", "3.2a1")
    offer_firefox(service, {"model": b"other", "vocab": b"v"}, "en-de")
    for name, version, content in (
        ("de-en", "", "base-memory 3.1"),
        ("DE-EN", "3.0", "base-memory 3.0"),
        ("de-en/tiny", "", "tiny 3.2"),
        ("de-en", "3.2a1", "unfinished"),
    ):
        assert fetch(service, tmp_path, name, version).read_bytes() == content.encode()
    assert "no model de-en/huge; there are firefox:de-en/base-memory@3.0" in refuse(service, tmp_path, "de-en/huge")
    assert "no model de-en of version 9; there" in refuse(service, tmp_path, "de-en", "9")
    assert "no model de-xx; there are de-en, en-de" in refuse(service, tmp_path, "de-xx")
    lines = describe(list_records(f"{service.address}/v1"))
    assert [line.split()[0] for line in lines][-1:] == ["firefox:en-de/tiny@3.0"]
    assert len(lines) == 6


def test_two_vocabularies(service: Service, tmp_path: Path) -> None:
    offer_firefox(service, {"model": b"m", "srcvocab": b"s", "trgvocab": b"t"}, "en-ja")
    path = fetch(service, tmp_path, "en-ja")
    assert sorted(each.name for each in path.parent.iterdir()) == [
        "model.enja.intgemm.alphas.bin",
        "srcvocab.enja.spm",
        "trgvocab.enja.spm",
    ]


def test_a_vocabulary_that_stayed(service: Service, tmp_path: Path) -> None:
    offer_firefox(service, FILES, version="3.0")
    offer_firefox(service, {"model": b"new"}, version="3.1")
    offer_firefox(service, {"vocab": b"other"}, architecture="base", version="3.2")
    path = fetch(service, tmp_path)
    assert path.read_bytes() == b"new"
    assert (path.parent / "vocab.deen.spm").read_bytes() == FILES["vocab"]


def test_a_model_without_a_vocabulary_is_refused(service: Service, tmp_path: Path) -> None:
    offer_firefox(service, {"model": b"m", "srcvocab": b"s"})
    assert "no record of the type trgvocab" in refuse(service, tmp_path)


def test_older_collection_has_plain_files(service: Service, tmp_path: Path) -> None:
    service.put_json("/v1/", {"capabilities": {"attachments": {"base_url": f"{service.address}/a"}}})
    records = []
    for kind, content in (("model", b"model"), ("vocab", b"pieces")):
        service.files[f"/a/x/{kind}"] = content
        attachment = {"hash": sha256(content), "size": str(len(content)), "location": f"x/{kind}"}
        name = f"{kind}.deen.{'bin' if kind == 'model' else 'spm'}"
        records.append({"name": name, "fileType": kind, "fromLang": "de", "toLang": "en", "version": "1.0"})
        records[-1]["attachment"] = attachment  # type: ignore[assignment]
    service.put_json("/v1/buckets/main/collections/translations-models/records", {"data": [*records, 1, {}]})
    assert fetch(service, tmp_path).read_bytes() == b"model"


def test_what_breaks_off_is_gone_on_with(service: Service, tmp_path: Path, pauses: list[float]) -> None:
    record = offer_firefox(service, FILES)[0]
    path, size = f"/attachments/{record['attachment']['location']}", record["attachment"]["size"]
    service.cuts[path] = [size // 3, size // 5]
    assert fetch(service, tmp_path).read_bytes() == FILES["model"]
    assert service.requests(path) == [None, f"bytes={size // 3}-", f"bytes={size // 3 + size // 5}-"]
    assert pauses == [1.0, 2.0]


def test_another_run_goes_on_with_it_too(service: Service, tmp_path: Path) -> None:
    record = offer_firefox(service, FILES)[0]
    path = f"/attachments/{record['attachment']['location']}"
    service.cuts[path] = [3, 0, 0, 0, 0]
    message = refuse(service, tmp_path)
    assert "broke off after 3 of" in message
    assert "the same command goes on with it" in message
    assert finished(tmp_path) == []
    assert fetch(service, tmp_path).read_bytes() == FILES["model"]
    assert service.requests(path)[-1] == "bytes=3-"


def test_a_server_without_ranges_begins_anew(service: Service, tmp_path: Path) -> None:
    record = offer_firefox(service, FILES)[0]
    service.ranges = False
    service.cuts[f"/attachments/{record['attachment']['location']}"] = [3]
    assert fetch(service, tmp_path).read_bytes() == FILES["model"]


def test_a_busy_server_is_asked_again(service: Service, tmp_path: Path, pauses: list[float]) -> None:
    offer_firefox(service, FILES)
    service.statuses[RECORDS] = [503, 429]
    assert fetch(service, tmp_path).is_file()
    assert pauses == [1.0, 2.0]
    service.statuses[RECORDS] = [500] * 9
    assert "answers 500" in refuse(service, tmp_path)
    service.statuses[RECORDS] = [403]
    assert "answers 403" in refuse(service, tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"attachment_hash": "0" * 64}, "and must have 000000"),
        ({"decompressedHash": "0" * 64}, "unpacked, does not have the SHA-256 000000"),
        ({"decompressedSize": 100}, "unpacks to more than the 100 bytes"),
        ({"attachment_size": 10}, "has more than the 10 bytes"),
        ({"attachment_location": "gone/away.zst"}, "answers 404"),
        ({"attachment_location": "../../secret"}, "neither may lead out"),
        ({"attachment_location": "//example.org/x"}, "neither may lead out"),
        ({"attachment_location": "https://example.org/x"}, "neither may lead out"),
        ({"name": "../model.bin"}, "neither may lead out"),
        ({"name": "/etc/model.bin"}, "neither may lead out"),
        ({"attachment_hash": None}, "Firefox has no model de-en"),
        ({"attachment_size": 2**40}, "Firefox has no model de-en"),
        ({"version": 3}, "Firefox has no model de-en"),
        ({"attachment": []}, "Firefox has no model de-en"),
    ],
)
def test_wrong_files_are_refused_and_nothing_is_left(
    service: Service, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    offer_firefox(service, FILES)
    alter(service, 0, **changes)
    assert message in refuse(service, tmp_path)
    assert finished(tmp_path) == []


def test_what_is_no_zstd_is_refused(service: Service, tmp_path: Path) -> None:
    record = offer_firefox(service, FILES)[0]
    for content in (b"version https://git-lfs.github.com/spec/v1\n", ZstdCompressor().compress(FILES["model"])[:-9]):
        service.files[f"/attachments/{record['attachment']['location']}"] = content
        alter(service, 0, attachment_hash=sha256(content), attachment_size=len(content))
        message = refuse(service, tmp_path)
        assert "is no zstd file" in message or "does not have the SHA-256" in message
        assert finished(tmp_path) == []


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b'{"data": 1}'])
def test_another_service_is_refused(service: Service, tmp_path: Path, answer: bytes) -> None:
    offer_firefox(service, FILES)
    service.files[RECORDS] = answer
    message = refuse(service, tmp_path)
    assert "is it the right address?" in message or "an address of Remote Settings?" in message


def test_a_service_that_tells_no_attachments(service: Service, tmp_path: Path) -> None:
    offer_firefox(service, FILES)
    service.put_json("/v1/", {"capabilities": {"attachments": {"base_url": "file:///etc/"}}})
    assert "does not say where attachments are" in refuse(service, tmp_path)


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="cannot be fetched"):
        fetch_firefox("de-en", tmp_path, "http://127.0.0.1:9/v1")
    with pytest.raises(ExportError, match="is no address of a server"):
        fetch_firefox("de-en", tmp_path, "file:///etc")


def test_a_broken_list_is_asked_for_again(service: Service) -> None:
    offer_firefox(service, FILES)
    service.cuts[RECORDS] = [20]
    assert len(list_records(f"{service.address}/v1")) == 3


def test_choose_knows_nothing_of_nothing() -> None:
    with pytest.raises(ExportError, match="there are none"):
        choose([], "de-en")


def test_figures_of_a_record_come_with_the_model(service: Service, tmp_path: Path) -> None:
    offer_firefox(service, FILES)
    assert fetch_firefox("de-en", tmp_path, f"{service.address}/v1", "", lambda message: None).figures == {}
    alter(service, 0, flores={"bleu": 41.4, "comet": 0.8829, "odd": "no", "none": True})
    found = fetch_firefox("de-en", tmp_path, f"{service.address}/v1", "", lambda message: None)
    assert found.figures == {"flores bleu": 41.4, "flores comet": 0.8829}
