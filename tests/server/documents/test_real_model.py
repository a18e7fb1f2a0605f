"""Documents through the model of the repository: what comes out is German, and everything else is in its place."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.documents.content import translate_document
from server.documents.formats.registry import FORMATS
from server.engine.types import EngineSettings
from server.models.loading import load_models
from server.settings import ServeSettings
from server.translation.translator import TranslateOptions, Translator
from tests.server.documents.builders import make_docx, paragraph, root, run, styled, texts

MODEL = Path(__file__).parents[3] / "models" / "en-de"


@pytest.fixture(scope="module")
def translator() -> Iterator[Translator]:
    models = load_models(MODEL, EngineSettings(num_threads=1), lambda error: None, lambda message: None)
    yield Translator(models, ServeSettings().limits)
    models.close(0)


def translate(translator: Translator, data: bytes, kind: str) -> bytes:
    options = TranslateOptions("en", "de", background=True)
    return asyncio.run(translate_document(translator, FORMATS[kind], data, options, {}))


@pytest.mark.skipif(not MODEL.is_dir(), reason="there is no model")
def test_a_docx(translator: Translator) -> None:
    link = f'<w:hyperlink w:anchor="a">{run("red car", "<w:u/>")}</w:hyperlink>'
    data = make_docx(
        paragraph(run("A man in a "), run("blue", "<w:b/>"), run(" shirt is standing beside a "), link, run("."))
        + paragraph(run("Two dogs"), "<w:r><w:tab/></w:r>", run("A girl is playing.")),
        footer1=paragraph(run("A man is sitting on a bench.")),
    )
    found = translate(translator, data, "docx")
    first, second = texts(found)
    assert "Mann" in first
    assert first.endswith(".")
    assert second.split("\t")[0] == "Zwei Hunde"
    assert "Mädchen" in second
    assert styled(found, "b")[0].startswith("blau")
    assert "Auto" in "".join(styled(found, "u"))
    assert len(root(found).findall(".//{*}hyperlink")) == 1
    assert "Bank" in texts(found, "footer1")[0]


@pytest.mark.skipif(not MODEL.is_dir(), reason="there is no model")
def test_subtitles(translator: Translator) -> None:
    data = b"1\n00:00:01,000 --> 00:00:02,000\n<i>A man is standing\nbeside a red car.</i>\n"
    lines = translate(translator, data, "srt").decode().split("\n")
    assert lines[:2] == ["1", "00:00:01,000 --> 00:00:02,000"]
    assert len(lines) == 5
    assert lines[2].startswith("<i>Ein Mann")
    assert lines[3].endswith(".</i>")
    assert "Auto" in lines[2] + lines[3]


@pytest.mark.skipif(not MODEL.is_dir(), reason="there is no model")
def test_files_that_programs_take_their_words_from(translator: Translator) -> None:
    unit = '<trans-unit id="1"><source>A man in a <g id="1">blue</g> shirt. <x id="2"/></source></trans-unit>'
    xliff = f'<xliff xmlns="urn:oasis:names:tc:xliff:document:1.2"><file><body>{unit}</body></file></xliff>'
    found = translate(translator, xliff.encode(), "xliff").decode()
    assert unit.removesuffix("</trans-unit>") in found
    target = found.partition("<target>")[2]
    assert "Mann" in target
    assert (target.count('<g id="1">'), target.count("</g>"), target.count('<x id="2"/>')) == (1, 1, 1)
    assert 'target-language="de"' in found

    po = b'msgid "%d dog"\nmsgid_plural "%d dogs"\nmsgstr[0] ""\nmsgstr[1] ""\n'
    assert translate(translator, po, "po").endswith(b'msgstr[0] "%d Hund"\nmsgstr[1] "%d Hunde"\n')

    icu = b'{"n": "{n, plural, one {# dog} other {# dogs}}", "two": "two dogs"}'
    assert translate(translator, icu, "json") == (
        b'{"n": "{n, plural, one {# Hund} other {# Hunde}}", "two": "zwei Hunde"}'
    )


@pytest.mark.skipif(not MODEL.is_dir(), reason="there is no model")
def test_markdown(translator: Translator) -> None:
    text = "---\ntitle: A man\n---\n# A man\n\n> A man in a *blue* shirt is standing\n> beside a [car](https://a.de).\n"
    lines = translate(translator, text.encode(), "md").decode().split("\n")
    assert lines[:5] == ["---", "title: A man", "---", "# Ein Mann", ""]
    assert all(line.startswith("> ") for line in lines[5:-1])
    assert "(https://a.de)" in " ".join(lines[5:])
