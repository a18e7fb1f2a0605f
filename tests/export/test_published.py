"""Files of a model's own translations, in the forms that there are."""

import gzip
import zipfile
from pathlib import Path

import pytest

import export.published
from export.errors import ExportError
from export.published import PublishedLine, read_published

BLOCKS = "Guten Tag.\nGood day.\nHello.\n\nDanke.\nThank you.\nThanks.\n\n"
FOUND = (PublishedLine("Guten Tag.", "Hello.", 1), PublishedLine("Danke.", "Thanks.", 5))


@pytest.mark.parametrize(
    "text", [BLOCKS, BLOCKS[:-2], BLOCKS.replace("\n", "\r\n"), "\ufeff" + BLOCKS, BLOCKS + "\n\nOhne\nWithout\n \n\n"]
)
def test_blocks_as_opus_mt_writes_them(tmp_path: Path, text: str) -> None:
    (tmp_path / "opus.test.txt").write_bytes(text.encode())
    if "Ohne" in text:
        with pytest.raises(ExportError, match="line 11: a block of 2 lines; it must be of 3, source, reference, trans"):
            read_published(tmp_path / "opus.test.txt")
    else:
        assert read_published(tmp_path / "opus.test.txt") == FOUND


def test_pieces_are_put_together(tmp_path: Path) -> None:
    path = tmp_path / "old.test.txt"
    path.write_text(">>eng<< ▁Gu ten ▁Tag .\n▁Good ▁day .\n▁He llo .\n\n".replace(">>eng<< ", ""))
    assert read_published(path) == (PublishedLine("Guten Tag.", "Hello.", 1),)


def test_two_columns(tmp_path: Path) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_text("Guten Tag.\tHello.\n\nDanke.\tThanks.\nohne\t\n")
    assert read_published(path) == (FOUND[0], PublishedLine("Danke.", "Thanks.", 3))


def test_packed_files(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "a.txt.gz", "wt") as file:
        file.write(BLOCKS)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("opus.test.txt", BLOCKS)
    assert read_published(tmp_path / "a.txt.gz") == read_published(tmp_path / "a.zip") == FOUND
    with zipfile.ZipFile(tmp_path / "a.zip", "a") as archive:
        archive.writestr("other.test.txt", BLOCKS)
    with pytest.raises(ExportError, match="holds 2 files; unpack it and give one of them"):
        read_published(tmp_path / "a.zip")


def test_what_is_no_such_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content, message in (
        ("none.txt", None, "cannot be read as UTF-8 text"),
        ("odd.txt", b"\xff\xfe", "cannot be read as UTF-8 text"),
        ("odd.gz", b"no gzip", "cannot be read as UTF-8 text"),
        ("odd.zip", b"no zip", "cannot be read as UTF-8 text"),
        ("empty.txt", b"\n\n", "has no line with a source and a translation"),
        ("bare.txt", b"\t\n", "has no line with a source and a translation"),
        ("plain.txt", b"one\ntwo\n", "line 1: a block of 2 lines"),
    ):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(ExportError, match=message):
            read_published(tmp_path / name)
    monkeypatch.setattr(export.published, "MAX_BYTES", 1 << 20)
    (tmp_path / "large.gz").write_bytes(gzip.compress(bytes((1 << 20) + 1)))
    with pytest.raises(ExportError, match="has more than 1 MiB of text; give a file of fewer lines"):
        read_published(tmp_path / "large.gz")
