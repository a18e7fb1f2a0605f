"""Every format: nothing but language changes, an untranslated file comes back, and no translation breaks a file."""

from contextlib import suppress

import pytest

from server.documents.formats.registry import FORMATS
from server.errors import InvalidDocumentError
from tests.server.documents.builders import change
from tests.server.documents.formats.kit import assert_same, translate
from tests.server.documents.samples.all import SAMPLES
from tests.server.documents.samples.sample import Sample, shout, silent

BILINGUAL = ("xliff", "po")

each_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)


def test_there_is_a_sample_of_every_format() -> None:
    assert {sample.kind for sample in SAMPLES} == set(FORMATS)


@each_sample
def test_all_language_is_translated_and_nothing_else(sample: Sample) -> None:
    assert_same(sample, translate(FORMATS[sample.kind], sample.data, shout), sample.translated)


@each_sample
def test_the_translator_sees_language_alone(sample: Sample) -> None:
    assert [text for text in FORMATS[sample.kind].read(sample.data) if silent(text)] == []


@each_sample
def test_an_untranslated_file_comes_back(sample: Sample) -> None:
    format = FORMATS[sample.kind]
    found = translate(format, sample.data, lambda text: text)
    if sample.kind in BILINGUAL:  # a translation that is its source is one as well
        assert format.read(found) == [] or sample.kind == "po"
    else:
        assert_same(sample, found, sample.data, is_translated=False)


@each_sample
def test_it_is_so_behind_the_rules_of_markup_too(sample: Sample) -> None:
    format = FORMATS[sample.kind]
    if format.sections is None:
        assert change(format, sample.data, lambda word: word) == translate(format, sample.data, lambda text: text)


@each_sample
def test_a_translated_file_is_one_of_its_format(sample: Sample) -> None:
    format = FORMATS[sample.kind]
    found = translate(format, sample.data, shout)
    if sample.kind not in BILINGUAL:
        assert format.read(found) == [shout(text) for text in format.read(sample.data)]
    assert format.declare(found, "en")
    format.read(format.declare(found, "en"))


ODD = [
    "",
    "a < b & c > d ]]> \"'",
    "a\u0000\ufffe\ud800b",
    "- a\n\n# b: c #d\n...\n---\n",
    '", "a": "b',
    "<g0>a",
    "{a: [b, *c",
    " a ",
    "=1+1;,\t|",
]


@each_sample
@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_no_translation_breaks_a_file(sample: Sample, text: str) -> None:
    """Whatever a text becomes, the file can be read again, and has no more texts where lines are no texts."""
    format = FORMATS[sample.kind]
    found = translate(format, sample.data, lambda old: text)
    again = format.read(found)
    if sample.kind in ("docx", "pptx", "xlsx", "odt", "ods", "odp", "epub"):
        assert len(again) <= len(format.read(sample.data))
    format.write(found, again)


@each_sample
def test_half_a_file_is_read_or_refused_in_words(sample: Sample) -> None:
    format, data = FORMATS[sample.kind], sample.data
    for end in range(0, len(data), max(1, len(data) // 40)):
        with suppress(InvalidDocumentError):
            format.write(data[:end], format.read(data[:end]))


@each_sample
def test_another_encoding_is_refused_in_words(sample: Sample) -> None:
    if not sample.data.startswith(b"PK"):
        with pytest.raises(InvalidDocumentError):
            FORMATS[sample.kind].read(sample.data[:20] + b"\xff\xfe\xe4" + sample.data[20:])
