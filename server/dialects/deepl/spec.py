"""The OpenAPI document's part for this dialect: what these endpoints take and give, and nothing that they do not."""

from collections.abc import Sequence

from server.bundle import LanguagePair
from server.dialects.deepl.documents_spec import COMPONENTS as DOCUMENT_COMPONENTS
from server.dialects.deepl.documents_spec import document_paths
from server.dialects.deepl.errors import ErrorAnswer
from server.dialects.deepl.languages import source_languages, target_languages
from server.dialects.deepl.schema import MAX_TEXTS, LanguageAnswer, TranslateAnswer, UsageAnswer
from server.openapi.parts import (
    FORM,
    JSON,
    STRING,
    answered,
    language,
    parameter,
    required_body,
    struct_schemas,
)
from server.settings import Limits
from server.storage.glossary_store import GlossaryInfo
from server.web.dialect import Schema

_REFERENCES, _COMPONENTS = struct_schemas(
    (TranslateAnswer, LanguageAnswer, UsageAnswer, GlossaryInfo, ErrorAnswer), "DeepL"
)
COMPONENTS = _COMPONENTS | DOCUMENT_COMPONENTS

_ERRORS = {
    400: "The request is wrong; the message names the parameter.",
    403: "The key is missing or unknown.",
    404: "There is no such thing.",
    413: "The request is over a limit, which the message names.",
    429: "Too busy for now; ask again later.",
    456: "The characters that the operator allows have been translated.",
    500: "The server failed.",
    503: "The server is about to stop.",
}
_STRINGS: Schema = {"type": "array", "items": STRING}
_NAMES: Schema = {"anyOf": [STRING, _STRINGS], "description": "Names of tags, or one string with commas."}
_GLOSSARY_ID = parameter("glossary_id", "path", "A glossary's id, as it was told when it was created.")


def deepl_spec(limits: Limits, pairs: Sequence[LanguagePair]) -> Schema:
    """Paths and components of this dialect, for a server that translates `pairs`; its own limits are not told here."""
    return {"paths": deepl_paths(pairs), "components": COMPONENTS}


def deepl_paths(pairs: Sequence[LanguagePair]) -> Schema:
    """The paths of this dialect, for a server that translates `pairs`."""
    usage = _operation("Characters translated.", _REFERENCES[UsageAnswer], 500)
    return {
        "/v2/translate": {"post": _translate(pairs)},
        "/v2/languages": {"get": _languages()},
        "/v2/usage": {"get": usage},
        "/v2/glossary-language-pairs": {"get": _operation("Directions a glossary may have.", _glossary_pairs(), 500)},
        "/v2/glossaries": {"get": _list_glossaries(), "post": _create_glossary(pairs)},
        "/v2/glossaries/{glossary_id}": {
            "get": _of_glossary("A glossary, without its entries.", _REFERENCES[GlossaryInfo]),
            "delete": _delete_glossary(),
        },
        "/v2/glossaries/{glossary_id}/entries": {
            "get": _of_glossary("The entries of a glossary.", STRING, "text/tab-separated-values"),
        },
        **document_paths(pairs),
    }


def _translate(pairs: Sequence[LanguagePair]) -> Schema:
    texts: Schema = {"type": "array", "items": STRING, "minItems": 1, "maxItems": MAX_TEXTS}
    fields: Schema = {
        "text": {"anyOf": [{**STRING, "minLength": 1}, texts]},
        "target_lang": language(each.language for each in target_languages(pairs))
        | {"description": "In any case of letters; EN is good as well."},
        "source_lang": language(each.language for each in source_languages(pairs))
        | {"description": "The language is detected if it is not given."},
        "split_sentences": {"type": "string", "enum": ["0", "1", "nonewlines"]},
        "tag_handling": {"type": "string", "enum": ["html", "xml"]},
        "tag_handling_version": {"type": "string", "enum": ["v1", "v2"]},
        "ignore_tags": _NAMES,
        "splitting_tags": _NAMES,
        "non_splitting_tags": _NAMES,
        "outline_detection": {"type": "boolean"},
        "formality": {"type": "string", "enum": ["default", "prefer_more", "prefer_less"]},
        "glossary_id": {**STRING, "description": "Needs `source_lang`."},
        "model_type": {
            "type": "string",
            "enum": ["quality_optimized", "prefer_quality_optimized", "latency_optimized"],
        },
        "context": {**STRING, "description": "Accepted; it changes nothing."},
        "preserve_formatting": {"type": "boolean", "description": "Accepted; formatting is always kept."},
    }
    body = {"type": "object", "properties": fields, "required": ["text", "target_lang"]}
    return {
        "summary": f"Translate 1 to {MAX_TEXTS} texts.",
        "requestBody": required_body(body, JSON, FORM),
        "responses": _responses(_REFERENCES[TranslateAnswer], 400, 403, 404, 413, 429, 456, 500, 503),
    }


def _languages() -> Schema:
    languages = {"type": "array", "items": _REFERENCES[LanguageAnswer]}
    kind = parameter("type", "query", "Which of the two.", {"type": "string", "enum": ["source", "target"]})
    return _operation("Languages from which or into which is translated.", languages, 400, 500) | {"parameters": [kind]}


def _glossary_pairs() -> Schema:
    pair = {"type": "object", "properties": {"source_lang": STRING, "target_lang": STRING}}
    return {"type": "object", "properties": {"supported_languages": {"type": "array", "items": pair}}}


def _list_glossaries() -> Schema:
    glossaries = {"type": "array", "items": _REFERENCES[GlossaryInfo]}
    return _operation("All glossaries.", {"type": "object", "properties": {"glossaries": glossaries}}, 500)


def _create_glossary(pairs: Sequence[LanguagePair]) -> Schema:
    fields = dict.fromkeys(("name", "source_lang", "target_lang", "entries"), STRING)
    kinds: Schema = {"type": "string", "enum": ["tsv", "csv"]}
    body = {
        "type": "object",
        "properties": fields | {"entries_format": kinds},
        "required": [*fields, "entries_format"],
    }
    return {
        "summary": "Store a glossary.",
        "requestBody": required_body(body, JSON, FORM),
        "responses": {"201": answered("It is stored.", _REFERENCES[GlossaryInfo]), **_errors(400, 403, 413, 500)},
    }


def _of_glossary(summary: str, schema: Schema, *media_types: str) -> Schema:
    responses = {"200": answered(summary, schema, *media_types), **_errors(403, 404, 500)}
    return {"summary": summary, "parameters": [_GLOSSARY_ID], "responses": responses}


def _delete_glossary() -> Schema:
    responses = {"204": answered("It is gone."), **_errors(403, 404, 500)}
    return {"summary": "Remove a glossary.", "parameters": [_GLOSSARY_ID], "responses": responses}


def _operation(summary: str, schema: Schema, *errors: int) -> Schema:
    return {"summary": summary, "responses": _responses(schema, 403, *errors)}


def _responses(schema: Schema, *errors: int) -> Schema:
    return {"200": answered("The answer.", schema), **_errors(*errors)}


def _errors(*statuses: int) -> Schema:
    return {str(status): answered(_ERRORS[status], _REFERENCES[ErrorAnswer]) for status in sorted(set(statuses))}
