"""What `POST /v2/translate` asks for, checked and frozen, and the bodies that this dialect answers with."""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from msgspec import UNSET, Struct, UnsetType

from server.dialects.deepl.fields import (
    Fields,
    read_choice,
    read_flag,
    read_names,
    read_required,
    read_string,
    read_strings,
)
from server.dialects.terms import MAX_GLOSSARIES_PER_REQUEST
from server.errors import InvalidRequestError
from server.markup import Options
from server.text.segments import Split
from server.translation.request import Formality

MAX_TEXTS = 50

MarkupKind = Literal["html", "xml"]
MarkupVersion = Literal["v1", "v2"]
ModelType = Literal["quality_optimized", "latency_optimized"]

_SPLITS: dict[str, Split] = {"0": "nothing", "1": "sentences", "nonewlines": "across_lines"}
_MARKUP_KINDS: dict[str, MarkupKind] = {"html": "html", "xml": "xml"}
_MARKUP_VERSIONS: dict[str, MarkupVersion] = {"v1": "v1", "v2": "v2"}
_MODEL_TYPES: dict[str, ModelType] = {
    "quality_optimized": "quality_optimized",
    "prefer_quality_optimized": "quality_optimized",
    "latency_optimized": "latency_optimized",
}
_FORMALITIES: dict[str, Formality] = {name: name for name in get_args(Formality)}
_ELSEWHERE = {
    "style_id": "style rules",
    "custom_instructions": "instructions in words",
    "translation_memory_id": "translation memories",
    "translation_memory_threshold": "translation memories",
}
_GLOSSARY_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)
_TAG_NAME = re.compile(r"[^\W\d][\w:.\-]*")


@dataclass(frozen=True)
class TranslateRequest:
    """One `POST /v2/translate`. Languages are as the client wrote them; None for `source_lang` means: detect.

    Attributes:
        markup: None if the texts are plain.
        markup_version: what the answer says of the treatment of tags, None if the texts are plain.
        shows_billed: whether the answer says how many characters each text has.
        model_type: what the answer says of the model, None if the client did not ask.
        preserve_formatting: accepted and kept; we never change formatting that we are not asked to change.
        context: accepted and kept; no model uses it yet.
    """

    texts: tuple[str, ...]
    target_lang: str
    source_lang: str | None
    split: Split
    markup: Options | None
    markup_version: MarkupVersion | None
    shows_billed: bool
    model_type: ModelType | None
    glossary_ids: tuple[str, ...]
    formality: Formality
    preserve_formatting: bool
    context: str | None


class TranslationAnswer(Struct):
    """One translated text. `billed_characters` is there unless it is asked to be left out."""

    detected_source_language: str
    text: str
    billed_characters: int | UnsetType = UNSET
    model_type_used: str | UnsetType = UNSET
    tag_handling_version: str | UnsetType = UNSET


class TranslateAnswer(Struct):
    """The translations in the order of the texts."""

    translations: list[TranslationAnswer]


class LanguageAnswer(Struct):
    """One language; `supports_formality` is there for targets only."""

    language: str
    name: str
    supports_formality: bool | UnsetType = UNSET


class FeatureStatus(Struct):
    """How far a feature of a language is; here all are `stable`."""

    status: str


class ResourceLanguage(Struct):
    """One language of `/v3/languages`, in the case that BCP 47 recommends; `features` has what it can take part in."""

    lang: str
    name: str
    status: str
    usable_as_source: bool
    usable_as_target: bool
    features: dict[str, FeatureStatus]


class ResourceFeature(Struct):
    """A feature, and which of both languages must have it for a request to use it; what is not needed is left out."""

    name: str
    needs_source_support: bool | UnsetType = UNSET
    needs_target_support: bool | UnsetType = UNSET


class ResourceAnswer(Struct):
    """One resource of `/v3/languages/resources`."""

    name: str
    features: list[ResourceFeature]


class ProductUsage(Struct):
    """Characters of one kind of work; here there is one kind, and an account has one key."""

    product_type: str
    character_count: int
    api_key_character_count: int


class UsageAnswer(Struct):
    """Characters translated, and how many may be; they are counted from the first on, without periods."""

    character_count: int
    character_limit: int
    api_key_character_count: int
    api_key_character_limit: int
    products: list[ProductUsage]


class MonolingualGlossary(Struct):
    """What is told of a glossary of one direction; `ready` is always true."""

    glossary_id: str
    name: str
    ready: bool
    source_lang: str
    target_lang: str
    creation_time: str
    entry_count: int


class DictionaryEntries(Struct):
    """The entries of one direction."""

    source_lang: str
    target_lang: str
    entries: str
    entries_format: str = "tsv"


class EntriesAnswer(Struct):
    """The dictionaries asked for, of which there is one."""

    dictionaries: list[DictionaryEntries]


def parse_translate(fields: Fields) -> TranslateRequest:
    """The request in `fields`; those it does not know are ignored, as clients of this dialect expect.

    Raises:
        InvalidRequestError: naming the field.
    """
    texts = read_strings(fields, "text")
    if not texts:
        raise InvalidRequestError("Parameter 'text' not specified.")
    if len(texts) > MAX_TEXTS:
        raise InvalidRequestError(f"'text' has {len(texts)} texts; a request may have {MAX_TEXTS}.")
    check_known(fields)
    markup = _parse_markup(fields)
    version = read_choice(fields, "tag_handling_version", _MARKUP_VERSIONS, "v2")
    default_split: Split = "across_lines" if markup and markup.kind == "html" else "sentences"
    return TranslateRequest(
        texts=texts,
        target_lang=read_required(fields, "target_lang"),
        source_lang=read_string(fields, "source_lang"),
        split=read_choice(fields, "split_sentences", _SPLITS, default_split),
        markup=markup,
        markup_version=version if markup else None,
        shows_billed=read_flag(fields, "show_billed_characters", True),
        model_type=_parse_model_type(fields),
        glossary_ids=parse_glossary_ids(fields),
        formality=read_formality(fields),
        preserve_formatting=read_flag(fields, "preserve_formatting", False),
        context=read_string(fields, "context"),
    )


def read_formality(fields: Fields) -> Formality:
    """How people shall be addressed.

    Raises:
        InvalidRequestError: there is no such form.
    """
    return read_choice(fields, "formality", _FORMALITIES, "default")


def check_known(fields: Fields) -> None:
    """Refuse what would change the translation elsewhere and is not here.

    Raises:
        InvalidRequestError: naming the field.
    """
    for name, what in _ELSEWHERE.items():
        if fields.get(name) not in (None, "", []):
            raise InvalidRequestError(f"'{name}' is not supported: this server has no {what}; leave it out.")


def _parse_model_type(fields: Fields) -> ModelType | None:
    if read_string(fields, "model_type") is None:
        return None
    return read_choice(fields, "model_type", _MODEL_TYPES, "quality_optimized")


def _parse_markup(fields: Fields) -> Options | None:
    """The options of tags; they are checked even where there is no `tag_handling` for them to change."""
    names = ("ignore_tags", "splitting_tags", "non_splitting_tags")
    ignored, splitting, others = (frozenset(_parse_tags(fields, name)) for name in names)
    outline = read_flag(fields, "outline_detection", True)
    attributes = read_flag(fields, "translate_attributes", False)
    if read_string(fields, "tag_handling") is None:
        return None
    kind = read_choice(fields, "tag_handling", _MARKUP_KINDS, "xml")
    return Options(kind, ignored, splitting, others, outline, attributes=attributes)


def _parse_tags(fields: Fields, name: str) -> tuple[str, ...]:
    tags = read_names(fields, name)
    if not all(map(_TAG_NAME.fullmatch, tags)):
        raise InvalidRequestError(f"Value for '{name}' not supported: it must be names of tags.")
    return tags


def parse_glossary_ids(fields: Fields) -> tuple[str, ...]:
    """The ids of the glossaries asked for, in order.

    Raises:
        InvalidRequestError: they are too many, given in both ways, or without a source language.
    """
    one, many = read_string(fields, "glossary_id"), read_names(fields, "glossary_ids")
    if one and many:
        raise InvalidRequestError("'glossary_id' and 'glossary_ids' cannot be used together.")
    if len(many) > MAX_GLOSSARIES_PER_REQUEST:
        raise InvalidRequestError(
            f"'glossary_ids' has {len(many)} ids; a request may have {MAX_GLOSSARIES_PER_REQUEST}."
        )
    ids = (one,) if one else many
    if ids and read_string(fields, "source_lang") is None:
        raise InvalidRequestError("Use of a glossary requires the 'source_lang' parameter to be specified.")
    return tuple(map(check_glossary_id, ids))


def check_glossary_id(glossary_id: str) -> str:
    """`glossary_id`, if it may be one.

    Raises:
        InvalidRequestError: it cannot be one.
    """
    if not _GLOSSARY_ID.fullmatch(glossary_id):
        raise InvalidRequestError("Invalid glossary id: it must be as it was answered when the glossary was created.")
    return glossary_id
