"""What of a document the translator is shown."""

import pytest

from server.markup import Options, assemble, chunks, parse, verify

HTML, XML, TEXT = Options("html"), Options("xml"), Options("text")


WEBLATE = Options("xml", ignore_tags=frozenset({"x"}))


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
        (TEXT, "<b>{x}</b> & 100% 50%ige", ["& 100% 50%ige"]),
        (XML, "<r><t>one</t><t>two <e>three</e></t></r>", ["one", "two three"]),
        (Options("xml", outline_detection=False), "<r><t>one</t> <t>two</t></r>", ["one two"]),
        (Options("html", non_splitting_tags=frozenset({"BR"})), "one <br>two", ["one two"]),
        (HTML, "<pre>one two\n  three</pre><p>four\nfive</p>", ["one two", "three", "four five"]),
        (HTML, "<textarea>one\ntwo</textarea>", ["one", "two"]),
        (XML, "<r>one<br/>two <0>three</0> four</r>", ["one two three four"]),
        (HTML, "one <0>two</0>, <1>three</1>", ["one two, three"]),
        (HTML, '<a href="/h">@<b>hanna</b></a> and <a href="/f">#fjord</a> go', ["and go"]),
        (HTML, '<a href="https://a.de/b">https://a.de/b</a> is <a href="/c">there</a>', ["is there"]),
        (Options("html", target="de"), '<p lang="de-AT">eins</p><p lang="en">two</p>', ["two"]),
        (Options("html", target="de"), 'one <i lang="de">zwei</i> three', ["one three"]),
        (XML, '<!DOCTYPE r [<!ENTITY a "]>">]><r>one &a; two</r>', ["one two"]),
    ],
)
def test_the_translator_sees_plain_text(options: Options, source: str, texts: list[str]) -> None:
    assert chunks(parse(source, options)) == texts


ATTRIBUTES = Options("html", attributes=True)


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        (
            '<a title="The old boat" href="the boat">here</a><img alt=\'A "red" boat\'>',
            ["here", "The old boat", 'A "red" boat'],
        ),
        (
            '<input placeholder="Your boat" name="boat" value="boat"><i aria-label="Close it"></i>',
            ["Your boat", "Close it"],
        ),
        ('<input type="submit" value="Go on"><input type="text" value="boat">', ["Go on"]),
        ('<p translate="no" title="boat">boat</p><code title="boat">x</code>', []),
        ('<img alt="Boat of {name} &amp; co">', ["Boat of & co"]),
    ],
)
def test_attributes_that_readers_see_are_texts_where_asked_for(source: str, texts: list[str]) -> None:
    document = parse(source, ATTRIBUTES)
    assert chunks(document) == texts
    assert assemble(document, [(text, None) for text in texts]) == source
    changed = assemble(document, [(text.upper(), None) for text in texts])
    assert verify(changed, source, HTML) == (changed == source)
    assert changed.lower() == source.lower()
    assert chunks(parse(source, HTML)) == [text for text in texts if f">{text}<" in source]


def test_a_quote_in_the_translation_of_an_attribute_ends_it_not() -> None:
    document = parse("<img alt=\"boat\"><img alt='house'>", ATTRIBUTES)
    assert assemble(document, [('a "big" boat', None), ("Anna's house", None)]) == (
        "<img alt=\"a &quot;big&quot; boat\"><img alt='Anna&#39;s house'>"
    )
