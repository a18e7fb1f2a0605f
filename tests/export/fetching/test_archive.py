"""Archives as OPUS-MT gives them: what is in them, and nothing outside."""

import stat
import zipfile
from pathlib import Path

import pytest

import export.fetching.archive as archives
from export.errors import ExportError
from export.fetching.archive import unpack_archive


def pack(path: Path, files: dict[str, bytes], **details: int) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            for key, value in details.items():
                setattr(entry, key, value)
            archive.writestr(entry, content)
    return path


def refuse(archive: Path, folder: Path) -> str:
    folder.mkdir()
    with pytest.raises(ExportError) as refused:
        unpack_archive(archive, folder)
    return str(refused.value)


@pytest.mark.parametrize("inside", ["", "opus-2020/"])
def test_a_models_files_come_out(tmp_path: Path, inside: str) -> None:
    archive = pack(
        tmp_path / "a.zip", {f"{inside}model.npz": b"w", f"{inside}source.spm": b"s", f"{inside}run.exe": b""}
    )
    (tmp_path / "out").mkdir()
    found = unpack_archive(archive, tmp_path / "out")
    assert found == tmp_path / "out" / inside
    assert sorted(path.name for path in found.iterdir()) == ["model.npz", "source.spm"]


@pytest.mark.parametrize(
    "name", ["../model.npz", "/tmp/model.npz", "a/../../model.npz", "..\\model.npz", "c:model.npz"]
)
def test_paths_out_of_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    archive = pack(tmp_path / "a.zip", {"source.spm": b"s", name: b"w"})
    assert "leads out of it" in refuse(archive, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
    assert not (tmp_path / "model.npz").exists()


def test_links_are_refused(tmp_path: Path) -> None:
    archive = pack(tmp_path / "a.zip", {"model.npz": b"/etc/passwd"}, external_attr=(stat.S_IFLNK | 0o777) << 16)
    assert "leads out of it" in refuse(archive, tmp_path / "out")


def test_too_much_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = pack(tmp_path / "a.zip", {"model.npz": bytes(100_000)})
    monkeypatch.setattr(archives, "MAX_BYTES", 99_999)
    assert "has 1 files of 0.0 GB; at most" in refuse(archive, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_damage_is_told(tmp_path: Path) -> None:
    archive = pack(tmp_path / "a.zip", {"model.npz": bytes(range(256)) * 100})
    content = archive.read_bytes()
    archive.write_bytes(content[:60] + b"\xff\xff\xff" + content[63:])
    message = refuse(archive, tmp_path / "out")
    assert "cannot be read as a zip archive" in message
    archive.write_bytes(content[:-30])
    assert "cannot be read as a zip archive" in refuse(archive, tmp_path / "other")
