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
