"""Models out of the Hugging Face hub: at a pinned revision, checked, gone on with where it broke off."""

import pickle
from pathlib import Path

import pytest
from huggingface_hub import constants

from export.errors import ExportError
from export.fetching.hub import fetch_hub, is_name
from export.importer import read_source
from export.sources.options import SourceOptions
from tests.export.fetching.services import COMMIT, Service, offer_hub

FIXTURE = Path(__file__).parents[1] / "sources" / "marian_mt" / "shared"
NAME = "Helsinki-NLP/opus-mt-de-en"
WEIGHTS = f"/{NAME}/resolve/{COMMIT}/model.safetensors"
LARGE = ("model.safetensors", "pytorch_model.bin")


def files() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in FIXTURE.iterdir()} | {"tf_model.h5": b"not for us"}


def fetch(service: Service, cache: Path, revision: str = "") -> Path:
    return fetch_hub(NAME, revision, service.address, cache, lambda message: None).path


def refuse(service: Service, cache: Path, revision: str = "") -> str:
    with pytest.raises(ExportError) as refused:
        fetch(service, cache, revision)
    return str(refused.value)


def test_a_model_is_fetched_once_and_pinned(service: Service, tmp_path: Path) -> None:
    offer_hub(service, NAME, files(), LARGE)
    said: list[str] = []
    found = fetch_hub(NAME, "v1", service.address, tmp_path, said.append)
    assert (found.name, found.licence) == (f"{NAME}@{COMMIT}", "cc-by-4.0")
    assert said == [f"fetching {NAME} at {COMMIT}"]
    source = read_source(found.path, "auto", SourceOptions(pairs=(("de", "en"),)))
    assert set(source.files) >= {"model.safetensors", "vocab.json", "source.spm", "target.spm"}
    assert service.requests("tf_model.h5") == []
    assert fetch(service, tmp_path) == found.path
    assert len(service.requests("model.safetensors")) == 1


def test_what_breaks_off_is_gone_on_with(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # It keeps whole chunks, of 10 MB.
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 500)
    offer_hub(service, NAME, files(), LARGE)
    service.cuts[WEIGHTS] = [1000]
    assert (fetch(service, tmp_path) / "model.safetensors").read_bytes() == files()["model.safetensors"]
    assert service.requests("model.safetensors")[-1] == "bytes=1000-"


@pytest.mark.parametrize("name", ["model.safetensors", "vocab.json"])
def test_other_bytes_than_the_list_says_are_refused(service: Service, tmp_path: Path, name: str) -> None:
    offer_hub(service, NAME, files(), LARGE)
    path = f"/{NAME}/resolve/{COMMIT}/{name}"
    service.files[path] = service.files[path][::-1]
    assert f"{name} of {NAME} has not the hash" in refuse(service, tmp_path)
    assert not list(tmp_path.rglob(name))
    service.files[path] = files()[name]
    assert (fetch(service, tmp_path) / name).read_bytes() == files()[name]


def test_a_pointer_in_place_of_weights_is_refused(service: Service, tmp_path: Path) -> None:
    """Whoever copied the repository without Git LFS offers these."""
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
    offer_hub(service, NAME, files() | {"model.safetensors": pointer})
    folder = fetch(service, tmp_path)
    with pytest.raises(ExportError, match="is a Git LFS pointer"):
        read_source(folder, "auto", SourceOptions(pairs=(("de", "en"),)))


def test_a_pickle_is_never_run(service: Service, tmp_path: Path) -> None:
    witness = tmp_path / "witness"

    class Hostile:
        def __reduce__(self) -> object:
            return Path.touch, (witness,)

    found = files()
    del found["model.safetensors"]
    offer_hub(service, NAME, found | {"pytorch_model.bin": pickle.dumps({"model.shared.weight": Hostile()}, 2)}, LARGE)
    folder = fetch(service, tmp_path / "cache")
    with pytest.raises(ExportError):
        read_source(folder, "auto", SourceOptions(pairs=(("de", "en"),)))
    assert not witness.exists()


def test_what_is_missing_is_named(service: Service, tmp_path: Path) -> None:
    found = files()
    del found["source.spm"], found["model.safetensors"]
    offer_hub(service, NAME, found)
    message = refuse(service, tmp_path)
    assert "has no source.spm, no model.safetensors or pytorch_model.bin" in message
    service.files.clear()
    assert f"{NAME} cannot be fetched from {service.address}" in refuse(service, tmp_path)


def test_a_file_that_the_list_promises_is_not_there(service: Service, tmp_path: Path) -> None:
    offer_hub(service, NAME, files(), LARGE)
    del service.files[f"/{NAME}/resolve/{COMMIT}/source.spm"]
    assert "cannot be fetched" in refuse(service, tmp_path)


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"cannot be fetched from http://127\.0\.0\.1:9"):
        fetch_hub(NAME, "", "http://127.0.0.1:9/", tmp_path)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("Helsinki-NLP/opus-mt-de-en", True),
        ("a/b", True),
        ("../a", False),
        ("/a/b", False),
        ("a/../b", False),
        ("a/b/c", False),
        ("./a", False),
        ("a", False),
        ("a/b\n", False),
    ],
)
def test_names_of_the_hub(text: str, holds: bool) -> None:
    assert is_name(text) is holds
