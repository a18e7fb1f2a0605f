"""What each format decides: which units are open, which cells are names, how what was wrapped is wrapped again."""

import json
import re

import pytest
import yaml

from server.documents.formats.registry import FORMATS, choose_columns, find_format, find_stored
from server.errors import InvalidDocumentError
from tests.server.documents.builders import entries, make_zip
from tests.server.documents.samples.all import SAMPLES
from tests.server.documents.samples.sample import Parts


def read(kind: str, text: str) -> list[str]:
    return FORMATS[kind].read(text.encode())


def write(kind: str, text: str, *texts: str) -> str:
    return FORMATS[kind].write(text.encode(), texts).decode()


def declare(kind: str, text: str) -> str:
    return FORMATS[kind].declare(text.encode(), "fr").decode()


def sample(kind: str) -> bytes:
    return next(each.data for each in SAMPLES if each.kind == kind)


def parts(kind: str) -> Parts:
    content = next(each.content for each in SAMPLES if each.kind == kind)
    assert isinstance(content, dict)
    return dict(content)


V1 = '<xliff xmlns="urn:oasis:names:tc:xliff:document:1.2"><file><body>{}</body></file></xliff>'
V2 = '<xliff xmlns="urn:oasis:names:tc:xliff:document:2.0"><file><unit>{}</unit></file></xliff>'


@pytest.mark.parametrize(
    ("target", "is_open"),
    [
        ("", True),
        ("<target/>", True),
        ("<target></target>", True),
        ('<target state="new">alt</target>', True),
        ('<target state="needs-translation">alt</target>', True),
        ('<target state="needs-review-translation">alt</target>', False),
        ('<target state="translated">alt</target>', False),
        ("<target>alt</target>", False),
    ],
)
def test_units_of_xliff_1(target: str, is_open: bool) -> None:
    text = V1.format(f"<trans-unit id='1'><source>eins</source>{target}</trans-unit>")
    assert read("xliff", text) == ["eins"] * is_open
    if is_open:
        found = write("xliff", text, "one")
        assert re.search(r"<target[^>]*>one</target></trans-unit>", found)
        assert found.count("target>") == 1 or found.count("<target") == 1
        assert read("xliff", found) == []


@pytest.mark.parametrize(
    ("state", "target", "is_open"),
    [
        ("", "", True),
        (' state="initial"', "", True),
        (' state="initial"', "<target>alt</target>", True),
        ("", "<target>alt</target>", False),
        (' state="translated"', "<target>alt</target>", False),
    ],
)
def test_segments_of_xliff_2(state: str, target: str, is_open: bool) -> None:
    assert read("xliff", V2.format(f"<segment{state}><source>eins</source>{target}</segment>")) == ["eins"] * is_open


def test_a_segmented_source_is_the_source() -> None:
    unit = (
        "<trans-unit id='1'><source>eins. zwei</source><seg-source><mrk mid='1'>eins.</mrk> <mrk mid='2'>zwei</mrk>"
        "</seg-source></trans-unit>"
    )
    assert read("xliff", V1.format(unit)) == ["<g0>eins.</g0> <g1>zwei</g1>"]
    found = write("xliff", V1.format(unit), "<g0>one.</g0> <g1>two</g1>")
    assert "</seg-source><target><mrk mid='1'>one.</mrk> <mrk mid='2'>two</mrk></target></trans-unit>" in found


def test_a_prefix_of_xliff_is_kept() -> None:
    text = (
        '<x:xliff xmlns:x="urn:oasis:names:tc:xliff:document:1.2"><x:file><x:body><x:trans-unit id="1">'
        "<x:source>eins</x:source></x:trans-unit></x:body></x:file></x:xliff>"
    )
    assert "<x:source>eins</x:source><x:target>one</x:target>" in write("xliff", text, "one")


def test_halves_of_pairs_take_no_place_and_names_do() -> None:
    unit = (
        '<trans-unit id="1"><source>eins <x id="START_TAG_B"/>zwei<x id="CLOSE_TAG_B"/> <x id="INTERPOLATION"/>'
        '<x ctype="lb"/><mrk mtype="protected">drei</mrk></source></trans-unit>'
    )
    assert read("xliff", V1.format(unit)) == ['eins <?x0?>zwei<?x1?> <x2/><s n="3"/><x4/>']


def test_a_translation_that_lacks_an_element_is_no_target() -> None:
    text = V1.format('<trans-unit id="1"><source>eins <x id="1"/></source></trans-unit>')
    assert write("xliff", text, "one") == text


def test_the_language_of_targets() -> None:
    assert '<file target-language="fr">' in declare("xliff", V1.format(""))
    assert '<xliff trgLang="fr" xmlns' in declare("xliff", V2.format(""))
    said = V2.format("").replace("<xliff ", '<xliff trgLang="de" ')
    assert declare("xliff", said) == said
    header = 'msgid ""\nmsgstr ""\n"Language: {}\\n"\n'
    assert declare("po", header.format("")) == header.format("fr")
    assert declare("po", header.format("de")) == header.format("de")
    package = entries(FORMATS["epub"].declare(sample("epub"), "fr"))["OEBPS/book.opf"]
    assert b"<dc:language>fr</dc:language>" in package
    assert b"<dc:creator>kept</dc:creator>" in package


def test_forms_of_a_plural_are_as_many_as_there_are() -> None:
    text = 'msgid "ein Ding"\nmsgid_plural "Dinge"\nmsgstr[0] ""\n'
    assert read("po", text) == ["ein Ding"]
    assert read("po", text + 'msgstr[1] ""\nmsgstr[2] ""') == ["ein Ding", "Dinge", "Dinge"]
    assert write("po", text + 'msgstr[1] ""', "one", "two") == text.replace('""', '"one"') + 'msgstr[1] "two"'


def test_a_catalogue_keeps_the_line_ends_that_programs_compare() -> None:
    text = 'msgid "eins\\n"\nmsgstr ""\n'
    assert write("po", text, "one") == 'msgid "eins\\n"\nmsgstr "one\\n"\n'
    assert write("po", text.replace("\\n", ""), "one\n") == 'msgid "eins"\nmsgstr "one"\n'


def test_json_in_ascii_stays_so() -> None:
    text = '{"a": "gr\\u00fcn", "b": "rot"}'
    found = write("json", text, "vert clair \u00e9 \U0001f389", 'a "b"\n')
    assert found == '{"a": "vert clair \\u00e9 \\ud83c\\udf89", "b": "a \\"b\\"\\n"}'
    assert json.loads(write("json", '{"a": "grün"}', "é \ud800 \x00"))["a"] == "é ? \x00"


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/a?b=c",
        "a@example.org",
        "btn_primary",
        "camelCase",
        "a.b.c",
        "icons/a.svg",
        "de-DE",
        "#fff000",
        "2024-01-01",
        "USD",
        "12 %",
        "%d.%m.%Y %H:%M",
    ],
)
def test_names_and_addresses_are_no_language(text: str) -> None:
    for kind, content in (("json", json.dumps({"a": text})), ("yaml", f"a: '{text}'"), ("csv", f"Haus,{text}")):
        assert [each for each in read(kind, content) if each != "Haus"] == []


@pytest.mark.parametrize(
    "new", ["a: b", "- a", "# a", "yes", "12", "null", "a #b", "'a", '"', "", " a", "a\nb", "{a}", "~"]
)
@pytest.mark.parametrize(
    "old", ["ein Haus", "'ein Haus'", '"ein Haus"', "|\n    ein Haus\n", ">-\n    ein Haus\n", "!!str ein Haus"]
)
def test_yaml_says_what_it_shall_in_any_style(old: str, new: str) -> None:
    text = f"a:\n  b: {old}\n".rstrip("\n") + "\n  c: 1\n"
    found = yaml.safe_load(write("yaml", text, new))
    end = "\n" if old.startswith("|") else ""
    assert found == {"a": {"b": new + end, "c": 1}}
    assert yaml.safe_load(write("yaml", "[ein Haus, {a: b}]", new, "b")) == [new, {"a": "b"}]


def test_the_first_row_of_a_table() -> None:
    assert read("csv", "id,name\n1,Haus\n") == ["Haus"]
    assert read("csv", "Nummer,name\n1,Haus\n") == ["Nummer", "name", "Haus"]
    assert read("csv", "haus,hund\n") == ["haus", "hund"]
    assert read("csv", "haus\nhund\n") == ["haus", "hund"]


TABLE = "id,title_de,note\na-1,Haus,Hund\nb-2,haus_hund,Zug\n"


@pytest.mark.parametrize(
    ("columns", "texts"),
    [
        ("2", ["Haus", "haus_hund"]),
        ("title_de", ["Haus", "haus_hund"]),
        (" note , 2", ["Haus", "Hund", "haus_hund", "Zug"]),
        ("1", ["a-1", "b-2"]),
        ("", ["Haus", "Hund", "Zug"]),
        (None, ["Haus", "Hund", "Zug"]),
    ],
)
def test_chosen_columns(columns: str | None, texts: list[str]) -> None:
    format = choose_columns(FORMATS["csv"], columns)
    assert format.read(TABLE.encode()) == texts
    expected = TABLE
    for text in texts:
        expected = expected.replace(f",{text}", f",{text.upper()}").replace(f"\n{text}", f"\n{text.upper()}")
    assert format.write(TABLE.encode(), [text.upper() for text in texts]).decode() == expected
    again = find_stored(format.stored_as)
    assert (again.name, again.read(TABLE.encode())) == ("csv", texts)


@pytest.mark.parametrize("columns", ["4", "0", "nope", "1,", "\u00b2", "1" * 201, "9" * 50])
def test_columns_that_are_not_there(columns: str) -> None:
    with pytest.raises(InvalidDocumentError, match="Invalid columns"):
        choose_columns(FORMATS["csv"], columns).read(TABLE.encode())


def test_only_tables_have_columns() -> None:
    with pytest.raises(InvalidDocumentError, match="only those of csv"):
        choose_columns(FORMATS["json"], "1")


def test_a_cell_that_now_needs_quotes() -> None:
    assert write("csv", "ein Haus,1\n", 'a "b", c') == '"a ""b"", c",1\n'
    assert write("csv", "ein Haus;1\n", "a, c") == "a, c;1\n"


def test_a_wrapped_paragraph_is_wrapped_again() -> None:
    text = "> Ein Hund läuft über die Straße und\n> sieht ein Haus.\n"
    assert read("md", text) == ["Ein Hund läuft über die Straße und sieht ein Haus."]
    found = write("md", text, "A dog runs across the street and sees a house - 12. not an item.")
    assert found == "> A dog runs across the street and\n> sees a house - 12. not an item.\n"
    assert write("md", "ein Haus\nam See\n", "a - b") == "a - b\n", "no line begins as an item does"


def test_lines_that_are_texts_of_their_own() -> None:
    text = "# eins\nzwei\ndrei  \nvier\n- fünf\n  sechs\n* sieben\n| acht |\n| neun |\n"
    assert read("md", text) == ["# eins", "zwei drei", "vier", "- fünf sechs", "* sieben", "| acht |", "| neun |"]


def test_a_fence_that_is_never_closed_is_code() -> None:
    assert read("md", "eins\n```\nzwei\n") == ["eins"]


def test_the_end_of_a_paragraph_of_a_slide_stays_there() -> None:
    format = FORMATS["pptx"]
    texts = format.read(sample("pptx"))
    slide = entries(
        format.write(
            sample("pptx"),
            [text.upper().replace("<G", "<g").replace("</G", "</g").replace("<S N", "<s n") for text in texts],
        )
    )
    for paragraph in re.findall(rb"<a:p>.*?</a:p>", slide["ppt/slides/slide1.xml"], re.S):
        assert paragraph.endswith(b'<a:endParaRPr lang="de-DE"/></a:p>')
        assert paragraph.count(b"<a:t>") == paragraph.count(b"<a:r>") + paragraph.count(b"<a:fld ")
        assert b"xml:space" not in paragraph


def test_a_cell_has_one_text_in_each_run() -> None:
    format = FORMATS["xlsx"]
    found = format.write(sample("xlsx"), [each.replace("ü", "x ") for each in format.read(sample("xlsx"))])
    strings = entries(found)["xl/sharedStrings.xml"]
    assert all(run.count(b"<t") == 1 for run in re.findall(rb"<r>.*?</r>", strings, re.S))
    assert b"x drei\nx vier</t></r>" in strings
    assert b"<si><t>Name</t></si>" in strings, "a table calls its column so"


def test_sheets_of_numbers_are_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    sheet = f"<worksheet><sheetData>{'<row/>' * 200_000}</sheetData></worksheet>"
    assert len(sheet) > 1 << 20
    monkeypatch.setattr("server.documents.formats.ooxml.package.MAX_XML_BYTES", 1 << 20)
    large = make_zip({**parts("xlsx"), "xl/worksheets/sheet2.xml": sheet}, ["xl/worksheets/sheet2.xml"])
    assert FORMATS["xlsx"].read(large) == FORMATS["xlsx"].read(sample("xlsx"))
    with pytest.raises(InvalidDocumentError, match="1048576 is the most"):
        FORMATS["xlsx"].read(
            make_zip({**parts("xlsx"), "xl/worksheets/sheet2.xml": sheet + "inlineStr"}, ["xl/worksheets/sheet2.xml"])
        )


def test_the_first_part_of_a_book_and_of_an_opendocument() -> None:
    for kind in ("epub", "odt", "ods", "odp"):
        found = FORMATS[kind].write(sample(kind), FORMATS[kind].read(sample(kind)))
        assert found[30:38] == b"mimetype"
        assert found[38:].startswith(FORMATS[kind].media_type.encode())


@pytest.mark.parametrize("kind", sorted({each.kind for each in SAMPLES} - {"po", "json", "yaml", "csv", "md"}))
def test_a_file_without_a_name_is_told_by_its_content(kind: str) -> None:
    for each in SAMPLES:
        if each.kind == kind:
            assert find_format("file", each.data).name == kind


def test_other_ends_of_names() -> None:
    names = {"a.xlf": "xliff", "a.pot": "po", "a.arb": "json", "a.yml": "yaml", "a.tsv": "csv", "a.markdown": "md"}
    assert {name: find_format(name, b"").name for name in names} == names


def test_a_book_without_its_parts() -> None:
    rest = {name: each for name, each in parts("epub").items() if name != "OEBPS/book.opf"}
    with pytest.raises(InvalidDocumentError, match="no epub"):
        FORMATS["epub"].read(make_zip(rest))
