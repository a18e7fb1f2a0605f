"""What lines of plain text begin and end with, and lines that are no language."""

import pytest

from server.markup import Options, assemble, parse, parse_marked

TEXT = Options("text")


def seen_in(source: str) -> list[str]:
    document = parse(source, TEXT)
    assert assemble(document, [(chunk.text, None) for chunk in document.chunks]) == source
    return [chunk.text for chunk in document.chunks]


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ("WEBVTT\n\n00:07.000 --> 00:09.000 line:0\nGuten Abend", ["Guten Abend"]),
        ("Dialogue: 0,0:00:07.00,0:00:09.00,Stil,,0,0,0,,Guten Abend", ["Guten Abend"]),
        ("–Wer da?\n—Ich.\n-Komm!", ["Wer da?", "Ich.", "Komm!"]),
        ("(a) ein Boot\n(12) zwei Boote", ["ein Boot", "zwei Boote"]),
        ("[4] Der Fluss", ["Der Fluss"]),
        (":::tip\nTrink Wasser.\n:::", ["Trink Wasser."]),
        ('!!! note "Trink Wasser"', ["Trink Wasser"]),
        ("> [!NOTE]\n> Trink Wasser.", ["Trink Wasser."]),
        ('"gruss.abend": "Guten Abend",', ["Guten Abend"]),
        ('"gruss" = "Guten Abend";', ["Guten Abend"]),
        ('"Guten Abend", sagte sie.', ['"Guten Abend", sagte sie.']),
        ('+++\ntitle = "Der Fluss"\nweight = 3\n+++\nWasser', ["Der Fluss", "Wasser"]),
        ('[a]: https://a.de/b "Der Fluss"', ['"Der Fluss"']),
        ("*[WWW]: Das Netz", ["Das Netz"]),
        ("\\item Ein Boot", ["Ein Boot"]),
        ('msgid "Das Boot"\nmsgstr[1] "Die Boote"\nmsgctxt ""', ["Das Boot", "Die Boote"]),
        ("hafen:\n  boot: \"Das Boot\"\n  ufer: 'Am %{name}'", ["hafen:", "Das Boot", "Am"]),
        ('"boote": ["Kutter", "Floß"],', ['"Kutter", "Floß"']),
        ("{\\an8}{\\i1}- Wer da?", ["Wer da?"]),
        ("-- Ende der Fahrt --\n*** Achtung ***", ["Ende der Fahrt", "Achtung"]),
        ("! Boot !! Hafen", ["Boot", "Hafen"]),
        ('Boot,Hafen,Ufer\n"Kutter, alt",Kiel,5', ["Boot", "Hafen", "Ufer", '"Kutter, alt"', "Kiel"]),
        ("SELECT boot FROM hafen\nif (boot > 5) { return boot; }\nlet boot = 5;\nEnde", ["Ende"]),
        ("h2. Der Fluss", ["Der Fluss"]),
        ("$ ls Ordner\nDas ist alles.", ["Das ist alles."]),
        ("\\# kein Titel", ["kein Titel"]),
        ("```\nls Ordner\n---\n```\nEnde", ["Ende"]),
    ],
)
def test_lines_of_a_kind(source: str, seen: list[str]) -> None:
    assert seen_in(source) == seen
    if source[0] != '"':
        assert parse_marked(source, TEXT) is not None


@pytest.mark.parametrize(
    "line",
    [
        "Boot, Hafen,Ufer und so",
        "Das sind 1,234,567 Boote,ja",
        "if (and only if) it rains, we stay.",
        'er sagte: "Komm!"',
        "Select a boat FROM this list",
        "Von Kiel,das im Norden am Wasser liegt,nach Köln",
    ],
)
def test_language_that_looks_like_another_line(line: str) -> None:
    assert seen_in(line) == [line]


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ("{{#if a}}Ja gern{{else}}Nein danke{{/if}}", ["Ja gern", "Nein danke"]),
        ("{% if a %}Ja gern{% else %}Nein danke{% endif %}", ["Ja gern", "Nein danke"]),
        ("Start » Der Fluss » Boote", ["Start", "Der Fluss", "Boote"]),
        ("«Start » Boote»", ["«Start » Boote»"]),
        ("Boote / Der Fluss > Kutter", ["Boote", "Der Fluss", "Kutter"]),
        ("Boote und / oder Kutter", ["Boote und / oder Kutter"]),
        ("Weiter »", ["Weiter"]),
        ("**Boote** › *Kutter* › `Neu`", ["Boote", "Kutter"]),
        ("Boote    Hafen   Ufer\n5        Kiel", ["Boote", "Hafen", "Ufer", "Kiel"]),
        ("titel=Das Boot", ["Das Boot"]),
        ("{if $a}Ja gern{else}Nein danke{/if}", ["Ja gern", "Nein danke"]),
        ("‹ Zurück", ["Zurück"]),
        ("»Das Boot« heißt »Möwe", ["»Das Boot« heißt »Möwe"]),
        ("Frag <@U07> in <#C9|boote> nach <https://a.de|dem Boot>!", ["Frag in nach dem Boot!"]),
        ("Haus;Garten;Boot", ["Haus", "Garten", "Boot"]),
        ("Haus&amp;Hof;Boot", ["Haus&Hof;Boot"]),
        ("[list][*]Haus[*]Boot[/list]", ["Haus", "Boot"]),
        ("\\textbf{Der Fluss} ist \\emph{breit}.", ["Der Fluss ist breit."]),
        ("[![Boot](b.png)](https://a.de) fährt", ["Boot fährt"]),
        ("[[Bild:a.jpg|mini|Das Boot]]", ["Das Boot"]),
        ("<script>let boot = 1</script> Guten Abend", ["Guten Abend"]),
        ("<color=red>Halt</color> an", ["Halt an"]),
        ("<i>- Wer da?</i>", ["Wer da?"]),
        ("Wer\\Nbist du?\\nIch.", ["Wer", "bist du?", "Ich."]),
        ("Datei → Sichern… → Fertig", ["Datei", "Sichern…", "Fertig"]),
    ],
)
def test_borders_inside_a_line(source: str, seen: list[str]) -> None:
    options = Options("text", unreadable=frozenset("→"))
    document = parse(source, options)
    assert [chunk.text for chunk in document.chunks] == seen
    assert assemble(document, [(chunk.text, None) for chunk in document.chunks]) == source
