"""Each kind of mark by its own examples, alone, in a sentence and beside its punctuation."""

import pytest

from server.markup import Options, assemble, parse, parse_marked
from server.markup.kinds import KINDS, MarkKind
from server.markup.marks import find_marks, split_marks

EXAMPLES = [pytest.param(kind, each, id=f"{kind.name}: {each}") for kind in KINDS for each in kind.examples]
WHOLE = [each for each in EXAMPLES if isinstance(kind := each.values[0], MarkKind) and kind.role in ("word", "message")]


@pytest.mark.parametrize(("kind", "example"), EXAMPLES)
def test_an_example_has_its_mark(kind: MarkKind, example: str) -> None:
    tokens = split_marks(
        f"{example} text {example.replace('[', '[/', 1)}" if kind.name == "shortcode" else example, "text"
    )
    assert "".join(token.text for token in tokens).startswith(example)
    if example == "[/button]":  # an end without a start is only text
        return
    assert any(token.kind != "text" for token in tokens)


@pytest.mark.parametrize(("kind", "example"), WHOLE)
@pytest.mark.parametrize("sentence", ["Das ist {} hier.", "Wir sehen {}.", "({}) ist gut", "{}, {}"])
def test_a_word_is_one_mark_in_any_place(kind: MarkKind, example: str, sentence: str) -> None:
    if "(" in sentence and kind.name in ("path", "path with backslashes", "variable", "power", "calculation"):
        return
    text = sentence.replace("{}", example)
    found = [text[start:end] for start, end in find_marks(text)]
    assert found == [example] * sentence.count("{}")
    assert parse_marked(text, Options("text")) is not None


@pytest.mark.parametrize(
    "text",
    [
        "Das Haus ist rot, und der Garten ist groß.",
        "He said: 'No!' (and left) - then what?",
        "Am 12.05.2020 um 10:30 kamen 1.234,50 Menschen und/oder 5 km/h.",
        "Preis: 5 und 7; 1/2 oder 3-4 Stück, 50%ige Lösung.",
        "5 * 3 * 2 ist eine Rechnung, a*b*c auch.",
        "Die Schüler_innen und MitarbeiterInnen der GmbH & Co. KG",
        "1 < 2 und 3 > 2, if x <y and z> w",
        "Er sagte [leise] ja. z.B. so, d.h. nie.",
        "YouTube, iPhone und McDonald sind Namen.",
        "R&D; AT&T und Q&A",
        "Es kostet $5 und $6.",
    ],
)
def test_language_has_no_marks(text: str) -> None:
    assert list(find_marks(text)) == []


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("### Drei\n## Eine Überschrift ##", ["Drei", "Eine Überschrift"]),
        ("- [x] Milch kaufen\n* Brot\n  1. Käse", ["Milch kaufen", "Brot", "Käse"]),
        ("> Zitat\n>> noch eins", ["Zitat", "noch eins"]),
        ("| Name | Ort |\n|---|---|\n| Haus | Stadt |", ["Name", "Ort", "Haus", "Stadt"]),
        ("Text\n```sh\nls Verzeichnis\n```\nEnde", ["Text", "Ende"]),
        ("---\ntitle: Der Hafen\nlayout: seite\n---\nText", ["Der Hafen", "Text"]),
        ("Titel\n=====\n\n.. code-block:: python\n\n   haus = 1\n\n.. note:: Achtung", ["Titel", "Achtung"]),
        ("== Der Hafen ==\nText", ["Der Hafen", "Text"]),
        ("*Haus der Jugend*", ["Haus der Jugend"]),
        ("**Hinweis:** Das ist _neu_.", ["Hinweis: Das ist neu."]),
        ("[Anleitung](https://a.de/b) lesen", ["Anleitung lesen"]),
        ("![Ein Bild](b.png)", ["Ein Bild"]),
        ("Vor <!-- nicht\nlesen --> nach", ["Vor", "nach"]),
        ("<p>Das ist <b>gut</b>!</p><p>Ja</p>", ["Das ist gut!", "Ja"]),
        ("&lt;b&gt;Tschüss&lt;/b&gt;", ["Tschüss"]),
        ("Don&apos;t stop &amp; go", ["Don't stop & go"]),
        ("{\\an8}Wo bist du?\\NHier!", ["Wo bist du?", "Hier!"]),
        ('[b]Fett[/b] und [button url="/x"]Preise[/button]', ["Fett und", "Preise"]),
        ("login.title = Anmelden", ["Anmelden"]),
        ("[00:12.50] Ein Lied", ["Ein Lied"]),
        ("{mlang de}Guten Tag{mlang}{mlang en}Good day{mlang}", ["Guten Tag"]),
        ("{n, plural, one {# Stuhl} other {# Stühle}}", ["Stuhl", "Stühle"]),
        ("{a, select, x {Er {n, plural, =1 {sah} other {sahen}} es} other {Sie}}", ["Er es", "sah", "sahen", "Sie"]),
        ("Hallo <0>Anna</0>, lies <1>das</1> <name>", ["Hallo Anna, lies das"]),
        ("[[Mathe|das Fach]] und [https://a.de Text]", ["das Fach und Text"]),
    ],
)
def test_the_translator_sees_language_alone(text: str, seen: list[str]) -> None:
    document = parse(text, Options("text", target="en"))
    assert [chunk.text for chunk in document.chunks] == seen
    assert assemble(document, [(chunk.text, None) for chunk in document.chunks]) == text


@pytest.mark.parametrize(
    "part",
    [
        "<",
        "<a ",
        "[",
        "[a ",
        "{",
        "{a, plural, ",
        "*",
        "_",
        "`",
        "``` ",
        "&lt;a",
        "<!--",
        "$a_",
        "\\(",
        "a.",
        "/a",
        "http://",
        "@a",
        "#",
        "{{",
        "1 × ",
        "x = ",
        "((",
        "aB",
        "a_",
        "<%",
        "H2",
        ":a",
        "''",
        "0",
        "[[a",
        "\n> ",
        "\n```\n",
        "| ",
    ],
)
def test_hostile_text_takes_steps_in_proportion(part: str) -> None:
    # A count of calls would not see inside an expression; what is not linear would take minutes here.
    text = part * (40_000 // len(part))
    assert "".join(token.text for token in split_marks(text, "text")) == text
