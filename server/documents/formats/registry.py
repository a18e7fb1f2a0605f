"""The formats that are translated, and how a file's is told: by the end of its name, or by what is in it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from server.documents.formats.archive import Archive
from server.documents.formats.docx.docx import MAIN_PART, read_docx, write_docx
from server.documents.formats.inline import INLINE
from server.documents.formats.plain import read_plain, write_plain
from server.documents.formats.subtitles import TIMING, read_srt, read_vtt, write_srt, write_vtt
from server.documents.formats.webpage import PAGE, read_page, write_page
from server.errors import InvalidDocumentError
from server.markup import Options
from server.text.segments import Split

_HEAD_BYTES = 4096
_PAGE = re.compile(rb"\s*(?:<!--.{0,1000}?-->\s*)?<(?:!doctype\s+html|html[\s>])", re.I | re.S)
_ZIP = b"PK\x03\x04"


@dataclass(frozen=True)
class Format:
    """A format. `read` gives the texts of a file, `write` the same file with as many other texts.

    Attributes:
        name: what clients call it, without a dot.
        markup: of its texts; None if they are plain.
    """

    name: str
    media_type: str
    markup: Options | None
    split: Split
    read: Callable[[bytes], list[str]]
    write: Callable[[bytes, Sequence[str]], bytes]


_DOCX_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
# All text types say UTF-8, though a file may be in another encoding: then it says so itself.
_ALL = (
    Format("txt", "text/plain", None, "sentences", read_plain, write_plain),
    Format("html", "text/html", PAGE, "across_lines", read_page, write_page),
    Format("srt", "application/x-subrip", INLINE, "across_lines", read_srt, write_srt),
    Format("vtt", "text/vtt", INLINE, "across_lines", read_vtt, write_vtt),
    Format("docx", _DOCX_TYPE, INLINE, "across_lines", read_docx, write_docx),
)
FORMATS = {each.name: each for each in _ALL}
SUFFIXES = {**{f".{name}": each for name, each in FORMATS.items()}, ".htm": FORMATS["html"]}


def find_format(filename: str, data: bytes) -> Format:
    """The format of a file.

    Args:
        filename: only its end counts; where it has none, the content does.
        data: the file; only its beginning is looked at.

    Raises:
        InvalidDocumentError: naming the formats there are.
    """
    suffix = PurePath(filename).suffix.lower()
    if not suffix:
        return _find_by_content(data)
    if suffix not in SUFFIXES:
        raise _unknown()
    return SUFFIXES[suffix]


def _find_by_content(data: bytes) -> Format:
    if data.startswith(_ZIP):
        if MAIN_PART not in Archive(data).sizes:
            raise _unknown()
        return FORMATS["docx"]
    head = data[:_HEAD_BYTES].replace(b"\0", b"").removeprefix(b"\xef\xbb\xbf").removeprefix(b"\xff\xfe")
    if _PAGE.match(head.removeprefix(b"\xfe\xff")):
        return FORMATS["html"]
    lines = [line.strip() for line in head.decode("ascii", "ignore").splitlines() if line.strip()][:2]
    if lines[:1] and lines[0].startswith("WEBVTT"):
        return FORMATS["vtt"]
    if len(lines) == 2 and lines[0].isdecimal() and TIMING.match(lines[1]):
        return FORMATS["srt"]
    return FORMATS["txt"]


def _unknown() -> InvalidDocumentError:
    return InvalidDocumentError(f"Invalid file: its format is not supported; there are: {', '.join(SUFFIXES)}")
