"""Bodies of all dialects: JSON, forms, multipart; and glossaries, whose entries are a language of their own."""

import json
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.amount import fuzz
from tests.fuzz.door import MARK, Door
from tests.fuzz.made_up import LANGUAGES, LONG_TEXT, SCALARS, TEXT, VALUES, json_bodies, mutated

pytestmark = pytest.mark.unmeasured

TEXTS = st.one_of(LONG_TEXT, st.lists(TEXT, max_size=5))
WELL_MEANT = st.sampled_from(["de", "en"])
CODES = st.one_of(WELL_MEANT, WELL_MEANT, WELL_MEANT, WELL_MEANT, LANGUAGES)
NAMES = st.lists(st.sampled_from(["b", "i", "p", "x,y", ",", "", "a b", "ä", "1"]), max_size=3)
RARELY = st.sampled_from([False, False, False, True])
NATIVE: dict[str, st.SearchStrategy[Any]] = {
    "text": TEXTS,
    "source": CODES,
    "target": CODES,
    "format": st.sampled_from(["text", "html", "xml"]),
    "beam_size": st.sampled_from([None, None, None, 1, 2, 8, 8, 9, 0, 10**30]),
    "num_alternatives": st.sampled_from([0, 0, 0, 0, 1, 7, -1]),
    "length_penalty": st.sampled_from([None, None, 0, 0.6, 5, 5, 1e300]),
    "scores": st.booleans(),
    "segments": st.booleans(),
    "alignments": RARELY,
    "marks": RARELY,
    "glossary_ids": st.sampled_from([[], [], [], [], ["x"], ["", "\ud800"], None, "x"]),
    "stream": RARELY,
}
DEEPL: dict[str, st.SearchStrategy[Any]] = {
    "text": TEXTS,
    "source_lang": CODES,
    "target_lang": CODES,
    "split_sentences": st.sampled_from(["0", "1", "nonewlines", 0, True]),
    "tag_handling": st.sampled_from([None, "html", "xml"]),
    "ignore_tags": NAMES,
    "splitting_tags": NAMES,
    "non_splitting_tags": NAMES,
    "outline_detection": st.sampled_from([True, "0", "1", 7]),
    "formality": st.sampled_from(["default", "more", "prefer_less"]),
    "context": TEXT,
}
LIBRE: dict[str, st.SearchStrategy[Any]] = {
    "q": TEXTS,
    "source": CODES,
    "target": CODES,
    "format": st.sampled_from(["text", "html"]),
    "alternatives": st.sampled_from([0, 0, 0, 1, 1, 7, 8, "3", "99999999999", "٣", -1]),
    "api_key": SCALARS,
}
GOOGLE: dict[str, st.SearchStrategy[Any]] = {
    "q": TEXTS,
    "source": CODES,
    "target": CODES,
    "format": st.sampled_from(["text", "html", None]),
    "model": SCALARS,
}
PLUGINS: dict[str, st.SearchStrategy[Any]] = {
    "from": CODES,
    "to": CODES,
    "text": TEXT,
    "texts": TEXTS,
    "html": SCALARS,
    "source_lang": CODES,
    "target_lang": CODES,
    "text_list": TEXTS,
}
JSON = (b"content-type", b"application/json")
FORM = (b"content-type", b"application/x-www-form-urlencoded")


@fuzz(150)
@given(body=json_bodies(NATIVE), chunk_bytes=st.sampled_from([7, 1 << 20]))
def test_native_json(door: Door, body: bytes, chunk_bytes: int) -> None:
    door.ask("POST", b"/v1/translate", body=body, chunk_bytes=chunk_bytes)


@fuzz(40)
@given(body=json_bodies({"text": TEXTS}))
def test_native_detect(door: Door, body: bytes) -> None:
    door.ask("POST", b"/v1/detect", body=body)


@fuzz(150)
@given(body=json_bodies(DEEPL))
def test_deepl_json(door: Door, body: bytes) -> None:
    door.ask("POST", b"/v2/translate", [JSON], body)


@fuzz(100)
@given(body=json_bodies(LIBRE), path=st.sampled_from([b"/translate", b"/detect"]))
def test_libre_json(door: Door, body: bytes, path: bytes) -> None:
    door.ask("POST", path, [JSON], body)


@fuzz(100)
@given(body=json_bodies(GOOGLE), path=st.sampled_from([b"/language/translate/v2", b"/language/translate/v2/detect"]))
def test_google_json(door: Door, body: bytes, path: bytes) -> None:
    door.ask("POST", path, [JSON], body)


@fuzz(100)
@given(
    body=json_bodies(PLUGINS),
    path=st.sampled_from([b"/imme", b"/kiss", b"/translate", b"/translate/batch"]),
)
def test_plugins_json(door: Door, body: bytes, path: bytes) -> None:
    door.ask("POST", path, [JSON], body)


@fuzz(100)
@given(
    pairs=st.lists(st.tuples(st.sampled_from([*DEEPL, *LIBRE, MARK, ""]) | TEXT, TEXT | CODES), max_size=8),
    raw=st.sampled_from([b"", b"", b"&" * 5000, b"%", b"%ed%a0%80", b"&a=%ff", b"=", b";", b"{", b"\0"]),
    path=st.sampled_from(
        [
            *(b"/v2/translate", b"/translate", b"/detect", b"/v2/glossaries", b"/v3/glossaries", b"/v2/languages"),
            b"/language/translate/v2",
        ]
    ),
)
def test_forms(door: Door, pairs: list[tuple[str, str]], raw: bytes, path: bytes) -> None:
    body = "&".join(
        quote_plus(name, errors="surrogatepass") + "=" + quote_plus(value, errors="surrogatepass")
        for name, value in pairs
    )
    door.ask("POST", path, [FORM], body.encode() + raw)


# The codecs raise what no parser expects (undefined, punycode, idna), or make lone surrogates (unicode_escape, utf-7).
CHARSETS = st.sampled_from(
    [
        "",
        "; charset=undefined",
        "; charset=punycode",
        "; charset=idna",
        "; charset=unicode_escape",
        "; charset=utf-7",
        "; charset=zlib",
        '; charset="utf-8\x00"',
        "; charset=UTF-8",
        "; charset*=a; charset*0=b",
        "; boundary*1=x",
    ]
)
DISPOSITIONS = st.sampled_from(
    [
        "",
        '; filename="a.txt"',
        '; filename="../../etc/passwd"',
        '; filename="\x00.txt"',
        "; filename*=utf-99''%ff",
        '; filename="a.docx"',
        '; filename="a.exe"',
        '; filename="a',
        f'; filename="{MARK}.srt"',
        "; filename=" + "a" * 5000,
        "; filename*" + "0" * 5000 + "=x",
        "; filename*=a; filename*0=b",
        "; name=twice",
    ]
)


# A form that ends within a file leaves that to the garbage collector, which closes it and warns.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@fuzz(150)
@given(data=st.data(), path=st.sampled_from([b"/translate", b"/v2/document", b"/translate_file", b"/detect"]))
def test_multipart(door: Door, data: st.DataObject, path: bytes) -> None:
    names = ["q", "text", "file", "source", "target", "target_lang", "source_lang", "filename", "glossary_id"]
    parts = data.draw(
        st.lists(
            st.tuples(st.sampled_from(names) | TEXT, DISPOSITIONS, TEXT | WELL_MEANT | st.just("x" * 70_000)),
            max_size=8,
        )
    )
    boundary = data.draw(st.sampled_from(["b", "b" * 70, "b" * 300, "", " ", "b\xe4", "-"]))
    body = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{value}\r\n'
        for name, more, value in parts
    )
    content = (body + f"--{boundary}--\r\n").encode("utf-8", "surrogatepass")
    if data.draw(st.integers(0, 3)) == 0:
        content = data.draw(mutated(content))
    media_type = f"multipart/form-data; boundary={boundary}{data.draw(CHARSETS)}".encode("latin-1")
    door.ask("POST", path, [(b"content-type", media_type)], content, data.draw(st.sampled_from([997, 1 << 20])))


@fuzz(60)
@given(
    entries=st.lists(st.tuples(TEXT, TEXT), max_size=6),
    kind=st.sampled_from(["tsv", "csv", "xlsx"]),
    name=TEXT,
    raw=st.sampled_from(["", "", '"', "a,b,DE,EN", 'a,"b\nc"', "\t", "a\tb\tc", "a\x00\tb", "\ufeffa\tb"]),
    text=LONG_TEXT,
)
def test_glossaries(door: Door, entries: list[tuple[str, str]], kind: str, name: str, raw: str, text: str) -> None:
    separator = "," if kind == "csv" else "\t"
    told = "\n".join(["Hund" + separator + "cat", *map(separator.join, entries), raw])
    fields = {"name": name, "source_lang": "de", "target_lang": "en", "entries": told, "entries_format": kind}
    reply = door.ask("POST", b"/v2/glossaries", [JSON], json.dumps(fields).encode())
    if reply.status != 201:
        return
    path = b"/v2/glossaries/" + json.loads(reply.body)["glossary_id"].encode()
    asked = {"text": [text, " ".join(source for source, _ in entries)], "source_lang": "de", "target_lang": "en"}
    body = json.dumps({**asked, "glossary_id": json.loads(reply.body)["glossary_id"]}).encode()
    door.ask("POST", b"/v2/translate", [JSON], body)
    door.ask("GET", path + b"/entries")
    assert door.ask("DELETE", path).status == 204


@fuzz(40)
@given(values=VALUES)
def test_any_json_at_all(door: Door, values: object) -> None:
    for path in (
        b"/v1/translate",
        b"/v1/detect",
        b"/v2/translate",
        b"/v2/glossaries",
        b"/v3/glossaries",
        b"/translate",
        b"/suggest",
    ):
        door.ask("POST", path, [JSON], json.dumps(values).encode())
