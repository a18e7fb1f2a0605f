"""What parsing shows the translator, where marks land, what the check refuses, and that odd input takes no time."""

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.markup import Options, assemble, chunks, parse, translate_document, verify
from server.markup.options import Kind
from server.markup.tokens import tokenize
from server.text.words import split_words
from tests.growth import check_growth
from tests.server.markup.translators import moving, reversed_order, shuffled, with_noise, without_alignment

HTML, XML, TEXT = Options("html"), Options("xml"), Options("text")
WEBLATE = Options("xml", ignore_tags=frozenset({"x"}))
PIECES = st.sampled_from(
    "<b> </b> <i> </i> <p> </p> <br> <img> <!-- --> <x/> <x> </x> <![CDATA[ ]]> <? ?> <!D < > & &amp; &lt; &nbsp; &x; "
    '%s {a} http://a.b a@b.c % d { } " \' = <a\xa0b="> word Wort, 12 . 😀 \u200d é \u0301 \n \t '
    "<code> </code> <title> </title> "
    "<script> </script> <!DOCTYPE [ ] translate=no>".replace(" ", "\n").split("\n")
)
SOUP = st.lists(st.one_of(PIECES, st.just(" "), st.text(max_size=3)), max_size=30).map("".join)


@pytest.mark.parametrize(
    ("options", "source", "texts"),
    [
        (HTML, "<p>Hello <b>big</b>\n   world</p><p> Bye </p>", ["Hello big world", "Bye"]),
        (HTML, "a &lt; b &amp; c&nbsp;d &unknown; e", ["a < b & c\xa0d e"]),
        (HTML, "one<br>two <code>x</code> three <script>four</script>", ["one", "two three"]),
        (HTML, "<p translate=no>a</p><p class='a notranslate'>b</p><p>c</p>", ["c"]),
        (WEBLATE, '<x id="1"></x> files in <x id="2"></x>, (<x id="3"></x>).', ["files in, ()."]),
        (TEXT, "Hello %(name)s, see https://a.b/c?d=e.", ["Hello, see."]),
        (TEXT, "Hello :smile: at 10:30:15 or :20:", ["Hello at 10:30:15 or :20:"]),
        (TEXT, "<b>{x}</b> & 100% 50%ige", ["<b></b> & 100% 50%ige"]),
        (XML, "<r><t>one</t><t>two <e>three</e></t></r>", ["one", "two three"]),
        (Options("xml", outline_detection=False), "<r><t>one</t> <t>two</t></r>", ["one two"]),
        (Options("html", non_splitting_tags=frozenset({"BR"})), "one <br>two", ["one two"]),
        (XML, '<!DOCTYPE r [<!ENTITY a "]>">]><r>one &a; two</r>', ["one two"]),
    ],
)
def test_the_translator_sees_plain_text(options: Options, source: str, texts: list[str]) -> None:
    assert chunks(parse(source, options)) == texts


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
    assert translate_document(parse(source, options), moving(reversed_order, str.upper)) == output


def test_entities_are_written_as_the_source_wrote_them() -> None:
    document = parse("&quot;a&quot; it&#39;s R&D &lt;b", HTML)
    assert assemble(document, [("\"x\" l'y & l'z <c>", None)]) == "&quot;x&quot; l&#39;y & l&#39;z &lt;c&gt;"


def test_what_the_translator_invents_is_taken_out() -> None:
    document = parse("one {a} two", TEXT)
    output = assemble(document, [("eins {b} zwei", None)])
    assert "{b}" not in output
    assert verify(document.source, output, TEXT)


@pytest.mark.parametrize(
    "output",
    [
        "a <b>c {x}",
        "<b>a c</b> <b></b> {x}",
        "a </b>c<b> {x}",
        "<B>a c</B> {x}",
        "a <b>c</b>",
        "<b>c {x}</b>",
        "{x}{x}<b></b>",
    ],
)
def test_the_check_refuses(output: str) -> None:
    assert verify("a <b>c</b> {x}", "{x} <b>z</b>", HTML)
    assert not verify("a <b>c</b> {x}", output, HTML)


def test_words() -> None:
    text = "Don't pay 1,234.50 € 👍🏽👨‍👩‍👧 हिन्दी e\u0301t, 你好"
    words = [text[start:end] for start, end in split_words(text)]
    assert words == ["Don't", "pay", "1,234.50", "€", "👍🏽", "👨‍👩‍👧", "हिन्दी", "e\u0301t", ",", "你", "好"]


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
