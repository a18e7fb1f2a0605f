"""Markup as a whole: any input comes back, and odd input takes no time."""

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.markup import Options, assemble, chunks, parse, translate_document, verify
from server.markup.options import Kind
from server.markup.tokens import tokenize
from tests.growth import check_growth
from tests.server.markup.translators import moving, shuffled, with_noise, without_alignment

HTML, XML, TEXT = Options("html"), Options("xml"), Options("text")
WEBLATE = Options("xml", ignore_tags=frozenset({"x"}))
PIECES = st.sampled_from(
    "<b> </b> <i> </i> <p> </p> <br> <img> <!-- --> <x/> <x> </x> <![CDATA[ ]]> <? ?> <!D < > & &amp; &lt; &nbsp; &x; "
    '%s {a} http://a.b a@b.c % d { } " \' = <a\xa0b="> word Wort, 12 . 😀 \u200d é \u0301 \n \t '
    "<code> </code> <title> </title> "
    "<script> </script> <!DOCTYPE [ ] translate=no>".replace(" ", "\n").split("\n")
)
SOUP = st.lists(st.one_of(PIECES, st.just(" "), st.text(max_size=3)), max_size=30).map("".join)


@given(source=st.one_of(SOUP, st.text()), kind=st.sampled_from(["html", "xml", "text"]), seed=st.integers(0, 99))
@settings(max_examples=150, deadline=None)
def test_any_soup(source: str, kind: Kind, seed: int) -> None:
    assert "".join(token.text for token in tokenize(source, kind)) == source
    options = Options(kind, ignore_tags=frozenset({"x"}))
    document = parse(source, options)
    assert assemble(document, [(text, None) for text in chunks(document)]) == source
    moved = moving(shuffled(seed), str.swapcase)
    for translate in (moved, without_alignment(moved), with_noise(moved, seed)):
        assert verify(source, translate_document(document, translate), options)


@pytest.mark.parametrize(
    "piece",
    ["<", "<!--", "<a ", "&", "<a b='<a b=\"", "<![CDATA[", "<?>",
     "<!DOCTYPE a[\"", "</b>", "<b>a", "<b>", "a<b>c</b> ",
     "%", "%1",
     "{{", "{", "a@", "a.", "http://", "www.", "http://)", "a <x/>", "&nbsp;a", "<script>", "<title>",
     "<b translate=no>", "{a}", "€'"],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["html", "xml"])
def test_repetition_is_no_attack(piece: str, kind: Kind) -> None:
    def translated(source: str) -> str:
        document = parse(source, Options(kind))
        return assemble(document, [(text.upper(), None) for text in chunks(document)])

    source = piece * (20_000 // len(piece))
    assert verify(source, translated(source), Options(kind))
    check_growth(piece, lambda size: partial(translated, piece * (size // len(piece))), smallest=5000)
