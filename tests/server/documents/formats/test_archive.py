"""Zip archives that are broken or made to harm, and how a file's format is told."""

import io
import re
import struct
import zipfile

import pytest

from server.documents.formats import archive as archive_module
from server.documents.formats.archive import MAX_ENTRIES, Archive
from server.documents.formats.ooxml import package as package_module
from server.documents.formats.registry import FORMATS, find_format
from server.errors import InvalidDocumentError
from tests.server.documents.builders import DECLARATION, entries, make_docx, make_zip, paragraph, run

GOOD = make_docx(paragraph(run("one")))


def refused(data: bytes, says: str) -> None:
    with pytest.raises(InvalidDocumentError, match=says):
        FORMATS["docx"].read(data)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"one", GOOD[:-30], GOOD[: len(GOOD) // 2], GOOD[40:]])
def test_what_is_no_archive(data: bytes) -> None:
    refused(data, "damaged")


def test_damage_inside() -> None:
    at = GOOD.index(b"word/document.xml") + 40
    refused(GOOD[:at] + bytes(20) + GOOD[at + 20 :], "damaged")


def test_other_archives() -> None:
    refused(make_zip({"a.txt": b"a"}), "no docx")
    types = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
    refused(make_zip({"[Content_Types].xml": DECLARATION + types, "word/document.xml": b"a"}), "no docx")


def test_a_small_file_that_unpacks_to_much() -> None:
    bomb = make_zip(entries(GOOD) | {"word/media/image2.png": bytes(50 << 20)})
    assert len(bomb) < 100_000
    refused(bomb, "less than 1/200")


def test_much_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_module, "MAX_UNPACKED_BYTES", sum(map(len, entries(GOOD).values())))
    assert FORMATS["docx"].read(GOOD) == ["one"]
    refused(make_zip(entries(GOOD) | {"a": b"a"}), "unpacks to")


def test_nothing_is_unpacked_before_the_sizes_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_module, "MAX_UNPACKED_BYTES", 10)
    monkeypatch.setattr(zipfile.ZipFile, "open", None)
    refused(GOOD, "unpacks to")


def test_a_size_that_is_not_true() -> None:
    data = make_docx(paragraph(run("one " * 100_000)))
    true = struct.pack("<I", len(entries(data)["word/document.xml"]))
    assert data.count(true) == 2
    refused(data.replace(true, struct.pack("<I", 1000)), "damaged")


def test_much_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_module, "MAX_XML_BYTES", 2000)
    refused(make_docx(paragraph(run("one" * 1000))), "takes .* bytes; 2000 is the most")


def test_many_parts() -> None:
    refused(make_zip({str(i): b"" for i in range(MAX_ENTRIES + 1)}), "5001 parts")
    refused(GOOD + b"PK\x01\x02" * (4 * MAX_ENTRIES + 1), "too many parts")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_parts_of_one_name() -> None:
    output = io.BytesIO(GOOD)
    with zipfile.ZipFile(output, "a") as archive:
        archive.writestr("word/document.xml", b"another")
    refused(output.getvalue(), "two parts with the same name")


def test_encrypted_files() -> None:
    at = GOOD.index(b"PK\x01\x02") + 8
    refused(GOOD[:at] + b"\x01\x00" + GOOD[at + 2 :], "without a password")
    refused(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "password or in an old format")


def test_unusual_packing() -> None:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a", b"a")
    refused(output.getvalue(), "unusual")


def test_names_are_only_names() -> None:
    odd = make_zip({**entries(GOOD), "../../../tmp/evil": b"a", "/etc/passwd": b"b", "word\\x": b"c"})
    assert {"../../../tmp/evil", "/etc/passwd"} <= set(entries(FORMATS["docx"].write(odd, ["two"])))


def test_dates_and_packing_stay() -> None:
    with zipfile.ZipFile(io.BytesIO(Archive(GOOD).rewritten({}))) as after:
        assert {entry.date_time for entry in after.infolist()} == {(2020, 1, 2, 3, 4, 6)}
        assert {entry.compress_type for entry in after.infolist()} == {zipfile.ZIP_DEFLATED}


SRT = "1\n00:00:01,000 --> 00:00:02,000\nOne\n"


@pytest.mark.parametrize(
    ("filename", "data", "name"),
    [
        ("a.txt", b"<html>", "txt"),
        ("A.B.HTM", b"one", "html"),
        ("../../a.Docx", b"", "docx"),
        ("file", GOOD, "docx"),
        ("", b"<html lang='de'><p>one", "html"),
        ("file", b"\xef\xbb\xbf\r\n <!-- a -->\n<!DOCTYPE HTML>", "html"),
        ("file", "<!doctype html>".encode("utf-16"), "html"),
        ("file", SRT.encode(), "srt"),
        ("file", f"\ufeff{SRT}".encode(), "srt"),
        ("file", SRT.replace("\n", "\r\n").encode("utf-16"), "srt"),
        ("file", b"WEBVTT\n\n", "vtt"),
        ("file", b"1\n2\n3", "txt"),
        ("file", b"one <html>", "txt"),
        ("file", b"", "txt"),
    ],
)
def test_the_format_of_a_file(filename: str, data: bytes, name: str) -> None:
    assert find_format(filename, data).name == name


@pytest.mark.parametrize(("filename", "data"), [("a.docm", b"a"), ("a.exe", b"a"), ("file", make_zip({"a": b"a"}))])
def test_formats_there_are_not(filename: str, data: bytes) -> None:
    with pytest.raises(InvalidDocumentError, match=re.escape("there are: .txt, .html, .srt, .vtt, .docx, .pptx,")):
        find_format(filename, data)


@pytest.mark.parametrize("filename", ["a.pdf", "A.PDF", "file"])
def test_a_pdf_is_refused_with_a_remedy(filename: str) -> None:
    with pytest.raises(
        InvalidDocumentError, match=r"Invalid file: its format is not supported: a pdf .* convert it to docx"
    ):
        find_format(filename, b"%PDF-1.7")
