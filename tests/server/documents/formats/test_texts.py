"""Plain text and html: encodings, line ends, and everything that is not language."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.documents.formats.registry import FORMATS
from server.documents.formats.webpage import PIECE_CHARS
from server.errors import InvalidDocumentError
from tests.server.documents.builders import change

TXT, HTML = FORMATS["txt"], FORMATS["html"]


@given(st.text())
@settings(deadline=None)
def test_plain_text_comes_back(text: str) -> None:
    data = text.encode()
    assert TXT.write(data, TXT.read(data)) == data


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_only_words_change(encoding: str) -> None:
    text = "\tEins\u00a0\r\n\r\n  zwei, drei \x0b Grüße\n\n"
    marked = ("\ufeff" if encoding == "utf-16-be" else "") + text
    found = change(TXT, marked.encode(encoding), str.upper)
    assert found == marked.upper().encode(encoding)


@pytest.mark.parametrize("data", [b"\xe4", b"\xff\xfea", b"\xff\xfe\x00\xd8", "ä".encode("latin-1") + b"bc"])
@pytest.mark.parametrize("name", ["txt", "html", "srt", "vtt"])
def test_another_encoding_is_refused_with_a_remedy(name: str, data: bytes) -> None:
    with pytest.raises(InvalidDocumentError, match="save it in UTF-8"):
        FORMATS[name].read(data)


def test_a_letter_that_an_encoding_does_not_have() -> None:
    assert TXT.write("Eins ä".encode("utf-16"), ["Zwei \ud800"]) == "Zwei ?".encode("utf-16")


WRAPPED = """  Das Boot des Lotsen fuhr am frühen Morgen aus dem
  Hafen und kam erst am späten Abend wieder an den
  alten Steg zurück.

Name: Boot
Ort: Hafen
"""


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_prose_that_was_wrapped_by_hand_is_one_text_and_wrapped_again(end: str) -> None:
    data = WRAPPED.replace("\n", end).encode()
    texts = TXT.read(data)
    assert texts == [" ".join(WRAPPED.split("\n\n")[0].split()), "Name: Boot", "Ort: Hafen"]
    assert TXT.write(data, texts) == data
    lines = TXT.write(data, ["word " * 28 + "end.", *texts[1:]]).decode().split(end)
    assert lines[:3] == ["  " + " ".join(["word"] * 10)] * 2 + ["  " + "word " * 8 + "end."]
    assert lines[3:] == ["", "Name: Boot", "Ort: Hafen", ""]


@pytest.mark.parametrize(
    "text",
    [
        # verse, a list, labels, headings, a table: each line is a text of its own
        "Das Boot fuhr fort,\nder Morgen war da,\ndie Möwe rief dort,\ndas Ufer war nah.",
        "- Das Boot des Lotsen fuhr am frühen Morgen aus dem\n- Hafen und kam erst am späten Abend wieder an den",
        "Boot: Das Boot des Lotsen fuhr am Morgen aus dem\nHafen: und kam erst am späten Abend wieder an den",
        "Das Boot des Lotsen fuhr am frühen Morgen los.\nHafenarbeiter kamen erst am späten Abend dort an.",
        "Der Hafen\n\nDas Boot fuhr fort.",
    ],
)
def test_lines_that_were_not_wrapped_are_texts_of_their_own(text: str) -> None:
    assert TXT.read(text.encode()) == [line for line in text.split("\n") if line]


PAGE = (
    """<!DOCTYPE html>
<html><head><title>One</title><style>p { color: red }</style><script>var one = "two";</script></head>
<body><p class="one">One <b>two</b> &amp; three</p><!-- four -->
<pre>
  five
    six
</pre><p translate="no">seven</p><ul><li>eight<li>nine</ul>"""
    + "\n<p>ten</p>" * (PIECE_CHARS // 5)
)


def test_a_page_keeps_everything_but_its_words() -> None:
    expected = PAGE
    for word in ("One", "two</b>", "three", "five", "six", "eight", "nine", "ten"):
        expected = expected.replace(f">{word}", f">{word.swapcase()}").replace(f" {word}\n", f" {word.swapcase()}\n")
    expected = expected.replace("TWO</B>", "TWO</b>").replace("&amp; three", "&amp; THREE")
    assert len(HTML.read(PAGE.encode())) > 2, "in more than one piece"
    assert change(HTML, PAGE.encode(), str.swapcase).decode() == expected


TAGS = ["<p>", "</p>", "<pre>", "</pre>", "<b>", "</b>", "<!--", "-->", "<br>", "one", "two", "&amp;", "<", "\n", "<x"]


def test_long_styles_are_not_shown_to_the_translator() -> None:
    style, comment, script = "a {} " * 10_000, "b " * 10_000, "c;" * 10_000
    page = f"<style>{style}</style><p>one</p><!-- {comment} --><pre>two\n three</pre><script>{script}"
    assert HTML.read(page.encode()) == ["one</p>", "<pre>two\n three</pre>"]
    assert change(HTML, page.encode(), str.upper).decode() == page.replace("one", "ONE").replace(
        "two\n three", "TWO\n THREE"
    )


@given(st.lists(st.sampled_from(TAGS)))
@settings(deadline=None)
def test_a_page_comes_back(parts: list[str]) -> None:
    data = "".join(parts).encode()
    assert HTML.write(data, HTML.read(data)) == data
    assert change(HTML, data, lambda word: word) == data


def test_a_page_says_its_encoding() -> None:
    page = '<meta charset="{}"><p>Grüße “und”</p>'
    for name in ("windows-1252", "ISO-8859-1"):
        data = page.format(name).encode("windows-1252")
        assert change(HTML, data, str.upper) == page.replace("Grüße “und”", "GRÜSSE “UND”").format(name).encode(
            "windows-1252"
        )
        assert b"&#22909;" in HTML.write(data, ["<p>好</p>"])


@pytest.mark.parametrize("name", ["zip", "idna", "rot13", "unicode_escape", "no-such", "utf-8"])
def test_other_names_of_encodings_are_not_believed(name: str) -> None:
    assert HTML.read(f'<meta charset="{name}"><p>one \\u0041'.encode()) == ["one \\u0041"]
