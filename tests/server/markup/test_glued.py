"""Tags inside words, footnotes, and texts that only two tags part."""

import pytest

from server.markup import Options, assemble, parse

HTML = Options("html")
STAND_INS = ("XQ", "Xb", "GUID")


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ("Ein Liter H<sub>2</sub>O ist da.", ["Ein Liter XQ ist da."]),
        ("Das sind 12 m<sup>2</sup> Rasen.", ["Das sind XQ Rasen."]),
        ("Die Zahl x<sub>n</sub>y gilt.", ["Die Zahl XQ gilt."]),
        ("Der Rhein<sup>3</sup> ist lang.", ["Der Rhein ist lang."]),
        ("Der Rhein<sup>[3]</sup> ist lang.", ["Der Rhein ist lang."]),
        ("Ein Satz.<a href='#f'>1</a> Noch einer.", ["Ein Satz.1 Noch einer."]),
        ("<i>Ja</i><i>Nein</i>", ["Ja", "Nein"]),
        ("<i>Gute</i><i>nacht</i>", ["Gutenacht"]),
        ("<b>Zu Hause</b><b>im Garten</b>", ["Zu Hause", "im Garten"]),
    ],
)
def test_what_is_written_together_is_one_word(source: str, seen: list[str]) -> None:
    document = parse(source, HTML, STAND_INS)
    assert [chunk.text for chunk in document.chunks] == seen
    assert assemble(document, [(chunk.text, None) for chunk in document.chunks]) == source


def test_a_formula_goes_with_its_sentence_wherever_it_lands() -> None:
    [chunk] = parse("Hier ist CO<sub>2</sub> drin.", HTML, STAND_INS).chunks
    document = parse("Hier ist CO<sub>2</sub> drin.", HTML, STAND_INS)
    assert chunk.held == {"XQ": "CO<sub>2</sub>"}
    assert assemble(document, [("XQ is in here.", None)]) == "CO<sub>2</sub> is in here."


@pytest.mark.parametrize("name", ["@anna", "#Hafen"])
def test_an_element_that_shows_a_name_alone_is_kept(name: str) -> None:
    source = f"<a href='/x'>{name[0]}<span>{name[1:]}</span></a> ist da."
    [chunk] = parse(source, HTML, STAND_INS).chunks
    assert chunk.text == "XQ ist da."
