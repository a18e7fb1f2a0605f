"""Entities in and out."""

from server.markup import Options, assemble, parse

HTML, XML, TEXT = Options("html"), Options("xml"), Options("text")


WEBLATE = Options("xml", ignore_tags=frozenset({"x"}))


def test_entities_are_written_as_the_source_wrote_them() -> None:
    document = parse("&quot;a&quot; it&#39;s R&D &lt;b", HTML)
    assert assemble(document, [("\"x\" l'y & l'z <c>", None)]) == "&quot;x&quot; l&#39;y & l&#39;z &lt;c&gt;"
