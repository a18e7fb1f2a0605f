"""Glossaries: each source term is taken out, and its target term is in the translation as often."""

import asyncio
import html
import re

import pytest

from server.markup import Options, parse, translate_chunks
from server.models.models import Models
from server.settings import ServeSettings
from server.translation.glossary import Terms, take_out_terms
from server.translation.request import TranslateOptions
from server.translation.translator import Translator
from tests.server.markup.snippets import read_snippets
from tests.server.markup.translators import ORDERS, moving, with_noise

_TERM = re.compile(r"(?<!\w)[^\W\d_]{4,}(?!\w)")
TERMS = {"Hund": "hound", "Katze": "puss & boots", "Haus am See": "lake house", "Haus": "mansion", "R&D": "F&E"}


def copy(text: str, options: Options | None) -> str:
    """As if the text were translated by copying it."""
    prepared = take_out_terms(text, options, Terms(TERMS))
    return prepared.restore(prepared.text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Der Hund läuft.", "Der hound läuft."),
        ("der HUND, die Hunde, Hundehütte", "der hound, die Hunde, Hundehütte"),
        ("Das Haus am See, das Haus", "Das lake house, das mansion"),
        ("a < b & c &amp; Katze", "a < b & c &amp; puss & boots"),
        ("Unsere R&D", "Unsere F&E"),
        ("nichts", "nichts"),
        ("ein HUND\u00adx, der hünd, İhund, hundı", "ein hound\u00adx, der hünd, İhund, hundı"),
        ("", ""),
        ("Hund", "Hound"),
        ("hund", "hound"),
        ("Der Hund. Hund und Hund", "Der hound. Hound und hound"),
        ("Der z. B. Hund", "Der z. B. hound"),
        ('<ferry-term n="7"></ferry-term> Hund', '<ferry-term n="7"></ferry-term> hound'),
    ],
)
def test_plain_text(text: str, expected: str) -> None:
    assert copy(text, None) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('<p title="Hund">Der <b>Hund</b></p>', '<p title="Hund">Der <b>hound</b></p>'),
        ('<p translate="no">Hund</p> Hund', '<p translate="no">Hund</p> hound'),
        ("Katze &amp; <i>Katze</i>", "Puss &amp; boots &amp; <i>puss &amp; boots</i>"),
        ("Unsere R&amp;D", "Unsere F&amp;E"),
        ("<!-- Hund -->Hund", "<!-- Hund -->Hound"),
    ],
)
def test_html(text: str, expected: str) -> None:
    assert copy(text, Options(kind="html")) == expected


def test_sentences_as_they_are_read() -> None:
    """As they are told: with the terms in them, but without the entities of the text that they were cut from."""
    prepared = take_out_terms('Ein "Hund" &amp; die Katze <x/> R&D', None, Terms(TERMS))
    assert prepared.text.count("<ferry-term") == 3
    read = html.unescape(prepared.text)
    assert prepared.show_source(read) == 'Ein "Hund" &amp; die Katze <x/> R&D'
    assert prepared.restore_sentence(read) == 'Ein "hound" &amp; die puss & boots <x/> F&E'
    own = '<ferry-term n="9" reads="a"></ferry-term>'
    assert prepared.show_source(own) == prepared.restore_sentence(own) == own


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("DER HUND IST ROT", "DER HOUND IST ROT"),
        ("DER <HUND> IST ROT. Der HUND", "DER <HOUND> IST ROT. Der hound"),
        ("HAUS AM SEE", "LAKE HOUSE"),
        ("BMW HUND", "BMW hound"),
        ("Ein HUND. DIE KATZE SCHLÄFT", "Ein hound. DIE PUSS & BOOTS SCHLÄFT"),
    ],
)
def test_a_shouted_sentence_has_shouted_terms(text: str, expected: str) -> None:
    assert copy(text, None) == expected


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("a Hund, an Hund", "en", "a hound, a hound"),
        ("An <b>Hund</b>", "en-GB", "A <b>hound</b>"),
        ("an Hund", "de", "an hound"),
        ("plan Hund, d'a Hund", "en", "plan hound, d'a hound"),
        ("an <b>an Hund", "en", "an <b>a hound"),
    ],
)
def test_an_english_article_fits(text: str, language: str, expected: str) -> None:
    prepared = take_out_terms(text, Options(kind="html"), Terms(TERMS))
    assert prepared.restore(prepared.text, language) == expected


def test_letters_that_are_alike_in_some_cases_only() -> None:
    """A regular expression without regard to case takes these for `i`, a dictionary does not."""
    terms = Terms({"istanbul": "x", "bir": "y", "straße": "street"})
    assert take_out_terms("İstanbul bır STRASSE", None, terms).targets == ("street",)


def test_a_term_is_never_a_part_of_an_entity() -> None:
    terms = Terms({"amp": "x", "&": "and", "C++": "cpp", "+x": "plus"})
    prepared = take_out_terms("a &amp; b C++ +x a+x C++1", Options(kind="html"), terms)
    assert prepared.targets == ("and", "cpp", "plus")


def test_through_the_translator(models: Models) -> None:
    """Into English the fake copies, with everything around the terms."""
    translator = Translator(models, ServeSettings().limits)
    prepared = take_out_terms("Der Hund läuft und der Hund schläft.", None, Terms(TERMS))
    options = TranslateOptions("de", "en", markup=prepared.options)
    answer = asyncio.run(translator.translate([prepared.text], options))
    assert prepared.restore(answer[0].text).count("hound") == 2


def test_a_term_stands_apart_as_its_word_did(models: Models) -> None:
    """Into German the fake turns the ids round, so that the term moves to other neighbours."""
    prepared = take_out_terms("the dog sees (cat), and a house", None, Terms({"cat": "Katze", "dog": "Hund"}))
    translator = Translator(models, ServeSettings().limits)
    answer = asyncio.run(translator.translate([prepared.text], TranslateOptions("en", "de", markup=prepared.options)))
    words = prepared.restore(answer[0].text).replace("(", " ").replace(")", " ").replace(",", " ").split()
    assert {"Katze", "Hund"} <= set(words)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.unmeasured
def test_every_term_of_the_snippets_is_there_whatever_the_translator_does(order: str) -> None:
    """The rate on a test set: of the terms in the markup snippets, the share that came out as often as it went in."""
    wanted = found = 0
    for number, snippet in enumerate(read_snippets()):
        words = [word for chunk in parse(snippet.source, snippet.options).chunks for word in _TERM.findall(chunk.text)]
        terms = {word: f"Quarb{place}" for place, word in enumerate(dict.fromkeys(words[::2]))}
        if not terms:
            continue
        markup = None if snippet.options.kind == "text" else snippet.options
        prepared = take_out_terms(snippet.source, markup, Terms(terms))
        translate = with_noise(moving(ORDERS[order], str.upper), number)
        output = prepared.restore(translate_chunks(parse(prepared.text, prepared.options), translate))
        for target in terms.values():
            wanted += prepared.targets.count(target)
            found += len(re.findall(rf"{target}(?!\d)", output, re.I))  # in a shouted sentence it is shouted
    print(f"{order}: {found} of {wanted} terms")
    assert found == wanted > 500
