"""The pure functions that a text goes through: sentences, words, markup, placeholders, terms, ids."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.markup import Alignment, Options, chunks, parse, place, translate_chunks, verify
from server.markup.options import Kind
from server.text.detect import Detector
from server.text.segments import join_text, split_text
from server.text.symptoms import find_symptoms
from server.text.tokenizer import Tokenizer
from server.translation.glossary import Terms, take_out_terms
from tests.fuzz.amount import count, fuzz
from tests.fuzz.door import Door
from tests.fuzz.made_up import LONG_TEXT, TEXT, mutated

pytestmark = pytest.mark.unmeasured

LANGUAGES = st.sampled_from(["de", "en", "fr", "es", "ru", "ja", "zh", "ar", "xx"])
KINDS = st.sampled_from(["html", "xml", "text"])
NAMES = st.frozensets(st.sampled_from(["b", "p", "i", "x0", "g0", "a/b", "script"]), max_size=2)


@fuzz(250)
@given(text=LONG_TEXT, language=LANGUAGES, split=st.sampled_from(["sentences", "across_lines", "nothing"]))
@example(text="Plan B\u00a0. Und C.", language="de", split="sentences")
@example(text="Z\u202f.ä\u200b", language="ru", split="across_lines")
def test_sentences_join_to_their_text(text: str, language: str, split: str) -> None:
    """The library that finds them once panicked at a wide space before a full stop, which no `except` caught."""
    count()
    assert join_text(split_text(text, language, split)) == text  # type: ignore[arg-type]


def test_a_panic_is_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    class PanicException(BaseException):
        pass

    def panic(language: str, text: str) -> list[str]:
        raise PanicException

    monkeypatch.setattr("server.text.segments.split_sentences", panic)
    assert [each.text for each in split_text("Eins. Zwei! Drei", "de")] == ["Eins.", "Zwei!", "Drei"]


@fuzz(250)
@given(text=LONG_TEXT, kind=KINDS, ignored=NAMES, splitting=NAMES, changes=st.integers(0, 2))
def test_markup_comes_out_as_it_went_in(
    text: str, kind: Kind, ignored: frozenset[str], splitting: frozenset[str], changes: int
) -> None:
    count()
    options = Options(kind=kind, ignore_tags=ignored, splitting_tags=splitting)
    ways = (lambda each: each, str.upper, lambda each: each[::-1])
    output = translate_chunks(parse(text, options), lambda found: [(ways[changes](each), None) for each in found])
    assert verify(text, output, options)
    if changes == 0:
        assert output == text


@fuzz(100)
@given(text=TEXT, target=TEXT, kind=KINDS, data=st.data())
def test_marks_are_placed_whatever_the_alignment_says(text: str, target: str, kind: Kind, data: st.DataObject) -> None:
    count()
    spans = st.lists(st.integers(0, 60), max_size=6).map(sorted).map(lambda cuts: list(itertools.pairwise(cuts)))
    for chunk in parse(text, Options(kind=kind)).chunks:
        targets, sources = data.draw(spans), data.draw(spans)
        weights = data.draw(st.sampled_from([0.0, 1.0, -1.0, float("nan"), 1e300, 1e-300]))
        alignment = Alignment(targets, np.full((len(targets), len(sources)), weights), sources)
        assert verify(chunk.source, place(chunk, target, alignment), chunk.options)


@fuzz(100)
@given(
    text=LONG_TEXT, terms=st.dictionaries(TEXT.map(str.strip).filter(bool), TEXT, min_size=1, max_size=6), kind=KINDS
)
def test_terms(text: str, terms: dict[str, str], kind: Kind) -> None:
    count()
    found = Terms(terms)
    plain = take_out_terms(text, None, found)
    assert plain.restore(plain.text).count("<ferry-term") <= text.count("<ferry-term") + sum(
        target.count("<ferry-term") for target in plain.targets
    )
    marked = take_out_terms(text, Options(kind=kind), found)
    marked.restore(marked.text)


@fuzz(150)
@given(text=LONG_TEXT)
def test_ids_and_back(tokenizer: Tokenizer, text: str) -> None:
    count()
    ids = tokenizer.encode(text)
    tokenizer.decode(ids).encode("utf-8")
    tokenizer.source_spans(text)
    find_symptoms(text, text[::-1], ids, ids[::-1])


@fuzz(60)
@given(text=LONG_TEXT)
def test_languages(text: str) -> None:
    count()
    assert {each.language for each in DETECTOR.rank(text)} == {"de", "en"}


DETECTOR = Detector(("de", "en"))

PAGE = (
    '<!doctype html><!-- c --><html><body translate="no">x</body><p class="a \'b">Der <b>Hund</b> &amp; {name} '
    '<img src="a>b">läuft.<![CDATA[ x ]]><?php x ?> <script>if (a<b) {}</script></p><pre> a\n b</pre></html>'
).encode()


@fuzz(150)
@given(page=mutated(PAGE, most=12), kind=st.sampled_from(["html", "xml"]))
def test_a_page_through_the_application(door: Door, page: bytes, kind: str) -> None:
    text = page.decode("utf-8", "replace")
    body = json.dumps({"text": text, "source": "de", "target": "en", "format": kind}).encode()
    assert door.ask("POST", b"/v1/translate", body=body).status == 200
    body = json.dumps({"text": text, "source_lang": "de", "target_lang": "en", "tag_handling": kind}).encode()
    assert door.ask("POST", b"/v2/translate", [(b"content-type", b"application/json")], body).status == 200


GREAT = {
    "deep": "<b>" * 10_000 + "ja" + "</b>" * 4000,
    "open": "<b>ja " * 5000,
    "closed": "ja </b>" * 5000,
    "quotes": '<a b="' * 10_000,
    "angles": "<" * 50_000,
    "laughs": '<!DOCTYPE a [<!ENTITY a "ja"><!ENTITY b "' + "&a;" * 9000 + '">]><p>' + "&b;" * 9000,
    "external": '<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]><p>&a; ja</p>',
    "comments": "<!--" * 10_000 + "ja",
    "cdata": "<![CDATA[ja" * 9000,
    "attributes": "<p " + "a='>' " * 9000 + ">ja</p>",
    "same": "ä" * 99_999,
    "combining": "e" + "\u0301" * 99_000,
    "bidi": "\u202e" * 99_000 + "ja",
    "nul": "\0" * 99_000 + "ja",
    "spaces": "ja" + "\u00a0" * 99_000 + ".",
    "names": " ".join(f"Ja{i}." for i in range(9000)),
}


@pytest.mark.parametrize("kind", ["text", "html", "xml"])
@pytest.mark.parametrize("name", GREAT)
def test_texts_of_the_size_that_a_request_may_have(door: Door, name: str, kind: str) -> None:
    body = json.dumps({"text": GREAT[name][:99_999], "source": "de", "target": "en", "format": kind}).encode()
    reply = door.ask("POST", b"/v1/translate", body=body)
    assert reply.status in (200, 413)
    assert b"root:" not in reply.body


def test_chunks_have_no_expanded_entities() -> None:
    assert max(map(len, chunks(parse(GREAT["laughs"], Options(kind="xml")))), default=0) < len(GREAT["laughs"])
