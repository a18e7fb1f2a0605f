"""Files as programs write them, made here: docx from paragraphs, and the paragraphs of a docx for looking at."""

import io
import re
import zipfile
from collections.abc import Callable, Collection, Mapping

from lxml import etree

from server.documents.formats.format import Format
from server.documents.formats.ooxml.wordxml import Element, W
from server.markup import parse, translate_chunks

NAMESPACES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
    'xmlns:v="urn:schemas-microsoft-com:vml" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
)
DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n'
_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_ROOTS = {"document": "document", "header1": "hdr", "footer1": "ftr"}
_KINDS = {"document": "document.main", "header1": "header", "footer1": "footer"}
PICTURE = bytes(range(256)) * 4


def part(name: str, content: str) -> str:
    """The xml of a part of the document."""
    root = _ROOTS.get(name, name)
    inside = f"<w:body>{content}<w:sectPr/></w:body>" if root == "document" else content
    return f"{DECLARATION}<w:{root} {NAMESPACES}>{inside}</w:{root}>"


def content_types(names: list[str]) -> str:
    overrides = "".join(
        f'<Override PartName="/word/{name}.xml" ContentType="{_TYPE}.{_KINDS.get(name, name)}+xml"/>' for name in names
    )
    return (
        f'{DECLARATION}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/word/styles.xml" ContentType="{_TYPE}.styles+xml"/>{overrides}</Types>'
    )


def make_zip(entries: Mapping[str, str | bytes], stored: Collection[str] = ()) -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            method = zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 2, 3, 4, 6)), data, method)
    return output.getvalue()


def make_docx(document: str, **parts: str) -> bytes:
    """A docx: the content of its body, and of other parts by name (`header1`, `footnotes`, ...)."""
    contents = {"document": document, **parts}
    entries: dict[str, str | bytes] = {"[Content_Types].xml": content_types(list(contents))}
    entries |= {f"word/{name}.xml": part(name, content) for name, content in contents.items()}
    entries |= {"word/styles.xml": f"{DECLARATION}<w:styles {NAMESPACES}/>", "word/media/image1.png": PICTURE}
    return make_zip(entries)


def run(text: str, properties: str = "") -> str:
    """A run; white space at either end counts."""
    inside = f"<w:rPr>{properties}</w:rPr>" if properties else ""
    return f'<w:r>{inside}<w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(*content: str) -> str:
    return f"<w:p><w:pPr><w:jc w:val='left'/></w:pPr>{''.join(content)}</w:p>"


def entries(data: bytes) -> dict[str, bytes]:
    """What is in a zip archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def root(data: bytes, name: str = "document") -> Element:
    return etree.fromstring(entries(data)[f"word/{name}.xml"])


def texts(data: bytes, name: str = "document") -> list[str]:
    """What a reader sees in each paragraph, tabs and line breaks included."""
    return [visible(each) for each in root(data, name).iter(f"{W}p")]


def visible(element: Element) -> str:
    shown = {f"{W}tab": "\t", f"{W}br": "\n", f"{W}noBreakHyphen": "\u2011"}
    return "".join(
        (each.text or "") if each.tag == f"{W}t" else shown.get(each.tag, "")
        for each in element.iter()
        if next(each.iterancestors(f"{W}p"), None) is element
    )


def styled(data: bytes, property_name: str) -> list[str]:
    """The text of the runs that have this property."""
    return [
        "".join(each.itertext(f"{W}t"))
        for each in root(data).iter(f"{W}r")
        if each.find(f"{W}rPr/{W}{property_name}") is not None
    ]


def change(format: Format, data: bytes, word: Callable[[str], str]) -> bytes:
    """`data` with every word changed by `word`, through the rules of its markup."""

    def changed(text: str) -> str:
        return re.sub(r"\w+", lambda match: word(match.group()), text)

    markup = format.markup
    if markup is None:
        return format.write(data, [changed(text) for text in format.read(data)])
    results = [
        translate_chunks(parse(text, markup), lambda chunks: [(changed(chunk), None) for chunk in chunks])
        for text in format.read(data)
    ]
    return format.write(data, results)
