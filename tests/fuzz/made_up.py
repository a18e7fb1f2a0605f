"""Strategies for hypothesis: texts, values, files and headers that nobody sends who means well."""

import json
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.door import MARK

# Where something once went wrong here or elsewhere, or may well.
FRAGMENTS = (
    *(
        MARK,
        "Der Hund läuft.",
        "the dog",
        "Plan B\u00a0.",
        "Art.\u202f5",
        "«?«",
        "„!",
        ". " * 40,
        "z. B. ",
        "1.\u2009.",
    ),
    *("\0", "\x1b[31m", "\r\n", "\x85", "\u2028", "\ufeff", "\ufffe", "\uffff", "\U0010ffff", "\ue000", "\U000e0080"),
    *("\ud800", "\udfff", "\ud83d", "\u202e", "\u2066", "\u200f", "\u200d" * 9, "e" + "\u0301" * 60, "\u0e33" * 9),
    *(
        "İstanbul",
        "ı",
        "ß",
        "ﬁ",
        "ſ",
        "\u1e9e",
        "中文。你好",
        "🇩🇪" * 3,
        "👩‍👩‍👧",
        "a" * 300,
        "0" * 300,
        "..",
        "/",
        "\\",
    ),
    *("<b>", "</b>", "<p", "<b title='>'>", '<i a="', "<!--", "-->", "<![CDATA[", "]]>", "<?x", "?>", "<!DOCTYPE a ["),
    *("]>", '<!ENTITY a "bbbb">', "&a;", "&lt;", "&#0;", "&#xD800;", "&#99999999;", "&amp", "&nbsp;", "<br/>", "<a/b>"),
    *('<ferry-term n="0"></ferry-term>', "<x0/>", "<g0>", "</g0>", "<?x0?>", '<s n="0"/>', "<script>", "<title>"),
    *(
        "{name}",
        "{{ x }}",
        "%1$s",
        "%(a)s",
        "%",
        "${",
        "https://a.de/b?c=(d)",
        "a@b.de",
        "www.",
        "{\\an8}",
        "♪",
        "--> ",
    ),
)
UNICODE = st.text(st.characters(exclude_categories=()), max_size=20)
TEXT = st.lists(st.one_of(st.sampled_from(FRAGMENTS), UNICODE), max_size=12).map("".join)
LONG_TEXT = st.builds(lambda text, times: text * times, TEXT, st.sampled_from([1, 1, 2, 30, 400])).map(
    lambda t: t[:9000]
)

LANGUAGES = st.sampled_from(
    ["de", "en", "DE", "EN-GB", "auto", "fr", "", "d\u00e9", "\ud800", "x" * 999, "\0", "../de"]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**18, -(10**18), 2**63, 2**64, 10**300, -1]),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXT,
    LANGUAGES,
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=8
)
ODD_JSON = st.sampled_from(
    [
        "1e999",
        "-0",
        "9" * 5000,
        "0.1" + "0" * 999,
        "NaN",
        "Infinity",
        '"\\ud800"',
        '"\\u0000"',
        "[" * 5000,
        '{"a":' * 3000,
        "01",
    ]
)


@st.composite
def json_bodies(draw: st.DrawFn, fields: dict[str, st.SearchStrategy[Any]]) -> bytes:
    """An object with some of `fields`, some of them twice or of another kind, and some unknown ones."""
    pairs: list[tuple[str, str]] = []
    for name, strategy in fields.items():
        kind = draw(st.integers(0, 59))
        if kind == 0:
            continue
        value = draw(ODD_JSON) if kind == 1 else json.dumps(draw(VALUES if kind in (2, 3) else strategy))
        pairs.append((json.dumps(name), value))
        if kind == 4:
            pairs.append((json.dumps(name), json.dumps(draw(VALUES))))
    if draw(st.integers(0, 9)) == 0:
        pairs.append((json.dumps(draw(TEXT)), json.dumps(draw(VALUES))))
    body = "{" + ",".join(f"{name}:{value}" for name, value in pairs) + "}"
    data = body.encode("utf-8", "surrogatepass")
    return draw(mutated(data)) if draw(st.integers(0, 9)) == 0 else data


@st.composite
def mutated(draw: st.DrawFn, data: bytes, most: int = 6) -> bytes:
    """`data` with some bytes flipped, left out, said twice, put in, or without its end."""
    found = bytearray(data)
    for _ in range(draw(st.integers(1, most))):
        at = draw(st.integers(0, max(len(found) - 1, 0)))
        length = draw(st.sampled_from([1, 1, 2, 4, 16, 200]))
        match draw(st.integers(0, 5)):
            case 0 | 1 if found:
                found[at] ^= 1 << draw(st.integers(0, 7))
            case 2:
                del found[at : at + length]
            case 3:
                found[at:at] = found[at : at + length]
            case 4:
                found[at:at] = draw(st.binary(max_size=8))
            case 5 if draw(st.booleans()):
                del found[at:]
    return bytes(found)
