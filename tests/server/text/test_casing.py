"""How sentences are shown to the model and written back."""

import pytest

from server.text.casing import Reading, read_sentence
from server.text.tokenizer import Tokenizer


@pytest.mark.parametrize(
    ("text", "calm"),
    [
        ("BITTE NICHT RAUCHEN!", "Bitte nicht rauchen!"),
        ("(TÜR ZU, DANKE)", "(Tür zu, danke)"),
        ("MAY I HAVE 2?", "May I have 2?"),
        ("ACHTUNG", "Achtung"),
    ],
)
def test_capitals_are_shown_as_people_write(tokenizer: Tokenizer, text: str, calm: str) -> None:
    reading = read_sentence(tokenizer, text)
    assert (reading.text, reading.is_shouted) == (calm, True)
    assert reading.write(calm) == text


@pytest.mark.parametrize(
    "text", ["", "12", "Bitte nicht", "OK", "USA", "BMW AG", "ERROR_CODE", "X1", "BITTE nicht RAUCHEN"]
)
def test_names_and_all_else_stay_as_they_are(tokenizer: Tokenizer, text: str) -> None:
    reading = read_sentence(tokenizer, text)
    assert (reading.text, reading.is_shouted) == (text, False)
    assert reading.write("Straße") == "Straße"


def test_no_length_changes(tokenizer: Tokenizer) -> None:
    # `İ` has two characters in lower case, `ß` two in upper case, `ŉ` too and no capital of its own.
    assert len(read_sentence(tokenizer, "DİE STRASSE İST LANG").text) == len("DİE STRASSE İST LANG")
    assert Reading("", is_shouted=True).write("die lange Straße ŉ") == "DIE LANGE STRAẞE ŉ"


def test_punctuation_that_the_vocabulary_lacks_has_a_sister(tokenizer: Tokenizer) -> None:
    assert tokenizer.find_lacking("»") == {"»"}
    assert read_sentence(tokenizer, "»Haus« — ‚Hund‘").text == "\"Haus\" – 'Hund'"


def test_what_the_vocabulary_has_is_shown_as_it_is() -> None:
    class All:
        def find_lacking(self, text: str) -> set[str]:
            return set()

    assert read_sentence(All(), "»Haus«").text == "»Haus«"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Das Haus ist alt.", ""),
        ("Hallo 😀 Welt, 5 € → 20 °C", "😀€→°"),
        ("Привет, das ist नमस्ते", "Приветनमस्ते"),
        # Letters that it must spell make their words unreadable, Latin ones too; punctuation is for the model.
        ("Škoda & Łódź, «so» – (½)?", "½ŠŁóź"),
    ],
)
def test_signs_and_words_of_other_scripts_are_not_for_the_model(tokenizer: Tokenizer, text: str, found: str) -> None:
    assert read_sentence(tokenizer, text).unreadable == set(found)


@pytest.mark.parametrize(
    ("source", "target", "written"),
    [
        ("Danke", "thanks", "Thanks"),
        ("«Danke»", "«thanks»", "«Thanks»"),
        ("Über das Haus", "iPhone und Haus", "iPhone und Haus"),
        ("danke", "thanks", "thanks"),
        ("2 Hunde", "two dogs", "two dogs"),
        ("Maß", "ŉ", "ŉ"),  # its capital is two characters
        ("Danke", "", ""),
    ],
)
def test_what_begins_with_a_capital_is_translated_to_what_does(
    tokenizer: Tokenizer, source: str, target: str, written: str
) -> None:
    assert read_sentence(tokenizer, source).write(target) == written
