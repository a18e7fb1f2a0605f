"""Strings of programs as texts: lines, wrapped paragraphs, messages of ICU over lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.documents.formats.messages import cut_message, fill_message

ICU = "{n, plural,\n  one {ein Hund}\n  other {# Hunde}\n}"
WRAPPED = "Ein Hund läuft über die alte Straße am See und\nsieht dort ein Haus.\n"


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ("ein Hund", ["ein Hund"]),
        ("eins\n\nzwei\n", ["eins", "zwei"]),
        (WRAPPED, [WRAPPED.strip().replace("\n", " ")]),
        (ICU, ["{n, plural, one {ein Hund} other {# Hunde} }"]),
        (f"eins\nHier: {ICU}!\nzwei", ["eins", "Hier: {n, plural, one {ein Hund} other {# Hunde} }!", "zwei"]),
        ("{n, plural, one {ein Hund} other {# Hunde}}\neins", ["{n, plural, one {ein Hund} other {# Hunde}}", "eins"]),
        ("{n, plural,\n one {", ["{n, plural,", " one {".strip()]),
        ("", []),
    ],
)
def test_what_is_a_text(text: str, texts: list[str]) -> None:
    assert cut_message(text) == texts
    assert fill_message(text, iter(texts)) == text


def test_a_message_is_written_in_one_line() -> None:
    assert fill_message(f"a\n{ICU}\nb", iter(["A", "{n, plural, one {x} other {y} }", "B"])) == (
        "A\n{n, plural, one {x} other {y} }\nB"
    )


@given(st.text(st.sampled_from("ab \n\r\t{},") | st.characters(), max_size=60))
def test_nothing_is_lost(text: str) -> None:
    assert fill_message(text, iter(cut_message(text))) == text
    assert fill_message(ICU + text, iter(cut_message(ICU + text))) == ICU + text
