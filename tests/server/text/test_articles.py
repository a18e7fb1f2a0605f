"""English's articles fit the sound of the next word."""

import pytest

from server.text.articles import choose_article


@pytest.mark.parametrize(
    ("article", "word", "expected"),
    [
        ("a", "automobile", "an"),
        ("an", "car", "a"),
        ("A", "Automobile", "An"),
        ("An", "Car", "A"),
        ("AN", "CARRIAGE", "A"),
        ("A", "OAK", "AN"),
        ("AN", "OAK", "AN"),
        ("a", "European", "a"),
        ("an", "university", "a"),
        ("a", "uninteresting", "an"),
        ("an", "one-way street", "a"),
        ("a", "hour", "an"),
        ("an", "house", "a"),
        ("a", "FBI agent", "an"),
        ("an", "NATO summit", "a"),
        ("an", "USB stick", "a"),
        ("a", "8", "an"),
        ("an", "“quote”", "an"),
        ("an", "", "an"),
    ],
)
def test_the_article(article: str, word: str, expected: str) -> None:
    assert choose_article(article, word) == expected
