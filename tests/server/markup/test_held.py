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


TERM = '<t reads="Haus am See"></t>'
TERMS = Options(kind="xml", ignore_tags=frozenset({"t"}), term_tags=frozenset({"t"}))


def test_a_term_stands_for_itself_each_time() -> None:
    [chunk] = parse(f"Das {TERM} und {TERM} <t reads='x'></t>, <t></t>", TERMS, WORDS).chunks
    assert chunk.text == "Das Haus am See und Haus am See XQ, AB"
    assert chunk.held["Haus am See"] == TERM
    assert chunk.terms == ("Haus am See",)


def test_terms_side_by_side_are_two() -> None:
    [chunk] = parse(f'Das {TERM} <t reads="R&amp;D"></t> ist', TERMS, WORDS).chunks
    assert (chunk.text, chunk.terms) == ("Das Haus am See R&D ist", ("Haus am See", "R&D"))


def test_without_stand_ins_a_term_is_a_hole() -> None:
    [chunk] = parse(f"Das {TERM} ist", TERMS).chunks
    assert (chunk.text, chunk.terms) == ("Das ist", ())


def test_two_elements_that_read_alike() -> None:
    """Only one of them can be told from the other by its word."""
    other = TERM.replace("<t ", '<t n="2" ')
    [chunk] = parse(f"Das {TERM}, {other} ist", TERMS, WORDS).chunks
    assert chunk.text == "Das Haus am See, XQ ist"
    assert chunk.held == {"Haus am See": TERM, "XQ": other}
