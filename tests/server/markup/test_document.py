"""What of a document the translator is shown."""

import pytest

from server.markup import Options, chunks, parse

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
        (XML, '<!DOCTYPE r [<!ENTITY a "]>">]><r>one &a; two</r>', ["one two"]),
    ],
)
def test_the_translator_sees_plain_text(options: Options, source: str, texts: list[str]) -> None:
    assert chunks(parse(source, options)) == texts
