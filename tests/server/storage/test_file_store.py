"""The store of translated files: limited in size and age, and gone with the process."""

import tempfile
from pathlib import Path

import pytest

from server.errors import FileNotThereError, StoreFullError
from server.storage import file_store as files
from server.storage.file_store import FileStore
from tests.server.text.test_detect import shared_model  # noqa: F401 (it is used by being here)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go during a test."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_the_store_is_limited_in_size(temporary: Path) -> None:
    store = FileStore(max_total_bytes=10)
    names = [store.put(b"12345", ".txt") for _ in range(2)]
    with pytest.raises(StoreFullError, match="10 of 10 bytes"):
        store.put(b"1", ".txt")
    assert store.take(names[0]) == b"12345"
    assert store.num_bytes(store.put(b"12345", ".txt")) == 5


def test_the_store_is_limited_in_age(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(files.time, "monotonic", lambda: now)
    store = FileStore(max_total_bytes=10, max_age_s=60)
    name = store.put(b"1234567890", ".txt")
    (folder,) = temporary.iterdir()
    now += 59
    store.sweep()
    assert store.num_bytes(name) == 10
    now += 2
    store.sweep()
    assert list(folder.iterdir()) == []
    with pytest.raises(FileNotThereError):
        store.take(name)
    assert store.put(b"1234567890", ".txt")


def test_the_folder_goes_with_the_store(temporary: Path) -> None:
    store = FileStore()
    store.put(b"a", ".txt")
    assert len(list(temporary.iterdir())) == 1
    del store
    assert list(temporary.iterdir()) == []
