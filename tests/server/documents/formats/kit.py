"""What every format has to keep, whatever it is: asked of every sample by `test_kit.py`."""

import copy
import io
import zipfile
from collections.abc import Callable
from typing import Any

from lxml import etree

from server.documents.formats.format import Format
from tests.server.documents.samples.sample import Sample

# Of these the parts that change are written anew by a parser: the same xml, though not the same bytes, and neighbouring
# runs that look alike are one.
REWRITTEN = frozenset(("docx", "pptx", "xlsx"))


def translate(format: Format, data: bytes, word: Callable[[str], str]) -> bytes:
    """`data` with each of its texts changed by `word`."""
    return format.write(data, [word(text) for text in format.read(data)])


def assert_same(sample: Sample, found: bytes, wanted: bytes, is_translated: bool = True) -> None:
    """Fail unless two files are the same, part for part; one that is not translated has the same bytes."""
    if not found.startswith(b"PK\x03\x04"):
        assert found == wanted, sample.name
        return
    with zipfile.ZipFile(io.BytesIO(found)) as one, zipfile.ZipFile(io.BytesIO(wanted)) as other:
        assert [_outside(each) for each in one.infolist()] == [_outside(each) for each in other.infolist()]
        for name in one.namelist():
            is_rewritten = is_translated and sample.kind in REWRITTEN and name.endswith((".xml", ".rels"))
            assert _content(one.read(name), is_rewritten) == _content(other.read(name), is_rewritten), name


def _outside(entry: zipfile.ZipInfo) -> tuple[object, ...]:
    return entry.filename, entry.date_time, entry.compress_type, entry.external_attr


def _content(data: bytes, is_rewritten: bool) -> str:
    if not is_rewritten:
        return data.decode("utf-8", "backslashreplace")
    root = etree.fromstring(data)
    for run in list(root.iter("{*}r")):
        _open(run)
    for text in list(root.iter("{*}t")):
        text.attrib.pop("{http://www.w3.org/XML/1998/namespace}space", None)
        before = text.getprevious()
        if before is not None and before.tag == text.tag and before.get("style") == text.get("style"):
            text.text = (before.text or "") + (text.text or "")
            before.getparent().remove(before)
    return etree.tostring(root, method="c14n2").decode()


def _open(run: Any) -> None:
    """Put what is in a run in its place, and say of each what it looked like."""
    properties = run.find("{*}rPr")
    looks = ""
    if properties is not None and (len(properties) or properties.attrib):
        looks = etree.tostring(copy.deepcopy(properties), method="c14n2", with_tail=False).decode()
    for child in list(run):
        if child is not properties:
            child.set("style", looks)
            run.addprevious(child)
    run.getparent().remove(run)
