"""All of a request that is not its body: method, path, query, headers."""

import json
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.amount import fuzz
from tests.fuzz.door import MARK, Door
from tests.fuzz.made_up import LANGUAGES, TEXT, mutated

BODY = json.dumps({"text": f"Der Hund {MARK}.", "source": "de", "target": "en"}).encode()
# As httptools lets them through: no line ends, no NUL.
RAW = st.binary(max_size=40).map(lambda value: value.translate(None, b"\r\n\0"))
VALUES = {
    b"prefer": [
        b"wait=1e9",
        b"wait=" + b"9" * 99,
        b'wait = "5"',
        b"wait=-1",
        b"wait=\xb2",
        b"wait=0.001, respond-async",
    ],
    b"authorization": [b"Bearer", b"Bearer  x", b"DeepL-Auth-Key \xff", b"Basic =", b"bearer " + b"k" * 9000, b" "],
    b"accept": [b"text/html;q=nan", b"text/html;q=1_0", b"*/*;q=\xb9", b"," * 999, b"text/html;;;q==", b"text/html"],
    b"content-type": [
        b"application/json; charset=utf-16",
        b"multipart/form-data",
        b"multipart/",
        b";",
        b"\xff",
        b"text/plain",
    ],
    b"x-request-id": [b"a" * 65, b"a b", b"\xe4", b"../x", b"abc-1", b"%0d%0a"],
    b"content-length": [b"-1", b"99999999999999999999", b"\xb2", b"1e9", b"0x10", b"", b"+5"],
    b"host": [b"[", b"[::1", b"a b", b"\xff", b"evil/../x", b"a:99999999", b"", b'"><script>'],
    b"if-none-match": [b"W/", b",", b"*", b'"' * 999],
    b"range": [b"bytes=0-", b"bytes=-1", b"bytes=5-1,0-0"],
    b"x-forwarded-for": [b"unknown", b"1.1.1.1," * 999, b"\xff"],
    b"x-forwarded-proto": [b"javascript", b"\xff"],
    b"expect": [b"100-continue"],
    b"transfer-encoding": [b"chunked, x"],
    b"upgrade": [b"websocket"],
}
HEADERS = st.lists(
    st.sampled_from(sorted(VALUES)).flatmap(lambda name: st.tuples(st.just(name), st.sampled_from(VALUES[name]) | RAW)),
    max_size=5,
)
METHODS = st.sampled_from(["GET", "POST", "HEAD", "OPTIONS", "DELETE", "PUT", "PATCH", "TRACE", "PROPFIND"])


@fuzz(150)
@given(headers=HEADERS, path=st.sampled_from([b"/v1/translate", b"/v2/translate", b"/translate", b"/v2/document"]))
def test_headers_of_a_post(door: Door, headers: list[tuple[bytes, bytes]], path: bytes) -> None:
    # A deadline of its own may have passed before anything was begun; else all of these are about the answer.
    door.ask("POST", path, headers, BODY)


@fuzz(100)
@given(
    headers=HEADERS, path=st.sampled_from([b"/", b"/docs", b"/page/app.js", b"/nowhere", b"/v1/models/", b"/metrics"])
)
def test_headers_of_a_get(door: Door, headers: list[tuple[bytes, bytes]], path: bytes) -> None:
    reply = door.ask("GET", path, headers)
    assert reply.header("x-content-type-options") == "nosniff"


PIECES = st.sampled_from(
    [
        b"..",
        b"%2e%2e",
        b"%2f",
        b"/",
        b"//",
        b"%00",
        b"%ed%a0%80",
        b"%ff",
        b"%",
        b"*",
        b"etc",
        b"passwd",
        b"%5c",
        b".",
        b"document",
        b"glossaries",
        b"result",
        b"entries",
        b"a" * 3000,
        b"0" * 32,
        b"ferry.db",
        b"%0d%0a",
        MARK.encode(),
    ]
)


@fuzz(150)
@given(
    start=st.sampled_from(
        [
            b"/",
            b"/v1/",
            b"/v2/",
            b"/v2/document/",
            b"/v2/glossaries/",
            b"/download_file/",
            b"/page/",
            b"//evil.example/",
        ]
    ),
    pieces=st.lists(PIECES, max_size=6),
    method=METHODS,
)
def test_paths(door: Door, start: bytes, pieces: list[bytes], method: str) -> None:
    door.ask(method, start + b"".join(pieces) + b"?document_key=x", [(b"host", b"ferry")])


@fuzz(60)
@given(method=METHODS, data=st.data())
def test_every_route_with_every_method(door: Door, method: str, data: st.DataObject) -> None:
    _, path = data.draw(st.sampled_from(door.paths))
    door.ask(method, path.encode(), data.draw(HEADERS), data.draw(mutated(BODY)))


@fuzz(100)
@given(
    text=TEXT,
    source=LANGUAGES,
    target=LANGUAGES,
    raw=st.sampled_from([b"", b"&q=x", b"&" * 3000, b"%zz", b"&source", b"%ed%a0%80", b"#"]),
    path=st.sampled_from([b"/translate", b"/v2/languages", b"/v2/document/" + b"0" * 32]),
)
def test_queries(door: Door, text: str, source: str, target: str, raw: bytes, path: bytes) -> None:
    values = {"q": text, "source": source, "target": target, "type": source, "document_key": text}
    query = "&".join(f"{name}={quote(value, errors='surrogatepass')}" for name, value in values.items())
    door.ask("GET", path + b"?" + query.encode() + raw)
