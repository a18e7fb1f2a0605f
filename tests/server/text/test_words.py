"""Where words begin and end."""

from server.text.words import split_words


def test_words() -> None:
    text = "Don't pay 1,234.50 € 👍🏽👨‍👩‍👧 हिन्दी e\u0301t, 你好"
    words = [text[start:end] for start, end in split_words(text)]
    assert words == ["Don't", "pay", "1,234.50", "€", "👍🏽", "👨‍👩‍👧", "हिन्दी", "e\u0301t", ",", "你", "好"]
