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


@pytest.mark.parametrize(
    ("source", "target", "written"),
    [
        ("Ja, aber …", "Yes, but.", "Yes, but…"),
        ("Wird geladen...", "Loading.", "Loading..."),
        ("Was?!", "What?", "What?!"),
        ("Nein!!!", "No.", "No!!!"),
        ("Kommst du", "Are you coming.", "Are you coming"),
        ("Kommst du?", "Are you coming", "Are you coming?"),
        ("Liebe Anna,", "Dear Anna", "Dear Anna,"),
        ("Liebe Anna,", "Dear Anna.", "Dear Anna,"),
        ("Name:", "Name", "Name:"),
        ("„Komm!“", '"Come."', '"Come!"'),
        # No full stop is added, and what the target says more strongly stays.
        ("Er geht.", "He goes", "He goes"),
        ("Er geht.", "He goes!", "He goes!"),
        ("um 5 Uhr", "at 5 p.m.", "at 5 p.m."),
        ("Er geht", 'He goes "home."', 'He goes "home."'),
        ("Er geht!", "He goes:", "He goes:"),
        ("Er geht,", "„“", "„“"),
        ("Kommst du?", "¿Vienes? o no", "¿Vienes? o no"),
        ("Gut :)", "Good", "Good"),
        ("...", "X.", "X."),
        ("", ".", "."),
    ],
)
def test_a_translation_ends_in_the_signs_of_its_source(source: str, target: str, written: str) -> None:
    assert Reading(source, False).write(target) == written


@pytest.mark.parametrize(
    ("source", "target", "written"),
    [
        ("Warte… ich komme.", "Wait.. I come.", "Wait… I come."),
        ("Warte… ich komme…", "Wait... I come...", "Wait… I come…"),
        ("Warte… ich... komme.", "Wait... I come.", "Wait... I come."),
        ("Warte, ich komme.", "Wait.. I come.", "Wait.. I come."),
        ("Ja, Anna, komm.", "Yes,Anna,come.", "Yes, Anna, come."),
        ("Um 5,30 Uhr, ja", "At 5,30, yes", "At 5,30, yes"),
        ("Ja,Anna, komm.", "Yes,Anna, come.", "Yes,Anna, come."),
    ],
)
def test_signs_inside_that_the_model_writes_otherwise(source: str, target: str, written: str) -> None:
    reading = Reading(source, False)
    assert reading.write(target) == written
    grown = sum(len(new) - (end - start) for start, end, new in reading.edits(target))
    assert len(written) - len(target) in (grown, grown - 2)  # the dots at the end may be told there


def test_a_dash_that_the_model_cannot_read_is_written_again(tokenizer: Tokenizer) -> None:
    assert read_sentence(tokenizer, "Ja — nein.").write("Yes – no.") == "Yes — no."
    assert read_sentence(tokenizer, "Ja – nein.").write("Yes – no.") == "Yes – no."
    assert read_sentence(tokenizer, "Ja – nein — ja.").dash == ""


def test_a_space_that_does_not_break_stays_between_the_same_words() -> None:
    assert Reading("Es sind 10\xa0km.", False).write("It is 10 km.") == "It is 10\xa0km."
    assert Reading("Es sind 10\u202f% mehr.", False).write("It is 10 % more.") == "It is 10\u202f% more."
    assert Reading("Es sind 10\xa0km.", False).write("Ten kilometres.") == "Ten kilometres."


@pytest.mark.parametrize(
    ("text", "stressed"),
    [
        ("Das ist NUR ein alter Mann.", {("NUR", "nur")}),
        ("Die NASA und das IBAN sind Namen hier.", set()),
        ("NUR DAS", set()),
        ("Das WXQZ ist hier.", set()),
    ],
)
def test_a_word_in_capitals_is_stressed_where_the_vocabulary_knows_it(
    text: str, stressed: set[tuple[str, str]]
) -> None:
    class Words:
        """A vocabulary of small words."""

        def find_lacking(self, text: str) -> set[str]:
            return set()

        def encode(self, text: str) -> list[int]:
            return [1] if text in ("nur", "Nur", "das", "Das") else [1] * len(text)

    assert read_sentence(Words(), text).stressed == stressed  # type: ignore[arg-type]
