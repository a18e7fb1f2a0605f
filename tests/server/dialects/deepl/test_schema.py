"""The options of a request: what is accepted, what it becomes, and what is refused."""

import pytest

from server.dialects.deepl.schema import parse_translate
from server.errors import InvalidRequestError
from server.markup import Options
from server.text.segments import Split

GLOSSARY_ID = "96ab91fd-e715-41a1-adeb-5d701f84a483"
BODY = {"text": ["Hallo"], "target_lang": "EN"}


def test_what_is_not_given_has_its_default() -> None:
    asked = parse_translate(BODY)
    assert (asked.texts, asked.target_lang, asked.source_lang, asked.split) == (("Hallo",), "EN", None, "sentences")
    assert (asked.markup, asked.markup_version, asked.model_type) == (None, None, None)
    assert (asked.glossary_ids, asked.preserve_formatting, asked.context) == ((), False, None)


def test_everything_that_is_documented_is_accepted() -> None:
    asked = parse_translate(
        {
            **BODY,
            "text": "Hallo",
            "source_lang": "DE",
            "formality": "prefer_more",
            "split_sentences": "0",
            "preserve_formatting": "1",
            "context": "a letter",
            "model_type": "latency_optimized",
            "show_billed_characters": True,
            "tag_handling": "xml",
            "tag_handling_version": "v1",
            "outline_detection": False,
            "ignore_tags": ["x", "code"],
            "splitting_tags": "p,li",
            "non_splitting_tags": "b",
            "glossary_id": GLOSSARY_ID,
            "style_id": None,
            "custom_instructions": [],
            "no_such_option": {"at": "all"},
        }
    )
    assert asked.texts == ("Hallo",)
    assert asked.split == "nothing"
    assert asked.preserve_formatting
    assert asked.context == "a letter"
    assert asked.model_type == "latency_optimized"
    ignored, splitting, others = frozenset({"x", "code"}), frozenset({"p", "li"}), frozenset({"b"})
    assert asked.markup == Options("xml", ignored, splitting, others, outline_detection=False)
    assert asked.markup_version == "v1"
    assert asked.glossary_ids == (GLOSSARY_ID,)


@pytest.mark.parametrize(
    ("given", "split"),
    [
        ({}, "sentences"),
        ({"split_sentences": "1"}, "sentences"),
        ({"split_sentences": 1}, "sentences"),
        ({"split_sentences": "0"}, "nothing"),
        ({"split_sentences": "nonewlines"}, "across_lines"),
        ({"tag_handling": "xml"}, "sentences"),
        ({"tag_handling": "html"}, "across_lines"),
        ({"tag_handling": "html", "split_sentences": "1"}, "sentences"),
    ],
)
def test_the_split(given: dict[str, object], split: Split) -> None:
    assert parse_translate({**BODY, **given}).split == split


def test_markup_by_default() -> None:
    asked = parse_translate({**BODY, "tag_handling": "html"})
    assert asked.markup == Options("html", outline_detection=True)
    assert asked.markup_version == "v2"


def test_attributes_are_translated_where_asked_for() -> None:
    asked = parse_translate({**BODY, "tag_handling": "html", "translate_attributes": True})
    assert asked.markup == Options("html", attributes=True)


def test_tags_without_tag_handling_change_nothing() -> None:
    asked = parse_translate({**BODY, "ignore_tags": "x", "tag_handling_version": "v1"})
    assert (asked.markup, asked.markup_version) == (None, None)


def test_a_model_that_is_preferred_is_the_one_used() -> None:
    assert parse_translate({**BODY, "model_type": "prefer_quality_optimized"}).model_type == "quality_optimized"


@pytest.mark.parametrize("formality", ["default", "prefer_more", "prefer_less", "", None])
def test_formality_that_asks_for_nothing(formality: str | None) -> None:
    assert parse_translate({**BODY, "formality": formality}).texts == ("Hallo",)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"text": []}, "'text' not specified"),
        ({"text": None}, "'text' not specified"),
        ({"text": [1]}, "'text'"),
        ({"text": ["a"] * 51}, "51 texts; a request may have 50"),
        ({"target_lang": None}, "'target_lang' not specified"),
        ({"target_lang": 5}, "'target_lang'"),
        ({"source_lang": ["DE"]}, "'source_lang'"),
        ({"formality": "rude"}, "'formality'"),
        ({"split_sentences": "2"}, "'split_sentences'"),
        ({"preserve_formatting": "maybe"}, "'preserve_formatting'"),
        ({"outline_detection": "maybe"}, "'outline_detection'"),
        ({"show_billed_characters": "maybe"}, "'show_billed_characters'"),
        ({"context": 5}, "'context'"),
        ({"model_type": "best"}, "'model_type'"),
        ({"tag_handling": "markdown"}, "'tag_handling'"),
        ({"tag_handling_version": "v3"}, "'tag_handling_version'"),
        ({"ignore_tags": "<x>"}, "'ignore_tags'"),
        ({"splitting_tags": [["p"]]}, "'splitting_tags'"),
        ({"non_splitting_tags": "a b"}, "'non_splitting_tags'"),
        ({"glossary_id": "a", "source_lang": "DE"}, "Invalid glossary id"),
        ({"glossary_ids": GLOSSARY_ID + ",b", "source_lang": "DE"}, "Invalid glossary id"),
        ({"style_id": "mine"}, "'style_id' is not supported: this server has no style rules"),
        ({"custom_instructions": ["Be brief."]}, "'custom_instructions' is not supported"),
        ({"translation_memory_id": "mine"}, "'translation_memory_id' is not supported"),
        ({"translation_memory_threshold": 80}, "'translation_memory_threshold' is not supported"),
        ({"glossary_id": "a"}, "requires the 'source_lang'"),
        ({"glossary_id": "a", "glossary_ids": ["b"], "source_lang": "DE"}, "together"),
        ({"glossary_ids": list("abcdef"), "source_lang": "DE"}, "6 ids; a request may have 5"),
    ],
)
def test_what_is_refused(given: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        parse_translate({**BODY, **given})
    assert says in str(refusal.value)


def test_fifty_texts_are_accepted() -> None:
    assert len(parse_translate({**BODY, "text": ["a"] * 50}).texts) == 50
