"""Entries from TSV and CSV."""

import pytest

from server.dialects.deepl.entries import EntriesFormat, format_entries, parse_entries
from server.dialects.deepl.errors import InvalidEntriesError


def parse(text: str, kind: EntriesFormat = "tsv") -> dict[str, str]:
    return parse_entries(text, kind, "en", "de")


def test_tsv() -> None:
    entries = parse("Hello\tHallo\r\n\n  \n a dog \tein Hund\n\U0001faa8\t=1+1\n")
    assert entries == {"Hello": "Hallo", "a dog": "ein Hund", "\U0001faa8": "=1+1"}
    assert parse(format_entries(entries)) == entries
    assert list(entries) == ["Hello", "a dog", "\U0001faa8"]


def test_csv() -> None:
    entries = parse('Hello,Hallo\n"a ""big"" dog, so","ein Hund",en-US,DE\nchien,Hund,fr,de\n\n', "csv")
    assert entries == {"Hello": "Hallo", 'a "big" dog, so': "ein Hund"}


@pytest.mark.parametrize(
    ("text", "kind", "says"),
    [
        ("", "tsv", "no entries"),
        ("\n \n", "csv", "no entries"),
        ("chien,Hund,fr,de", "csv", "no entries"),
        ("a\tb\nc", "tsv", "Entry 2 must have"),
        ("a\tb\tc", "tsv", "Entry 1 must have"),
        ("a,b,c", "csv", "Entry 1 must have"),
        ("a\t ", "tsv", "target term of entry 1 is empty"),
        (" \tb", "tsv", "source term of entry 1 is empty"),
        (",b", "csv", "source term of entry 1 is empty"),
        ("a\tb\na \tc", "tsv", "Entry 2 has the source term"),
        ("a,b\na,b", "csv", "Entry 2 has the source term"),
        ("a\x07\tb", "tsv", "source term of entry 1 has a control character"),
        ("a\tb\u2028c", "tsv", "target term of entry 1 has a control character"),
        ("a\tb\x85c", "tsv", "target term of entry 1 has a control character"),
        ("a\tb\rc", "tsv", "target term of entry 1 has a control character"),
        ('a,"b\nc"', "csv", "target term of entry 1 has a control character"),
        ("a\tb\ud800", "tsv", "target term of entry 1 has a control character"),
        ("ä" * 513 + "\tb", "tsv", "source term of entry 1 is longer than 1024 bytes"),
        ('a,"b', "csv", "Line 1 is not CSV"),
        ("a," + "b" * 200_000, "csv", "Line 1 is not CSV"),
    ],
)
def test_what_is_refused(text: str, kind: EntriesFormat, says: str) -> None:
    with pytest.raises(InvalidEntriesError) as refusal:
        parse(text, kind)
    assert says in refusal.value.detail


def test_the_longest_term() -> None:
    assert parse("ä" * 512 + "\tb") == {"ä" * 512: "b"}
