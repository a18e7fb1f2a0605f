"""Where marks land in a translation."""

import pytest

from server.markup import Options, assemble, parse, translate_chunks, verify
from tests.server.markup.translators import moving, reversed_order

HTML, XML, TEXT = Options("html"), Options("xml"), Options("text")


WEBLATE = Options("xml", ignore_tags=frozenset({"x"}))


@pytest.mark.parametrize(
    ("options", "source", "output"),
    [
        (HTML, "<p>one <b>two <i>three</i></b> four</p>", "<p>FOUR <b><i>THREE</i> TWO</b> ONE</p>"),
        (HTML, "one <a id=x></a>two <b>three</b>", "<b>THREE</b> <a id=x></a>TWO ONE"),
        (WEBLATE, '<x id="1"></x> one two', 'TWO <x id="1"></x> ONE'),
        # An empty pair is what stands for a word, not what marks one: its spaces stay, whether or not it is ignored.
        (XML, 'one <x id="1"></x> two', '<x id="1"></x> TWO ONE'),
        (XML, 'one <x id="1"></x>two <b><x id="2"/></b> three', '<b><x id="2"/></b> THREE <x id="1"></x>TWO ONE'),
        (HTML, "one <i class=icon></i> two", "<i class=icon></i> TWO ONE"),
        (TEXT, "one two%s", "TWO%s ONE"),
        (Options("text", unreadable=frozenset("€😀Да")), "one 5€😀, Да two", "Да TWO , 5€😀 ONE"),
        (Options("html", unreadable=frozenset("€")), "one <b>5 &euro;</b>", "<b>5 &euro;</b> ONE"),
        (HTML, "one <b>two</p><p>three</b> four", "<b>TWO ONE</p><p>FOUR THREE</b>"),
        (HTML, "<b> one &amp; two </b>", "<b> TWO &amp; ONE </b>"),
    ],
)
def test_marks_follow_their_words(options: Options, source: str, output: str) -> None:
    assert translate_chunks(parse(source, options), moving(reversed_order, str.upper)) == output


def test_what_the_translator_invents_is_taken_out() -> None:
    document = parse("one {a} two", TEXT)
    output = assemble(document, [("eins {b} zwei", None)])
    assert "{b}" not in output
    assert verify(document.source, output, TEXT)


def test_a_stand_in_between_signs_is_no_invention() -> None:
    """With the slashes beside it, it looks like a path, which the word that it stands for does not."""
    source = "Der Rhein (/ʁaɪ\u032fn/) fließt."
    document = parse(source, Options("text", unreadable=frozenset("ʁɪ\u032f")), ("XQ", "42"))
    assert document.chunks[0].text == "Der Rhein (/XQ/) fließt."
    [placed] = document.chunks
    output = assemble(document, [("The Rhine (/XQ/) flows.", None)])
    assert output == "The Rhine (/XQ/) flows.".replace("XQ", placed.held["XQ"])


def test_an_unknown_empty_element_in_plain_text_stands_for_a_word() -> None:
    [chunk] = parse('Delete <ph id="2"/> items<wbr/> now', TEXT, ("XQ", "42")).chunks
    assert (chunk.text, chunk.held) == ("Delete XQ items now", {"XQ": '<ph id="2"/>'})


def test_a_dash_that_the_translator_writes_at_a_placeholder_is_no_other_mark() -> None:
    document = parse('{0} of {1} boats are in "{2}".', TEXT, ("XQ", "AB", "CD"))
    output = assemble(document, [("XQ von AB-Booten sind in „CD“.", None)])
    assert output == "{0} von {1}-Booten sind in „{2}“."


def test_what_parts_two_labels_may_depend_on_what_is_translated() -> None:
    """` | ` parts a line with arrows, and a cell one without."""
    document = parse("Boote | Weiter »", TEXT)
    assert [chunk.text for chunk in document.chunks] == ["Boote", "Weiter"]
    assert assemble(document, [("Boats", None), ("Next", None)]) == "Boats | Next »"


def test_a_line_that_is_not_sound_leaves_the_others_as_they_are_translated() -> None:
    """With `&` in its line a semicolon may end an entity, and is no border; the source had none."""
    document = parse("Boot\nHaus;Hof\nUfer\n", TEXT)
    answers = [("boat", None), ("house & home", None), ("yard", None), ("shore", None)]
    assert assemble(document, answers) == "boat\nHaus;Hof\nshore\n"


@pytest.mark.parametrize(
    ("source", "answer", "output"),
    [
        ("<p>Ja, <b>mein Boot</b>.</p>", "Yes, my boat.", "<p>Yes, <b>my boat</b>.</p>"),
        ("<p>Ja (<i>neu</i>)!</p>", "Yes (new)!", "<p>Yes (<i>new</i>)!</p>"),
        ("Rot<br>grün", ("Red", "green"), "Red<br>green"),
    ],
)
def test_punctuation_beside_an_element_stays_outside(source: str, answer: str | tuple[str, ...], output: str) -> None:
    answers = [answer] if isinstance(answer, str) else answer
    assert assemble(parse(source, HTML), [(each, None) for each in answers]) == output


@pytest.mark.parametrize(
    ("source", "answer", "output"),
    [
        ("Das steht in der Quelle [3].", "That is in the source.", "That is in the source [3]."),
        ("Das steht in der Quelle[3].", "That is in the source.", "That is in the source[3]."),
        ("Das Kapitel⁴ ist gut.", "The chapter is good.", "The chapter⁴ is good."),
    ],
)
def test_a_number_of_a_source_stands_as_far_off_as_it_did(source: str, answer: str, output: str) -> None:
    assert assemble(parse(source, TEXT), [(answer, None)]) == output
