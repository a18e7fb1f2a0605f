"""Files from strangers: docx as zip, xml and paragraphs; subtitles, pages, text; their readers, and the whole way."""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.documents.formats.archive import MAX_UNPACKED_BYTES, Archive
from server.documents.formats.ooxml.wordxml import parse_part
from server.documents.formats.registry import FORMATS
from server.errors import InvalidDocumentError
from tests.fuzz.amount import count, fuzz
from tests.fuzz.door import MARK, Door
from tests.fuzz.made_up import TEXT, mutated
from tests.server.documents.builders import change, content_types, entries, make_docx, make_zip, paragraph, part, run
from tests.server.documents.samples.all import SAMPLES

pytestmark = pytest.mark.unmeasured

DOCX = make_docx(
    paragraph(run("Der Hund "), run("läuft", "<w:b/>"), "<w:r><w:tab/></w:r>", run(f" {MARK}.")) * 3,
    header1=paragraph(run("Kopf")),
)
MARKS = [
    *('<w:r><w:fldChar w:fldCharType="begin"/></w:r>', '<w:r><w:fldChar w:fldCharType="separate"/></w:r>'),
    *('<w:r><w:fldChar w:fldCharType="end"/></w:r>', "<w:r><w:instrText>HYPERLINK x</w:instrText></w:r>", "<w:ins>"),
    *("</w:ins>", "<w:sdt><w:sdtContent>", "</w:sdtContent></w:sdt>", "<w:hyperlink>", "</w:hyperlink>", "<!-- c -->"),
    *("<?pi x?>", "<w:r><w:br/></w:r>", "<w:p>", "</w:p>", "<w:txbxContent>", "<x>&amp;</x>", "&#x202e;", "&#9;"),
    *("<w:r><w:t/></w:r>", "<w:r><w:t>a<!-- c -->b</w:t></w:r>", '<w:fldSimple w:instr="HYPERLINK">', "</w:fldSimple>"),
]


def read_and_write(kind: str, data: bytes) -> None:
    """Through the format, with every word changed; whatever it is, it is a file again or a refusal in words."""
    count()
    with suppress(InvalidDocumentError):
        change(FORMATS[kind], data, str.upper)


@fuzz(150)
@given(data=mutated(DOCX))
def test_a_docx_with_other_bytes(data: bytes) -> None:
    read_and_write("docx", data)


@fuzz(100)
@given(name=st.sampled_from(sorted(entries(DOCX))), data=st.data())
def test_a_docx_with_other_bytes_in_a_part(name: str, data: st.DataObject) -> None:
    parts = entries(DOCX)
    read_and_write("docx", make_zip({**parts, name: data.draw(mutated(parts[name]))}))


@fuzz(100)
@given(content=st.lists(st.sampled_from(MARKS) | TEXT.map(lambda text: run(_xml(text))), max_size=14).map("".join))
def test_paragraphs_with_odd_things_in_them(content: str) -> None:
    read_and_write("docx", make_docx(paragraph(content)))


NAMES = st.sampled_from(
    [
        "../../evil",
        "/etc/passwd",
        "word/../../x",
        "C:\\x",
        "word\\document.xml",
        "a\x00b",
        "",
        ".",
        "..",
        "x" * 3000,
        "word/document.xml",
        "word/",
        "[Content_Types].xml",
        "ä\u202e",
        MARK,
        "nested.docx",
    ]
)


@fuzz(60)
@given(names=st.lists(NAMES, max_size=4), symlink=st.booleans(), comment=st.binary(max_size=30))
def test_a_zip_with_odd_names(door: Door, names: list[str], symlink: bool, comment: bytes) -> None:
    output = io.BytesIO()
    with pytest.MonkeyPatch.context() as patch, zipfile.ZipFile(output, "w") as archive:
        patch.setattr("warnings.warn", lambda *args, **kind: None)  # of names that are there twice
        archive.comment = comment
        for name, data in entries(DOCX).items():
            archive.writestr(name, data)
        for name in names:
            entry = zipfile.ZipInfo("x")
            entry.filename = name
            entry.external_attr = (0o120777 if symlink else 0o644) << 16
            archive.writestr(entry, b"/etc/passwd" if symlink else DOCX)
    upload(door, "a.docx", output.getvalue())


@fuzz(60)
@given(data=st.data())
def test_a_zip_whose_directory_lies(data: st.DataObject) -> None:
    """Sizes, offsets, methods and flags of the directory, which is all that is looked at first."""
    count()
    found = bytearray(DOCX)
    for _ in range(data.draw(st.integers(1, 4))):
        starts = [i for i in range(len(found)) if found[i : i + 4] in (b"PK\x01\x02", b"PK\x05\x06", b"PK\x03\x04")]
        at = data.draw(st.sampled_from(starts)) + data.draw(st.integers(4, 45))
        value = data.draw(st.sampled_from([0, 1, 0xFFFF, 0xFFFFFFFF, 0x7FFFFFFF, 1000, len(found)]))
        found[at : at + 4] = struct.pack("<I", value)
    read_and_write("docx", bytes(found))


@pytest.mark.parametrize("declared", [10, 1000, MAX_UNPACKED_BYTES - 4096])
def test_more_than_the_directory_says_is_never_unpacked(declared: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A packed stream of 64 MiB whose entry says less: what comes out of zlib is counted."""
    unpacked = 0
    decompressobj = zlib.decompressobj

    class Counted:
        def __init__(self, *args: int) -> None:
            self._inner = decompressobj(*args)

        def decompress(self, data: bytes, max_length: int) -> bytes:
            nonlocal unpacked
            found = self._inner.decompress(data, max_length)
            unpacked += len(found)
            return found

        def flush(self) -> bytes:
            return self._inner.flush()

        def __getattr__(self, name: str) -> object:
            return getattr(self._inner, name)

    packer = zlib.compressobj(1, zlib.DEFLATED, -15)
    packed = packer.compress(bytes(64 << 20)) + packer.flush()
    name = b"word/document.xml"
    sizes = struct.pack("<III", 0, len(packed), declared)
    head = b"PK\x03\x04" + struct.pack("<HHHHH", 20, 0, 8, 0, 33) + sizes + struct.pack("<HH", len(name), 0) + name
    directory = b"PK\x01\x02" + struct.pack("<HHHHHH", 20, 20, 0, 8, 0, 33) + sizes
    directory += struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, 0) + name
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(directory), len(head) + len(packed), 0)
    monkeypatch.setattr(zlib, "decompressobj", Counted)
    with pytest.raises(InvalidDocumentError):
        Archive(head + packed + directory + end).read(name.decode())
    assert unpacked <= declared + (1 << 20)


BOMB = '<!DOCTYPE a [<!ENTITY a "lol">' + "".join(
    f'<!ENTITY a{i} "{f"&a{i - 1 if i else str()};" * 10}">' for i in range(9)
)
XML_BOMBS = {
    "laughs": f"{BOMB}]><w:document>&a8;</w:document>",
    "external": '<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]><w:document>&a;</w:document>',
    "parameter": '<!DOCTYPE a [<!ENTITY % a SYSTEM "http://127.0.0.1:1/"> %a;]><w:document/>',
    "dtd": '<!DOCTYPE a SYSTEM "file:///etc/passwd"><w:document/>',
}


@pytest.mark.parametrize("name", XML_BOMBS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32", "cp037", "utf-7"])
def test_entities_are_never_expanded(name: str, encoding: str) -> None:
    """However the declaration is written: in EBCDIC no search for its letters finds it."""
    count()
    xml = f'<?xml version="1.0" encoding="{encoding}"?>{XML_BOMBS[name]}'.encode(encoding)
    with pytest.raises(InvalidDocumentError):
        parse_part(xml)
    with pytest.raises(InvalidDocumentError):
        FORMATS["docx"].read(make_zip({"[Content_Types].xml": content_types(["document"]), "word/document.xml": xml}))


@pytest.mark.parametrize(
    "content",
    [
        "<w:sdt><w:sdtContent>" * 10_000,
        "<w:ins>" * 240 + run("a") + "</w:ins>" * 240,
        MARKS[0] * 8000 + run("a"),
        MARKS[0] * 4000 + run("a") + MARKS[2] * 4000,
        (MARKS[0] + MARKS[3] + MARKS[1]) * 3000 + run("a") + MARKS[2] * 3000,
        "".join(run(f"{i}") for i in range(10_000)),
    ],
    ids=["open", "deep", "begin", "begin-end", "links", "runs"],
)
def test_paragraphs_of_great_size(content: str) -> None:
    read_and_write("docx", make_zip({**entries(DOCX), "word/document.xml": part("document", paragraph(content))}))


CUE = "1\n00:00:01,000 --> 00:00:02,000\n"
LINES = st.sampled_from(
    [
        CUE,
        "00:01.000 --> 00:02.000 align:start\n",
        "WEBVTT\n\n",
        "NOTE x\n",
        "STYLE\n",
        "\n",
        "\r",
        "2\n",
        "--> \n",
        "- Ja.\n- Nein.\n",
        "<v Anna>Hallo</v>\n",
        "<b><i>x</b></i>\n",
        "{\\an8}♪ la ♪\n",
        "<00:01.000>a <c.x>b\n",
        "&lt;b&gt;\n",
    ]
)


@fuzz(150)
@given(lines=st.lists(LINES | TEXT, max_size=12), kind=st.sampled_from(["srt", "vtt", "html", "txt"]), data=st.data())
def test_text_files(lines: list[str], kind: str, data: st.DataObject) -> None:
    encoding = data.draw(st.sampled_from(["utf-8", "utf-16", "latin-1"]))
    content = "".join(lines).encode(encoding, "replace")
    read_and_write(kind, data.draw(mutated(content)) if data.draw(st.integers(0, 2)) == 0 else content)


@pytest.mark.parametrize("kind", ["srt", "vtt"])
@pytest.mark.parametrize(
    "text",
    [
        "<b>" * 5000 + "a" + "</b>" * 5000,
        "<b>a" * 4000,
        "a" + " " * 100000 + "b",
        "b <" + "a" * 100000,
        "a {\\" * 9000,
        "♪" * 40000 + "a" + "♪" * 40000 + "b",
        "a\n" * 9000,
        "<b>" * 60 + "a" + "</b>" * 70,
    ],
    ids=["deep", "open", "spaces", "tag", "braces", "notes", "lines", "sixty"],
)
def test_subtitles_of_great_size(kind: str, text: str) -> None:
    """Each once took time that grows with the square of its size, or went too deep for Python."""
    read_and_write(kind, (CUE + text + "\n").encode())


def test_tags_that_are_nested_too_deep_come_out_once_each() -> None:
    data = (CUE + "<b>" * 60 + "ja" + "</b>" * 60 + "\n").encode()
    assert change(FORMATS["srt"], data, str.upper) == data.replace(b"ja", b"JA")


def test_a_namespace_that_is_read_but_cannot_be_written() -> None:
    data = entries(DOCX)["word/document.xml"].replace(b"markup-compatibility", b"markup-comp`tibility")
    read_and_write("docx", make_zip({**entries(DOCX), "word/document.xml": data}))


OLDER = ("docx", "srt", "vtt", "html", "txt")
FILES: dict[str, Callable[[], bytes]] = {
    "docx": lambda: DOCX,
    "srt": lambda: (CUE + f"- Der Hund <i>läuft</i>.\n- {MARK}\n\n").encode() * 2,
    "vtt": lambda: ("WEBVTT\n\n" + CUE.replace(",", ".") + "<v A>Ja &amp; nein.\n").encode(),
    "html": lambda: f"<!doctype html><html><p>Der <b>Hund</b> läuft.<pre> {MARK} </pre></html>".encode(),
    "txt": lambda: f"Der Hund läuft.\n\n{MARK} Plan B\u00a0.\n".encode(),
    **{each.kind: (lambda data=each.data: data) for each in SAMPLES if each.kind not in OLDER},
}


@fuzz(150)
@given(kind=st.sampled_from(sorted(FILES)), data=st.data())
def test_documents_through_the_application(door: Door, kind: str, data: st.DataObject) -> None:
    content = FILES[kind]()
    if data.draw(st.integers(0, 3)):
        content = data.draw(mutated(content))
    upload(door, data.draw(st.sampled_from([f"a.{kind}", f"../{MARK}.{kind}", "a", "a.docx"])), content)


def upload(door: Door, filename: str, content: bytes) -> None:
    """As both dialects take it, until it is translated and fetched."""
    fields = {"target_lang": "en", "source_lang": "de", "target": "en", "source": "de"}
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    ]
    head = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n\r\n'
    body = "".join([*parts, head]).encode() + content + b"\r\n--b--\r\n"
    media_type = [(b"content-type", b"multipart/form-data; boundary=b")]
    reply = door.ask("POST", b"/translate_file", media_type, body)
    if reply.status == 200:
        path = json.loads(reply.body)["translatedFileUrl"].partition("/download_file/")[2]
        assert door.ask("GET", b"/download_file/" + path.encode()).status == 200
    reply = door.ask("POST", b"/v2/document", media_type, body)
    if reply.status == 200:
        handle = json.loads(reply.body)
        door.wait_for_documents()
        asked = f"/v2/document/{handle['document_id']}/result?document_key={handle['document_key']}"
        reply = door.ask("GET", asked.encode())
        assert reply.status in (200, 404)
        assert MARK not in reply.header("content-disposition")


def _xml(text: str) -> str:
    """`text` as a part may hold it."""
    kept = "".join(char for char in text if char >= " " and not "\ud800" <= char <= "\udfff" and char < "\ufffe")
    return kept.replace("&", "&amp;").replace("<", "&lt;")
