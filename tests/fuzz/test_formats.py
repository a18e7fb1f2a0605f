"""Every format of documents: files with other bytes, parts and pieces of them in any order, and odd translations."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.documents.formats.registry import FORMATS
from server.errors import InvalidDocumentError
from tests.fuzz.amount import count, fuzz
from tests.fuzz.made_up import TEXT, mutated
from tests.fuzz.test_documents import read_and_write
from tests.server.documents.builders import entries, make_zip
from tests.server.documents.samples.all import SAMPLES

pytestmark = pytest.mark.unmeasured

BY_KIND = {kind: [each for each in SAMPLES if each.kind == kind] for kind in FORMATS}
ARCHIVES = sorted(kind for kind, samples in BY_KIND.items() if isinstance(samples[0].content, dict))
each_kind = pytest.mark.parametrize("kind", sorted(FORMATS))


@each_kind
@fuzz(60)
@given(data=st.data())
def test_a_file_with_other_bytes(kind: str, data: st.DataObject) -> None:
    sample = data.draw(st.sampled_from(BY_KIND[kind]))
    read_and_write(kind, data.draw(mutated(sample.data)))


@pytest.mark.parametrize("kind", ARCHIVES)
@fuzz(60)
@given(data=st.data())
def test_an_archive_with_other_bytes_in_a_part(kind: str, data: st.DataObject) -> None:
    parts = entries(BY_KIND[kind][0].data)
    name = data.draw(st.sampled_from(sorted(parts)))
    read_and_write(kind, make_zip({**parts, name: data.draw(mutated(parts[name]))}))


@each_kind
@fuzz(40)
@given(data=st.data())
def test_any_translation_gives_a_file(kind: str, data: st.DataObject) -> None:
    """What a translator might say never breaks a file that was whole."""
    count()
    sample = data.draw(st.sampled_from(BY_KIND[kind]))
    format = FORMATS[kind]
    texts = [data.draw(TEXT | st.just(text)) for text in format.read(sample.data)]
    found = format.declare(format.write(sample.data, texts), "en")
    if kind in ("txt", "html", "srt", "vtt", "md", "csv", "zip"):
        with suppress(InvalidDocumentError):  # a csv with a quote in it may look as if another sign separated its cells
            format.read(found)
    else:
        format.read(found)


PIECES: dict[str, list[str]] = {
    "po": [
        *('msgid "a"\n', 'msgid ""\n', 'msgstr ""\n', 'msgstr[0] "b"\n', 'msgstr[1] ""\n', 'msgid_plural "c"\n', "\n"),
        *(
            '"more"\n',
            "#, fuzzy\n",
            "#~ ",
            "# c\n",
            'msgctxt "x"\n',
            '"\\',
            "\\x41\\101\\q",
            'msgstr[999] ""\n',
            "\r\n",
        ),
    ],
    "json": [
        '{"a":',
        "}",
        "[",
        "]",
        '"b c",',
        '"\\ud800"',
        "1,",
        '"@a":',
        "null",
        '"message":"d"',
        "\\",
        '"',
        ",",
        ":",
    ],
    "yaml": [
        *(
            "a: b c\n",
            "- d\n",
            "  - |\n    e\n   f\n",
            ">-\n  g\n",
            "&x ",
            "*x\n",
            "!!str ",
            "? ",
            ": ",
            "[a, ",
            "]",
            "{b: ",
        ),
        *(
            "}",
            "---\n",
            "...\n",
            "%YAML 1.2\n",
            "'it''s'\n",
            '"\\u0041\\\n"',
            "# c\n",
            "\t",
            "\r\n",
            "<<: *x\n",
            "!!binary ",
        ),
    ],
    "csv": ["a b", ",", ";", "\t", '"c d"', '"', '""', "\r\n", "\n", "1", "https://a.de", "|"],
    "md": [
        *(
            "# a\n",
            "b c\n",
            "  d\n",
            "\n",
            "```\n",
            "~~~x\n",
            "---\n",
            "+++\n",
            "> e\n",
            "- f\n",
            "1. g\n",
            "| h | i |\n",
        ),
        *(
            "    j\n",
            "<!-- ",
            "-->",
            "[k](l)",
            "[m]: n\n",
            "**o**",
            "`",
            "\\\n",
            "  \n",
            "===\n",
            "\t",
            "\r",
            "<div>\n",
        ),
    ],
    "xliff": [
        *('<trans-unit id="1">', "</trans-unit>", "<source>", "</source>", "<target/>", "<target>", "</target>", "a b"),
        *(
            '<g id="1">',
            "</g>",
            '<x id="1"/>',
            "<mrk>",
            "</mrk>",
            "<seg-source>",
            "</seg-source>",
            "<![CDATA[c]]>",
            "&amp;",
        ),
        *(
            "<!-- d -->",
            "<?e?>",
            '<ph id="2">f</ph>',
            '<y xmlns="z"/>',
            "&g;",
            "<segment>",
            "</segment>",
            ' state="new"',
        ),
    ],
}
XLIFF = '<xliff xmlns="urn:oasis:names:tc:xliff:document:{}"><file><unit>{}</unit></file></xliff>'


@pytest.mark.parametrize("kind", sorted(PIECES))
@fuzz(150)
@given(data=st.data())
def test_pieces_in_any_order(kind: str, data: st.DataObject) -> None:
    text = "".join(data.draw(st.lists(st.sampled_from(PIECES[kind]) | TEXT, max_size=14)))
    if kind == "xliff":
        text = XLIFF.format(data.draw(st.sampled_from(["1.2", "2.0"])), text)
    read_and_write(kind, text.encode("utf-8", "replace"))


ODF = [
    "<text:p>",
    "</text:p>",
    "<text:span>",
    "</text:span>",
    "<text:s/>",
    "<text:note>",
    "</text:note>",
    "<text:tab/>",
]
ODF += ["<draw:frame>", "</draw:frame>", "a b", "<!-- c -->", "<office:annotation>", "</office:annotation>", "<text:a>"]
XHTML = ["<p>", "</p>", "<b>", "</b>", "<br/>", "<ruby>", "</ruby>", "<rt>", "</rt>", "a b", "<a>", "</a>", "<div>"]
XHTML += ["</div>", "&nbsp;", "<pre>", "</pre>", "<svg xmlns='s'>", "</svg>", "<!-- c -->", "<![CDATA[d]]>", "<code/>"]
SLIDE = ["<a:p>", "</a:p>", "<a:r>", "</a:r>", "<a:rPr b='1'/>", "<a:rPr/>", "<a:t>a b</a:t>", "<a:t/>", "<a:br/>"]
SLIDE += ["<a:fld>", "</a:fld>", "<a:endParaRPr/>", "<a:pPr/>", "<!-- c -->", "<a:t>d<a:t>e</a:t>f</a:t>", "<x/>"]
CELLS = ["<si>", "</si>", "<r>", "</r>", "<t>a b</t>", "<t>c\nd</t>", "<t/>", "<rPr/>", "<rPh>", "</rPh>", "<!-- e -->"]
INSIDE = {
    "odt": ("content.xml", "<text:h", ODF),
    "epub": ("OEBPS/text/a b.xhtml", "<p>", XHTML),
    "pptx": ("ppt/slides/slide1.xml", "<a:p>", SLIDE),
    "xlsx": ("xl/sharedStrings.xml", "<si>", CELLS),
}


@pytest.mark.parametrize("kind", sorted(INSIDE))
@fuzz(150)
@given(data=st.data())
def test_elements_in_any_order(kind: str, data: st.DataObject) -> None:
    name, place, pieces = INSIDE[kind]
    parts = entries(BY_KIND[kind][0].data)
    content = "".join(data.draw(st.lists(st.sampled_from(pieces), max_size=14)))
    said = parts[name].decode().replace(place, content + place, 1)
    read_and_write(kind, make_zip({**parts, name: said}))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("po", 'msgid "a"\n' + '"b"\n' * 30_000 + 'msgstr ""\n'),
        ("po", 'msgid "' + "\\" * 200_000 + '"\n'),
        ("json", "[" + '"a b",' * 20_000 + "1]"),
        ("json", '"' + "\\\\" * 100_000),
        ("yaml", "[" * 60_000),
        ("yaml", "- " * 60_000),
        ("yaml", "a: " + "&" * 60_000),
        ("csv", '"' + '""' * 100_000),
        ("csv", 'a"' * 100_000),
        ("csv", '"a b",' * 20_000),
        ("md", "a\n" * 20_000),
        ("md", "> " * 100_000),
        ("md", "[a]: " * 40_000),
        ("md", " " * 200_000 + "a"),
        (
            "xliff",
            XLIFF.format("1.2", "<trans-unit><source>" + "<g>" * 190 + "a" + "</g>" * 190 + "</source></trans-unit>"),
        ),
        ("xliff", XLIFF.format("1.2", "<trans-unit><source>" + "a &amp; " * 5000 + "</source></trans-unit>")),
        ("xliff", XLIFF.format("1.2", "<trans-unit><source>" + "a<x/>" * 5000 + "</source></trans-unit>")),
    ],
    ids=range(17),
)
def test_files_of_great_size(kind: str, text: str) -> None:
    """What takes time that grows with the square of its size would be seen to hang; what goes too deep fails."""
    read_and_write(kind, text.encode())
