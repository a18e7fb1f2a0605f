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
