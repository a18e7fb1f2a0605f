"""A document's texts through the translator: batches within the limits, languages, glossaries, full queues."""

import asyncio
from typing import Any

import pytest

from server.documents import content as translation
from server.documents.content import cut_batches, read_content, translate_document
from server.documents.formats.registry import FORMATS
from server.errors import InvalidDocumentError, InvalidRequestError, QueueFullError
from server.models.models import Models
from server.settings import Limits
from server.text.tokenizer import Tokenizer
from server.translation.translator import TranslateOptions, Translator
from tests.server.conftest import MakeModel
from tests.server.documents.builders import entries, make_docx, make_zip, paragraph, run, texts
from tests.server.fakes import EN, FakeEngine

LIMITS = Limits(8, 3, 60, 100)
INTO_ENGLISH = TranslateOptions("de", "en", background=True)


def translate(translator: Translator, data: bytes, kind: str = "txt", **varied: Any) -> bytes:
    options = varied.pop("options", INTO_ENGLISH)
    return asyncio.run(translate_document(translator, FORMATS[kind], data, options, varied.pop("terms", {}), **varied))


def test_batches_are_within_the_limits(models: Models, engine: FakeEngine) -> None:
    translator = Translator(models, LIMITS)
    lines = [f"Haus {i}." for i in range(20)] + ["x" * 59, "y" * 61, "z"]
    batches = cut_batches(lines, translator)
    assert [line for batch in batches for line in batch] == lines
    assert all(len(batch) <= 3 and (len(batch) == 1 or sum(map(len, batch)) <= 60) for batch in batches)
    seen: list[tuple[int, int]] = []
    data = "\r\n".join(lines[:20]).encode()
    assert translate(translator, data, progress=lambda done, total: seen.append((done, total))) == data
    assert engine.most_waiting <= 3
    total = sum(map(len, lines[:20]))
    assert [each[1] for each in seen] == [total] * len(seen)
    assert [each[0] for each in seen] == sorted({each[0] for each in seen})
    assert seen[-1] == (total, total)


def test_it_yields_to_others_and_has_no_deadline(models: Models, engine: FakeEngine) -> None:
    translate(Translator(models, LIMITS), b"Haus.")
    assert [caller.background for caller in engine.callers] == [True]
    assert engine.deadlines == [None]


def test_the_same_paragraph_is_translated_once(models: Models, engine: FakeEngine, tokenizer: Tokenizer) -> None:
    options = TranslateOptions("en", "de")
    found = translate(Translator(models, LIMITS), b"the dog\nyes\n\nthe dog\n", options=options).decode()
    dog, yes = (tokenizer.decode(tokenizer.encode(text)[::-1]) for text in ("the dog", "yes"))
    assert found == f"{dog}\n{yes}\n\n{dog}\n"
    assert len(engine.sources) == 2


def test_a_line_over_every_limit_is_cut(models: Models, engine: FakeEngine) -> None:
    line = "Der Hund, das Haus, " * 40 + "der Zug."
    assert translate(Translator(models, LIMITS), line.encode()).decode() == line
    assert len(engine.sources) > 10


def test_a_paragraph_over_every_limit_is_refused(models: Models) -> None:
    data = make_docx(paragraph(run("Der Hund. "), run("Das Haus. " * 20, "<w:b/>")))
    with pytest.raises(InvalidDocumentError, match=r"too long, 21\d characters") as raised:
        translate(Translator(models, LIMITS), data, "docx")
    assert "Hund" not in str(raised.value)


def test_tokens_are_limited_too(models: Models, engine: FakeEngine) -> None:
    translator = Translator(models, Limits(8, 100, 10_000, 30))
    lines = "\n".join(["Der Hund läuft durch den Park."] + [f"Das Haus {i}." for i in range(20)])
    assert translate(translator, lines.encode()).decode() == lines
    assert len(engine.sources) == 21


def test_the_language_is_that_of_the_whole_document(models: Models, engine: FakeEngine) -> None:
    lines = "Monday.\nDer Hund läuft über die Straße.\nDas ist ein altes Haus am See.\nBerlin"
    options = TranslateOptions(None, "en")
    translate(Translator(models, LIMITS), lines.encode(), options=options)
    assert {source[0] for source in engine.sources} == {EN}
    asked = len(engine.sources)
    assert translate(Translator(models, LIMITS), lines.encode(), options=TranslateOptions(None, "de")) == lines.encode()
    assert len(engine.sources) == asked, "it is German already"


def test_tags_do_not_tell_the_language(models: Models) -> None:
    page = b'<p class="the house of the dog" title="what is this">Ich bin sehr <i>m\xc3\xbcde</i>.</p>'
    content = read_content(FORMATS["html"], page)
    assert (content.sample, content.num_chars) == ("Ich bin sehr müde.", 18)


@pytest.mark.parametrize("kind", ["txt", "docx"])
def test_a_glossary(models: Models, kind: str) -> None:
    text = "Der Hund & das Haus."
    data = text.encode() if kind == "txt" else make_docx(paragraph(run("Der Hund &amp; das "), run("Haus.", "<w:b/>")))
    found = translate(
        Translator(models, Limits(8, 3, 500, 100)), data, kind, terms={"Hund": "dog <x>", "haus": "house"}
    )
    [shown] = [found.decode()] if kind == "txt" else texts(found)
    assert "Hund" not in shown
    assert "dog <x>" in shown
    assert "house" in shown


def test_a_full_queue_is_waited_for(make_model: MakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FakeEngine(refusal=QueueFullError("full", retry_after_s=30))
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        engine.refusal = None if len(waited) == 3 else engine.refusal

    monkeypatch.setattr(translation.asyncio, "sleep", sleep)
    translator = Translator(Models((make_model(engine),)), LIMITS)
    assert translate(translator, b"Das Haus.") == b"Das Haus."
    assert waited == [translation.MAX_QUEUE_WAIT_S] * 3


def test_a_full_queue_is_told_to_those_who_wait(make_model: MakeModel) -> None:
    translator = Translator(Models((make_model(FakeEngine(refusal=QueueFullError("full"))),)), LIMITS)
    with pytest.raises(QueueFullError):
        translate(translator, b"Das Haus.", options=TranslateOptions("de", "en"))


def test_what_has_no_words_needs_no_engine(models: Models, engine: FakeEngine) -> None:
    for kind, data in (("txt", b"\n \n"), ("srt", b""), ("html", b"<p></p>"), ("docx", make_docx(paragraph()))):
        assert len(translate(Translator(models, LIMITS), data, kind)) == len(data)
    assert engine.sources == []


def test_an_archive_whose_files_have_formats_of_their_own(models: Models, engine: FakeEngine) -> None:
    html, txt = "<p>Der <b>Hund</b></p>", "Der <b>Hund</b>"
    parts = {"a.html": html.encode(), "b.txt": txt.encode(), "c.png": b"c", "d/e.html": html.encode()}
    data = make_zip(parts)
    content = read_content(FORMATS["zip"], data)
    assert [(each.name, texts) for each, texts in content.sections] == [
        ("html", [html[3:]]),
        ("txt", [txt]),
        ("html", [html[3:]]),
    ]
    assert content.num_chars == 2 * len("Der Hund") + len(txt), "tags of html are no language"
    seen: list[tuple[int, int]] = []
    found = translate(Translator(models, LIMITS), data, "zip", progress=lambda done, total: seen.append((done, total)))
    assert entries(found) == parts
    assert seen[-1] == (len(html[3:]) + len(txt),) * 2
    assert len(engine.sources) == 2, "the same file is translated once"


def test_a_file_says_its_language_afterwards(models: Models) -> None:
    data = b'msgid ""\nmsgstr ""\n"Language: \\n"\n\nmsgid "Hund"\nmsgstr ""\n'
    found = translate(Translator(models, LIMITS), data, "po")
    assert b'"Language: en\\n"' in found
    assert b'msgstr "Hund"' in found


def test_a_direction_that_nobody_has(models: Models) -> None:
    with pytest.raises(InvalidRequestError, match="from 'de' to 'fr'"):
        translate(Translator(models, LIMITS), b"Haus.", options=TranslateOptions("de", "fr"))
