"""Files that are made to harm, in every format that could: each is refused in words, and quickly or not at all read."""

import io
import zipfile
from collections.abc import Callable

import pytest

from server.documents.formats.registry import FORMATS
from server.documents.formats.xmlsource import nodes
from server.errors import InvalidDocumentError
from tests.server.documents.builders import entries, make_zip
from tests.server.documents.formats.kit import translate
from tests.server.documents.samples.all import SAMPLES
from tests.server.documents.samples.sample import Parts, Sample, shout

ARCHIVES = [sample for sample in SAMPLES if isinstance(sample.content, dict)]
each_archive = pytest.mark.parametrize("sample", ARCHIVES, ids=lambda sample: sample.name)
# The part of each that has the most text.
BODIES = {
    "docx": "word/document.xml",
    "pptx": "ppt/slides/slide1.xml",
    "xlsx": "xl/sharedStrings.xml",
    "odt": "content.xml",
    "ods": "content.xml",
    "odp": "content.xml",
    "epub": "OEBPS/text/a b.xhtml",
}
XML = [sample for sample in ARCHIVES if BODIES.get(sample.kind) in sample.content]
LAUGHS = '<!DOCTYPE a [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'
OUTSIDE = '<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


def refused(sample: Sample, data: bytes, says: str) -> None:
    format = FORMATS[sample.kind]
    for read in (format.read, format.sections or format.read):
        with pytest.raises(InvalidDocumentError, match=says):
            read(data)


def parts(sample: Sample) -> Parts:
    assert isinstance(sample.content, dict)
    return dict(sample.content)


@each_archive
def test_a_bomb(sample: Sample) -> None:
    refused(sample, make_zip(parts(sample) | {"bomb.bin": bytes(50 << 20)}), "less than 1/200")


@each_archive
def test_two_parts_of_one_name(sample: Sample, recwarn: pytest.WarningsRecorder) -> None:
    output = io.BytesIO(sample.data)
    with zipfile.ZipFile(output, "a") as archive:
        archive.writestr(next(iter(parts(sample))), b"another")
    assert "Duplicate name" in str(recwarn.pop().message)
    refused(sample, output.getvalue(), "two parts with the same name")


@each_archive
def test_a_protected_file(sample: Sample) -> None:
    at = sample.data.index(b"PK\x01\x02") + 8
    refused(sample, sample.data[:at] + b"\x01\x00" + sample.data[at + 2 :], "without a password")


@each_archive
def test_what_is_no_archive(sample: Sample) -> None:
    for data in (b"", b"PK\x03\x04", sample.data[:-30], sample.data[: len(sample.data) // 2]):
        refused(sample, data, "damaged")


@each_archive
def test_an_archive_of_something_else(sample: Sample) -> None:
    refused(sample, make_zip({"a.bin": b"a"}), "no file that can be|it lacks the parts of one")


@each_archive
def test_names_are_only_names_and_macros_stay(sample: Sample) -> None:
    odd = {"../../../tmp/evil": b"a", "/etc/passwd": b"b", "C:\\x": b"c", "macros/vbaProject.bin": b"\xd0\xcf\x11"}
    found = entries(translate(FORMATS[sample.kind], make_zip(parts(sample) | odd), shout))
    assert {name: found[name] for name in odd} == odd


@pytest.mark.parametrize("declared", [LAUGHS, OUTSIDE], ids=["laughs", "outside"])
@pytest.mark.parametrize("sample", XML, ids=lambda sample: sample.name)
def test_entities(sample: Sample, declared: str) -> None:
    name = BODIES[sample.kind]
    said = str(parts(sample)[name])
    start = said.index("?>") + 2
    root = said.index("<", said.index("<!DOCTYPE") + 1 if "<!DOCTYPE" in said else start)
    document = said[:start] + declared + said[root:]
    refused(sample, make_zip(parts(sample) | {name: document.replace("ü", "ü&a;")}), "declares a document type")
    wide = document.encode("utf-16")
    refused(sample, make_zip(parts(sample) | {name: wide}), "declares a document type|not well-formed")


@pytest.mark.parametrize("sample", XML, ids=lambda sample: sample.name)
def test_elements_without_end(sample: Sample) -> None:
    name = BODIES[sample.kind]
    said = str(parts(sample)[name])
    deep = said.replace("ü", "<x>" * 3000 + "ü" + "</x>" * 3000, 1)
    refused(sample, make_zip(parts(sample) | {name: deep}), "nested deeper|not well-formed")


@pytest.mark.parametrize("sample", XML, ids=lambda sample: sample.name)
def test_much_text(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("xmlsource.nodes", "xmlsource.parts", "ooxml.package"):
        monkeypatch.setattr(f"server.documents.formats.{module}.MAX_XML_BYTES", 100)
    refused(sample, sample.data, "100 is the most it may")


XLIFF = next(sample for sample in SAMPLES if sample.kind == "xliff")


def test_xliff(monkeypatch: pytest.MonkeyPatch) -> None:
    said = str(XLIFF.content).partition("?>")[2]
    refused(XLIFF, (LAUGHS + said.replace("üeins", "&c;")).encode(), "declares a document type")
    refused(XLIFF, (OUTSIDE + said.replace("üeins", "&a;")).encode(), "declares a document type")
    refused(XLIFF, said.replace("üeins", "<x>" * 300).encode(), "nested deeper")
    refused(XLIFF, b"<xliff/>", "no xliff of version 1.2 or 2")
    refused(XLIFF, b'<xliff xmlns="urn:oasis:names:tc:xliff:document:3.0"/>', "no xliff of version 1.2 or 2")
    monkeypatch.setattr(nodes, "MAX_XML_BYTES", 100)
    refused(XLIFF, said.encode(), "100 is the most it may")


def test_many_elements(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "MAX_NODES", 10)
    for inside in ("<x/>" * 11, "<!-- a -->" * 11, "a<?b?>" * 6):
        refused(
            XLIFF, f'<xliff xmlns="urn:oasis:names:tc:xliff:document:2.0">{inside}</xliff>'.encode(), "more than 10"
        )


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        ("json", "[" * 201 + "]" * 201, "nested deeper than 200"),
        ("json", "[" * 100_000, "no json"),
        ("json", '{"a": "b"', "no json"),
        ("json", "9" * 5000, "no json"),
        ("yaml", "[" * 41 + "]" * 41, "nested deeper than 40"),
        ("yaml", "[" * 100_000, "nested deeper"),
        ("yaml", "- " * 100_000, "nested deeper"),
        ("yaml", "a" * (1 << 20) + "a", "1048576 is the most"),
        ("yaml", "a: b: c", "no yaml"),
        ("yaml", "a: \x00", "no yaml"),
        ("po", "hello", "line 1 is neither"),
        ("po", '"a"', "line 1 is neither"),
        ("csv", 'a,"b', "in row 1 a quote is never closed"),
        ("csv", 'a,b\n"b"c', "in row 2 something follows"),
    ],
)
def test_text_that_is_not_of_its_format(kind: str, text: str, says: str) -> None:
    refused(Sample("", kind, text), text.encode(), says)


def test_yaml_is_never_expanded() -> None:
    laughs = "a: &a [üeins, üeins]\n" + "".join(
        f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefghi", "bcdefghij", strict=True)
    )
    assert FORMATS["yaml"].read(laughs.encode()) == ["üeins", "üeins"]
    for tag in ("!!python/object/apply:os.system [üeins]", "!!python/name:os.system üeins", "!foo üeins"):
        FORMATS["yaml"].read(f"a: {tag}".encode())


ZIP = next(sample for sample in SAMPLES if sample.kind == "zip")


def test_archives_in_archives() -> None:
    refused(ZIP, make_zip(parts(ZIP) | {"b.zip": ZIP.data}), "another archive in it")
    refused(ZIP, make_zip(parts(ZIP) | {"b": ZIP.data}), "another archive in it")
    refused(ZIP, make_zip(parts(ZIP) | {"b.png": ZIP.data}), "another archive in it")
    # One that says that it is a document has to be one.
    refused(ZIP, make_zip(parts(ZIP) | {"b.docx": ZIP.data}), "Document 4 of the archive, a docx: .* no docx")


def test_documents_that_are_bombs_together(monkeypatch: pytest.MonkeyPatch) -> None:
    odt = next(sample for sample in SAMPLES if sample.kind == "odt").data
    size = sum(map(len, entries(odt).values()))
    monkeypatch.setattr("server.documents.formats.collection.MAX_UNPACKED_BYTES", 2 * size)
    read: Callable[[bytes], list[str]] = FORMATS["zip"].read
    assert read(make_zip({"a.odt": odt, "b.odt": odt}))
    refused(ZIP, make_zip({"a.odt": odt, "b.odt": odt, "c.odt": odt}), "unpack to more than")


def test_many_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.documents.formats.collection.MAX_FILES", 2)
    refused(ZIP, make_zip({f"{n}.txt": b"a" for n in range(3)}), "3 documents; 2 is the most")


def test_protected_books_and_documents() -> None:
    epub, odt = (next(sample for sample in SAMPLES if sample.kind == kind) for kind in ("epub", "odt"))
    drm = '<encryption xmlns="a"><CipherReference URI="OEBPS/text/a%20b.xhtml"/></encryption>'
    refused(epub, make_zip(parts(epub) | {"META-INF/encryption.xml": drm}), "protected against copying")
    fonts = drm.replace("text/a%20b.xhtml", "font.otf")
    assert FORMATS["epub"].read(make_zip(parts(epub) | {"META-INF/encryption.xml": fonts}))
    manifest = "META-INF/manifest.xml"
    secret = str(parts(odt)[manifest]).replace(
        "</manifest:manifest>", "<manifest:encryption-data/></manifest:manifest>"
    )
    refused(odt, make_zip(parts(odt) | {manifest: secret}), "encrypted")
