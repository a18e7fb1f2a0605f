"""Which points the model is shown a word for, and which word."""

import pytest

from server.markup import Options, parse

WORDS = ("XQ", "42", "AB", "37", "CD", "EF", "GH", "58")


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("Gib {name} die Hand.", "Gib XQ die Hand."),
        ("Es sind {count} Dateien.", "Es sind 42 Dateien."),
        ("Es sind {numFiles} Dateien von %d.", "Es sind 42 Dateien von 37."),
        ("%1$d von %2$d in {country}", "42 von 37 in XQ"),
        ("{{ total }} von {{ user }}", "42 von XQ"),
        ("Siehe https://example.org/count dort.", "Siehe XQ dort."),
        ("{account}, {counter} und {discount}", "XQ, 42 und AB"),
        ("{n} {n} {n} {n}; hier {n}", "42; hier 37"),
        ("{count} und XQ und {a}", "42 und XQ und AB"),
        ("ein {n}px breites Bild {a}", "ein 42 breites Bild XQ"),
        ("{w}x{h}px und {t}st", "XQ und AB"),
        ("die {street}straße {n}", "die straße 42"),
        ("v{version} kostet £{n}", "XQ kostet £42"),
    ],
)
def test_text(source: str, shown: str) -> None:
    [chunk] = parse(source, Options(kind="text"), WORDS).chunks
    assert chunk.text == shown


def test_where_one_kind_is_used_up_the_other_serves() -> None:
    [chunk] = parse("{a}, {b} oder {c}", Options(kind="text"), ("XQ", "42", "37")).chunks
    assert chunk.text == "XQ, 42 oder 37"
    assert dict(chunk.held) == {"XQ": "{a}", "42": "{b}", "37": "{c}"}
