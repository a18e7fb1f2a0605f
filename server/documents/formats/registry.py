"""The formats that are translated, and how a file's is told: by the end of its name, or by what is in it."""

import re
from dataclasses import replace
from functools import partial
from pathlib import PurePath

from server.documents.formats.archive import Archive
from server.documents.formats.charsets import recode
from server.documents.formats.collection import build_collection
from server.documents.formats.epub import MIME as EPUB_MIME
from server.documents.formats.epub import declare_epub, read_epub, write_epub
from server.documents.formats.format import Format
from server.documents.formats.gettext_catalog import declare_po, read_po, write_po
from server.documents.formats.inline import INLINE
from server.documents.formats.json_strings import read_json, write_json
from server.documents.formats.markdown import read_markdown, write_markdown
from server.documents.formats.ooxml import docx, pptx, xlsx
from server.documents.formats.opendocument import MIME as ODF_MIME
from server.documents.formats.opendocument import read_odf, write_odf
from server.documents.formats.plain import read_plain, write_plain
from server.documents.formats.subtitles import TIMING, read_srt, read_vtt, write_srt, write_vtt
from server.documents.formats.table_cells import parse_columns, read_csv, write_csv
from server.documents.formats.webpage import PAGE, read_page, write_page
from server.documents.formats.xliff import declare_xliff, read_xliff, write_xliff
from server.documents.formats.yaml_strings import read_yaml, write_yaml
from server.errors import InvalidDocumentError

_HEAD_BYTES = 4096
_PAGE = re.compile(rb"\s*(?:<!--.{0,1000}?-->\s*)?<(?:!doctype\s+html|html[\s>])", re.I | re.S)
_XLIFF = re.compile(rb"\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,1000}?-->\s*)?<(?:\w+:)?xliff[\s>]", re.S)
_ZIP = b"PK\x03\x04"
_PDF = b"%PDF-"
_MIME_PART = "mimetype"

_OFFICE = "application/vnd.openxmlformats-officedocument."
# All text types say UTF-8, though a file may be in another encoding: then it says so itself.
_SINGLE = (
    Format("txt", "text/plain", None, "sentences", read_plain, write_plain),
    Format("html", "text/html", PAGE, "across_lines", read_page, write_page),
    Format("srt", "application/x-subrip", INLINE, "across_lines", read_srt, write_srt),
    Format("vtt", "text/vtt", INLINE, "across_lines", read_vtt, write_vtt),
    Format(
        "docx",
        f"{_OFFICE}wordprocessingml.document",
        INLINE,
        "across_lines",
        docx.read_docx,
        docx.write_docx,
    ),
    Format(
        "pptx",
        f"{_OFFICE}presentationml.presentation",
        INLINE,
        "across_lines",
        pptx.read_pptx,
        pptx.write_pptx,
    ),
    Format("xlsx", f"{_OFFICE}spreadsheetml.sheet", INLINE, "across_lines", xlsx.read_xlsx, xlsx.write_xlsx),
    *(
        Format(name, f"{ODF_MIME}{kind}", INLINE, "across_lines", read_odf, write_odf)
        for name, kind in (("odt", "text"), ("ods", "spreadsheet"), ("odp", "presentation"))
    ),
    Format("epub", EPUB_MIME, INLINE, "across_lines", read_epub, write_epub, declare_epub),
    Format("xliff", "application/xliff+xml", INLINE, "across_lines", read_xliff, write_xliff, declare_xliff),
    Format("po", "text/x-gettext-translation", None, "sentences", read_po, write_po, declare_po),
    Format("json", "application/json", None, "sentences", read_json, write_json),
    Format("yaml", "application/yaml", None, "sentences", read_yaml, write_yaml),
    Format("csv", "text/csv", None, "sentences", read_csv, write_csv),
    Format("md", "text/markdown", None, "sentences", read_markdown, write_markdown),
)
_OTHER_SUFFIXES = {
    ".htm": "html",
    ".xlf": "xliff",
    ".pot": "po",
    ".arb": "json",
    ".yml": "yaml",
    ".tsv": "csv",
    ".markdown": "md",
}
# What a nameless archive has that only this format does.
_MAIN_PARTS = {docx.MAIN_PART: "docx", pptx.MAIN_PART: "pptx", xlsx.MAIN_PART: "xlsx"}


def _find_member(name: str) -> Format | None:
    """The format of a file in an archive, by its name alone."""
    return SUFFIXES.get(PurePath(name).suffix.lower())


_SAYING_NO_ENCODING = ("txt", "srt", "vtt", "md", "csv", "po")

FORMATS = {each.name: each for each in (*_SINGLE, build_collection(_find_member))}
SUFFIXES = {
    **{f".{name}": each for name, each in FORMATS.items()},
    **{suffix: FORMATS[name] for suffix, name in _OTHER_SUFFIXES.items()},
}


def recode_text(format: Format, data: bytes, encoding: str | None) -> bytes:
    """A file as its format is read: text whose encoding was said becomes UTF-8, and so is its translation.

    Args:
        format: of the file.
        data: of the file.
        encoding: that was said; None or empty for none.

    Raises:
        InvalidDocumentError: files of this format say their encoding themselves, or it is not in that encoding.
    """
    if not encoding:
        return data
    if format.name not in _SAYING_NO_ENCODING:
        raise InvalidDocumentError(
            f"Invalid encoding: a file of {format.name} says its own; leave 'encoding' out, which is for "
            f"{', '.join(_SAYING_NO_ENCODING)}."
        )
    return recode(data, encoding)


def choose_columns(format: Format, columns: str | None) -> Format:
    """`format` with only some columns of its tables.

    Args:
        format: of a file.
        columns: numbers, from 1, or names in the first row, with commas between; None or empty for all.

    Raises:
        InvalidDocumentError: files of this format have no columns, or it is no list of some.
    """
    if not columns:
        return format
    if format.name != "csv":
        raise InvalidDocumentError("Invalid columns: only those of csv and tsv can be chosen; leave 'columns' out.")
    wanted = parse_columns(columns)
    read, write = partial(read_csv, columns=wanted), partial(write_csv, columns=wanted)
    return replace(format, read=read, write=write, columns=columns)


def find_stored(name: str) -> Format:
    """The format that was stored as `name`."""
    name, _, columns = name.partition(":")
    return choose_columns(FORMATS[name], columns)


def find_format(filename: str, data: bytes) -> Format:
    """The format of a file.

    Args:
        filename: only its end counts; where it has none, the content does.
        data: the file; only its beginning is looked at.

    Raises:
        InvalidDocumentError: naming the formats there are.
    """
    suffix = PurePath(filename).suffix.lower()
    if suffix == ".pdf" or (not suffix and data.startswith(_PDF)):
        raise InvalidDocumentError(
            "Invalid file: its format is not supported: a pdf says where letters are printed and not what its text is; "
            "send the document that it was made from, or convert it to docx first"
        )
    if not suffix:
        return _find_by_content(data)
    if suffix not in SUFFIXES:
        raise _unknown()
    return SUFFIXES[suffix]


def _find_by_content(data: bytes) -> Format:
    if data.startswith(_ZIP):
        return _find_archive(Archive(data))
    head = data[:_HEAD_BYTES].replace(b"\0", b"").removeprefix(b"\xef\xbb\xbf").removeprefix(b"\xff\xfe")
    head = head.removeprefix(b"\xfe\xff")
    if _PAGE.match(head):
        return FORMATS["html"]
    if _XLIFF.match(head):
        return FORMATS["xliff"]
    lines = [line.strip() for line in head.decode("ascii", "ignore").splitlines() if line.strip()][:2]
    if lines[:1] and lines[0].startswith("WEBVTT"):
        return FORMATS["vtt"]
    if len(lines) == 2 and lines[0].isdecimal() and TIMING.match(lines[1]):
        return FORMATS["srt"]
    return FORMATS["txt"]


def _find_archive(archive: Archive) -> Format:
    """The format of a zip: what it says that it is, what it has, or else an archive of documents."""
    if _MIME_PART in archive.sizes:
        said = archive.read(_MIME_PART)[:100].decode("ascii", "replace").strip()
        for each in _SINGLE:
            if each.media_type == said:
                return each
    for part, name in _MAIN_PARTS.items():
        if part in archive.sizes:
            return FORMATS[name]
    if any(_find_member(name) for name in archive.sizes):
        return FORMATS["zip"]
    raise _unknown()


def _unknown() -> InvalidDocumentError:
    return InvalidDocumentError(f"Invalid file: its format is not supported; there are: {', '.join(SUFFIXES)}")
