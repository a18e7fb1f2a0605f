"""Docx: what is translated, what is kept exactly once, and what stays byte for byte."""

import unicodedata
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.documents.formats.ooxml.docx import read_docx, write_docx
from server.documents.formats.ooxml.wordxml import SPACE, W
from server.documents.formats.registry import FORMATS
from server.errors import InvalidDocumentError
from tests.server.documents import builders
from tests.server.documents.builders import change, entries, make_docx, make_zip, paragraph, root, run, styled, texts

DOCX = FORMATS["docx"]
BOLD = "<w:b/>"


def field(instruction: str, *result: str) -> str:
    marks = [f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("begin", "separate", "end")]
    named = f'<w:r><w:instrText xml:space="preserve"> {instruction} </w:instrText></w:r>'
    return "".join((marks[0], named, marks[1], *result, marks[2]))


LINK = f'<w:hyperlink r:id="rId7">{run("old house", "<w:u/>")}</w:hyperlink>'
FOOTNOTE = '<w:r><w:rPr><w:vertAlign w:val="superscript"/></w:rPr><w:footnoteReference w:id="2"/></w:r>'
PICTURE = '<w:r><w:drawing><wp:inline><wp:docPr id="1" name="p"/></wp:inline></w:drawing></w:r>'
TABLE = (
    f"<w:tbl><w:tr><w:tc>{paragraph(run('cell one'))}</w:tc><w:tc>{paragraph(run('cell two'))}</w:tc></w:tr></w:tbl>"
)


def everything() -> bytes:
    return make_docx(
        paragraph(run("The "), run("big", BOLD), run(" dog sees the "), LINK, FOOTNOTE, run(" today."))
        + paragraph(run("Name"), "<w:r><w:tab/></w:r>", run("Value"), "<w:r><w:br/></w:r>", run("more", "<w:i/>"))
        + paragraph(run("Page "), field("PAGE", run("12")), run(" of it "), PICTURE)
        + TABLE,
        header1=paragraph(run("a header")),
        footer1=paragraph(run("a footer")),
        footnotes=f'<w:footnote w:id="2">{paragraph(run(" a note"))}</w:footnote>',
        endnotes=f'<w:endnote w:id="2">{paragraph(run("an endnote"))}</w:endnote>',
        comments=f'<w:comment w:id="0" w:author="me">{paragraph(run("a comment"))}</w:comment>',
    )


def test_what_the_translator_sees() -> None:
    assert read_docx(everything()) == [
        "The <g0>big</g0> dog sees the <g1>old house</g1><x2/> today.",
        'Name<s n="0"/>Value<s n="1"/><g2>more</g2>',
        "Page <x0/> of it <x1/>",
        "cell one",
        "cell two",
        "a header",
        "a footer",
        " a note",
        "an endnote",
        "a comment",
    ]


def test_everything_is_translated_and_kept() -> None:
    found = change(DOCX, everything(), str.upper)
    assert texts(found) == [
        "THE BIG DOG SEES THE OLD HOUSE TODAY.",
        "NAME\tVALUE\nMORE",
        "PAGE 12 OF IT ",
        "CELL ONE",
        "CELL TWO",
    ]
    assert (styled(found, "b"), styled(found, "u"), styled(found, "i")) == (["BIG"], ["OLD HOUSE"], ["MORE"])
    for name, expected in (("header1", "A HEADER"), ("footer1", "A FOOTER"), ("footnotes", " A NOTE")):
        assert texts(found, name) == [expected]
    assert (texts(found, "endnotes"), texts(found, "comments")) == (["AN ENDNOTE"], ["A COMMENT"])
    link = root(found).find(f".//{W}hyperlink")
    assert ["".join(link.itertext()), *link.attrib.values()] == ["OLD HOUSE", "rId7"]
    for name in ("footnoteReference", "drawing", "tab", "br", "instrText", "tbl", "sectPr"):
        assert len(root(found).findall(f".//{W}{name}")) == 1, name
    assert len(root(found).findall(f".//{W}fldChar")) == 3
    assert len(root(found).findall(f".//{W}pPr")) == 5


def test_all_other_parts_stay() -> None:
    before, after = entries(everything()), entries(change(DOCX, everything(), str.upper))
    assert list(before) == list(after)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {f"word/{n}.xml" for n in ("document", "header1", "footer1", "footnotes", "endnotes", "comments")}


def test_the_same_texts_give_the_same_parts() -> None:
    assert entries(write_docx(everything(), read_docx(everything()))) == entries(everything())


def test_runs_that_look_the_same_are_one() -> None:
    noise = '<w:proofErr w:type="spellStart"/>'
    data = make_docx(
        paragraph(run("He"), noise, run("llo", '<w:lang w:val="en"/>'), run(" wor", "<w:noProof/>"), run("ld"))
    )
    assert read_docx(data) == ["Hello world"]
    found = root(change(DOCX, data, str.upper))
    assert [each.text for each in found.iter(f"{W}t")] == ["HELLO WORLD"]


def test_formatting_reaches_over_what_stands_between() -> None:
    mark = '<w:bookmarkStart w:id="1" w:name="m"/><w:bookmarkEnd w:id="1"/>'
    data = make_docx(paragraph(run("one two three "), run("fo", BOLD), mark, run("ur", BOLD)))
    assert read_docx(data) == ["one two three <g0>fo<?x1?><?x2?>ur</g0>"]
    found = change(DOCX, data, str.upper)
    assert "".join(styled(found, "b")) == "FOUR"
    assert [len(root(found).findall(f".//{W}{name}")) for name in ("bookmarkStart", "bookmarkEnd")] == [1, 1]


def test_white_space() -> None:
    data = make_docx("<w:p><w:r><w:t>  one </w:t></w:r><w:r><w:t xml:space='preserve'> two </w:t></w:r></w:p>")
    assert read_docx(data) == ["one two "]
    (found,) = root(change(DOCX, data, str.upper)).iter(f"{W}t")
    assert (found.text, found.get(SPACE)) == ("ONE TWO ", "preserve")


def test_fields() -> None:
    link = field('HYPERLINK "http://a.example"', run("a link", BOLD))
    nested = field("IF", run("x"), field("PAGE", run("1")), run("y"))
    open_field = '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>TOC</w:instrText></w:r>'
    simple = f'<w:fldSimple w:instr=" PAGE ">{run("7")}</w:fldSimple>'
    data = make_docx(
        paragraph(run("before "), link, run(" after"))
        + paragraph(run("count "), nested)
        + paragraph(open_field, run("chapter"))
        + paragraph(run("simple "), simple)
    )
    assert read_docx(data) == [
        "before <g0>a link</g0> after",
        "count <x0/>",
        "<?x0?><?x1?>chapter",
        "simple <x0/>",
    ]
    found = change(DOCX, data, str.upper)
    assert texts(found) == ["BEFORE A LINK AFTER", "COUNT x1y", "CHAPTER", "SIMPLE 7"]
    order = [
        e.get(f"{W}fldCharType") or e.text.strip() for e in root(found).iter(f"{W}fldChar", f"{W}instrText", f"{W}t")
    ]
    assert order[:7] == ["BEFORE", "begin", 'HYPERLINK "http://a.example"', "separate", "A LINK", "end", "AFTER"]
    assert order[7:18] == ["COUNT", "begin", "IF", "separate", "x", "begin", "PAGE", "separate", "1", "end", "y"]


def test_text_boxes_in_both_their_forms() -> None:
    box = f"<w:txbxContent>{paragraph(run('in the box'))}</w:txbxContent>"
    both = (
        "<w:r><mc:AlternateContent><mc:Choice Requires='wps'><w:drawing><wp:anchor><wps:txbx>"
        f"{box}</wps:txbx></wp:anchor></w:drawing></mc:Choice>"
        f"<mc:Fallback><w:pict><v:textbox>{box}</v:textbox></w:pict></mc:Fallback></mc:AlternateContent></w:r>"
    )
    data = make_docx(paragraph(both, run("outside")) + paragraph(both))
    assert read_docx(data) == ["<?x0?>outside", "in the box", "in the box", "in the box", "in the box"]
    found = change(DOCX, data, str.upper)
    assert texts(found) == ["OUTSIDE", "IN THE BOX", "IN THE BOX", "", "IN THE BOX", "IN THE BOX"]


def test_changes_that_are_tracked() -> None:
    data = make_docx(
        paragraph(
            run("one "),
            '<w:del w:id="1"><w:r><w:delText>old</w:delText></w:r></w:del>',
            f'<w:ins w:id="2">{run("new")}</w:ins>',
        )
    )
    assert read_docx(data) == ["one <?x0?><g1>new</g1>"]
    found = root(change(DOCX, data, str.upper))
    assert found.find(f".//{W}delText").text == "old"
    assert "".join(found.find(f".//{W}ins").itertext()) == "NEW"


def test_content_controls() -> None:
    inside = "<w:sdt><w:sdtPr>{}</w:sdtPr><w:sdtContent>{}</w:sdtContent></w:sdt>"
    data = make_docx(
        paragraph(run("type "), inside.format("<w:text/>", run("here")))
        + paragraph(run("choose "), inside.format("<w:dropDownList/>", run("this")))
        + inside.format("", paragraph(run("a block")))
    )
    assert texts(change(DOCX, data, str.upper)) == ["TYPE HERE", "CHOOSE this", "A BLOCK"]
    assert len(root(change(DOCX, data, str.upper)).findall(f".//{W}sdtPr")) == 3


def test_characters_that_no_xml_may_have_are_left_out() -> None:
    assert texts(write_docx(make_docx(paragraph(run("one"))), ["t\x00w\x0bo\ufffe &amp; &lt;"])) == ["two & <"]


def test_a_translation_that_lost_something_is_not_taken() -> None:
    data = make_docx(paragraph(run("one "), run("two", BOLD)) + paragraph(run("three")))
    assert texts(write_docx(data, ["lost", "drei"])) == ["one two", "drei"]


def test_the_strict_namespace() -> None:
    data = make_docx(paragraph(run("one")))
    strict = {
        name: content.replace(W[1:-1].encode(), b"http://purl.oclc.org/ooxml/wordprocessingml/main")
        for name, content in entries(data).items()
    }
    found = change(DOCX, make_zip(strict), str.upper)
    assert b"<w:t>ONE</w:t>" in entries(found)["word/document.xml"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("<w:p>", "not well-formed"),
        ("&bomb;", "not well-formed"),
    ],
)
def test_xml_that_is_broken(content: str, says: str) -> None:
    with pytest.raises(InvalidDocumentError, match=says):
        read_docx(make_docx(content))


@pytest.mark.parametrize("name", ["word/document.xml", "[Content_Types].xml"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_document_types_are_refused(name: str, encoding: str) -> None:
    secret = '<!DOCTYPE w [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]>'
    parts: dict[str, str | bytes] = dict(entries(make_docx(paragraph(run("one")))))
    old = bytes(parts[name]).decode().removeprefix(builders.DECLARATION)
    parts[name] = f'<?xml version="1.0" encoding="{encoding}"?>{secret}{old}'.encode(encoding)
    with pytest.raises(InvalidDocumentError, match="declares a document type"):
        read_docx(make_zip(parts))


def test_entities_are_never_in_the_output() -> None:
    """The guard behind the guard: a parser that is not told of the document type's name."""
    data = make_docx(paragraph(run("&#65;&amp;&lt;")))
    assert read_docx(data) == ["A&amp;&lt;"]
    assert texts(change(DOCX, data, str.lower)) == ["a&<"]


def test_formatting_that_would_grow_without_end_is_refused() -> None:
    huge = f'<w:rStyle w:val="{"x" * 50_000}"/>'
    marks = '<w:bookmarkStart w:id="1" w:name="m"/>' * 200
    data = make_docx(paragraph(run("a " * 300, huge), marks))
    (text,) = read_docx(data)
    words, *points = text.split("<?")
    mixed = "".join(f"{word} <?{point}" for word, point in zip(words.split(), points, strict=False))
    with pytest.raises(InvalidDocumentError, match="formatting of a paragraph is too large"):
        write_docx(data, [mixed])


STYLES = st.sampled_from(["", BOLD, "<w:i/>", "<w:lang w:val='en'/>"])
WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="<&]\ufffe\uffff"), max_size=8
)
RUNS = st.builds(run, WORDS, STYLES)
INLINE = st.recursive(
    st.lists(RUNS | st.sampled_from([FOOTNOTE, PICTURE, "<w:r><w:tab/></w:r>", "<w:proofErr/>", field("PAGE")])),
    lambda inside: inside.map(lambda parts: [f'<w:hyperlink w:anchor="a">{"".join(parts)}</w:hyperlink>', *parts]),
    max_leaves=4,
)


@given(st.lists(INLINE, max_size=3))
@settings(deadline=None)
def test_a_docx_comes_back(paragraphs: list[list[str]]) -> None:
    data = make_docx("".join(paragraph(*parts) for parts in paragraphs))
    assert entries(write_docx(data, read_docx(data))) == entries(data)


@given(st.lists(INLINE, max_size=3))
@settings(deadline=None)
def test_nothing_is_lost_where_something_changes(paragraphs: list[list[str]]) -> None:
    data = make_docx("".join(paragraph(*parts, run(" Zz")) for parts in paragraphs))
    changed = change(DOCX, data, lambda word: "Yy" if word == "Zz" else word)
    for name in ("footnoteReference", "drawing", "tab", "fldChar", "instrText", "hyperlink", "p"):
        assert len(root(changed).findall(f".//{W}{name}")) == len(root(data).findall(f".//{W}{name}")), name
    for before, after in zip(texts(data), texts(changed), strict=True):
        expected, found = "".join(before.split()).replace("Zz", "Yy"), "".join(after.split())
        assert Counter(found) == Counter(expected)
        assert _standing(found) == _standing(expected)


def _standing(text: str) -> str:
    """`text` without what cannot stand alone: marks on letters and format characters go with the word before them."""
    return "".join(char for char in text if unicodedata.category(char) not in ("Mn", "Mc", "Me", "Cf"))
