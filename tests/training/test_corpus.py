"""Reading parallel text: nothing shifted, and every fault named with file, line and remedy."""

import gzip
from pathlib import Path

import pytest

from tests.corpus import sentences, write_corpus
from training.data import corpus
from training.data.corpus import CorpusError, read_pairs


def test_lines_end_at_newline_only(tmp_path: Path) -> None:
    tricky = [("eins\u2028zwei", "one two"), ("drei\x0cvier\x85", "three"), ("", "\r inside"), ("fünf", "five")]
    assert list(read_pairs(*write_corpus(tmp_path, "tricky", tricky, suffix=""))) == tricky


def test_windows_line_ends_and_a_byte_order_mark_are_not_text(tmp_path: Path) -> None:
    one, other = write_corpus(tmp_path, "train", [("eins", "one"), ("zwei", "two")], suffix="")
    one.write_bytes(b"\xef\xbb\xbfeins\r\nzwei")  # nor does the last line need an end
    assert list(read_pairs(one, other)) == [("eins", "one"), ("zwei", "two")]


@pytest.mark.parametrize("count", [6, 7, 8])
def test_chunks_do_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(corpus, "CHUNK_LINES", 7)
    pairs = sentences(count)
    one, other = write_corpus(tmp_path, "train", pairs)
    assert list(read_pairs(one, other)) == pairs
    other.write_bytes(gzip.compress(b"a line\n" * (count + 1)))
    with pytest.raises(CorpusError, match=rf"train\.de\.gz ends after {count} lines, .*train\.en\.gz goes on"):
        list(read_pairs(one, other))


LATIN = "Tür\n".encode("latin-1")


def gzipped(data: bytes) -> bytes:
    """`data` compressed the same way at any time: the bytes become part of a test's name, which must not change."""
    return gzip.compress(data, mtime=0)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.gz", gzipped(b"ein Satz\n" * 9999)[:-20], r"a\.gz: damaged or truncated .*Fetch it again"),
        ("a.gz", b"ein Satz\n", r"a\.gz is not a gzip file.*rename"),
        ("a.gz", b"", r"a\.gz is empty"),
        ("a.gz", gzipped(b""), r"a\.gz is empty"),
        ("a", b"", r"a is empty"),
        ("a", b"gut\n" * 20 + LATIN, r"a, line 21: not UTF-8 \(.* at byte 1 of the line\); convert .*iconv"),
        ("a.gz", gzipped(LATIN), r"a\.gz, line 1: not UTF-8"),
        ("a", "Tür\n".encode("utf-16"), r"a is UTF-16.*iconv -f UTF-16"),
        ("a", b"\xfe\xff" + "Tür\n".encode("utf-16-be"), r"a is UTF-16"),
    ],
)
def test_faulty_files_are_told_with_what_to_do(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    (tmp_path / "b").write_bytes(b"a sentence\n" * 9999)
    with pytest.raises(CorpusError, match=message):
        list(read_pairs(tmp_path / name, tmp_path / "b"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"nothing\.de cannot be opened: No such file"):
        list(read_pairs(tmp_path / "nothing.de", tmp_path / "nothing.en"))
