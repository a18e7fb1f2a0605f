"""What a user calls a model leads to its files; the command makes a bundle of any of them."""

import json
import zipfile
from pathlib import Path

import pytest

from export.errors import ExportError
from export.fetching.locate import FetchOptions, default_cache, locate
from export.importer import main
from export.sources.marian_binary import read_binary
from server.bundle import read_bundle
from tests.export.fetching.services import COMMIT, Service, offer_firefox, offer_hub
from tests.export.fetching.test_hub import FIXTURE, LARGE
from tests.export.sources.firefox import add_alphas, as_binary
from tests.export.sources.test_marian import FIXTURES
from tests.export.sources.test_marian_binary import LIMITS, STUDENT


def student() -> dict[str, bytes]:
    arrays = add_alphas(read_binary(STUDENT / "model.bin"), LIMITS)
    return {"model": as_binary(arrays), "vocab": (STUDENT / "vocab.spm").read_bytes()}


def test_firefoxs_model_becomes_a_bundle(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    offer_firefox(service, student())
    monkeypatch.setenv("FERRY_CACHE", str(tmp_path / "cache"))
    bundle, address = tmp_path / "bundle", f"{service.address}/v1"
    assert main(["firefox:de-en", str(bundle), "--base-url", address]) == 0
    manifest = read_bundle(bundle).manifest
    assert [(pair.source, pair.target) for pair in manifest.pairs] == [("de", "en")]
    origin = manifest.origin
    assert origin is not None
    assert (origin.name, origin.licence) == ("firefox:de-en/tiny@3.0", "MPL-2.0")
    assert set(origin.files) == {"model.deen.intgemm.alphas.bin", "vocab.deen.spm"}
    assert (manifest.precision, manifest.alignment_heads) == ("int8", 1)
    assert "licence MPL-2.0; ready for ferry-serve" in capsys.readouterr().out
    assert main(["--list", "firefox", "--base-url", address]) == 0
    assert "firefox:de-en/tiny@3.0" in capsys.readouterr().out


def test_a_truncated_model_of_firefoxs_leaves_nothing(
    service: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = student()
    offer_firefox(service, files | {"model": files["model"][:-100]})
    command = ["firefox:de-en", str(tmp_path / "bundle"), "--base-url", f"{service.address}/v1"]
    assert main([*command, "--cache", str(tmp_path / "cache")]) == 2
    assert "is cut off or damaged" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]


def test_opus_mt_by_its_short_name(service: Service, tmp_path: Path) -> None:
    files = {path.name: path.read_bytes() for path in FIXTURE.iterdir()}
    offer_hub(service, "Helsinki-NLP/opus-mt-de-en", files, LARGE)
    bundle = tmp_path / "bundle"
    command = ["opus-mt:de-en", str(bundle), "--base-url", service.address, "--cache", str(tmp_path / "cache")]
    assert main([*command, "--precision", "fp32", "--pair", "de-en"]) == 0
    origin = json.loads((bundle / "manifest.json").read_text())["origin"]
    assert (origin["name"], origin["licence"]) == (f"Helsinki-NLP/opus-mt-de-en@{COMMIT}", "cc-by-4.0")


def test_an_archive_of_opus_mt(tmp_path: Path) -> None:
    archive = tmp_path / "opus-mt-de-en.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for path in (FIXTURES / "yaml").iterdir():
            opened.write(path, path.name)
    assert main([str(archive), str(tmp_path / "bundle"), "--precision", "fp32"]) == 0
    manifest = read_bundle(tmp_path / "bundle").manifest
    assert [(pair.source, pair.target) for pair in manifest.pairs] == [("de", "en")]
    assert manifest.origin is not None
    assert manifest.origin.name == "opus-mt-de-en.zip"


def test_a_folder_beats_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with locate("a/b", FetchOptions(), print) as found:
        assert (found.path, found.name) == (Path("a/b"), "")


def test_what_is_nowhere_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ExportError, match="does not exist; give a folder"), locate("nothing", FetchOptions(), print):
        pass
    assert main(["firefox:de-en"]) == 2
    assert "give a model and the folder to make" in capsys.readouterr().err


def test_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FERRY_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "ferry"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_cache() == Path.home() / ".cache" / "ferry"
