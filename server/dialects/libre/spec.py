"""The OpenAPI document of this dialect: what these endpoints take and give, and nothing that they do not."""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from server.bundle import LanguagePair
from server.dialects.libre.languages import shown_code
from server.documents.formats.registry import FORMATS, SUFFIXES
from server.openapi.parts import language
from server.settings import Limits
from server.translation.options import AUTO
from server.web.dialect import Schema

_STRING: Schema = {"type": "string"}
_STRINGS: Schema = {"type": "array", "items": _STRING}
_CONFIDENCE: Schema = {"type": "number", "minimum": 0, "maximum": 100}
_DETECTED: Schema = {"type": "object", "properties": {"confidence": _CONFIDENCE, "language": _STRING}}
_KEY: Schema = {"type": "string", "description": "Accepted and ignored: this server asks for no key."}

_JSON, _FORM, _MULTIPART = "application/json", "application/x-www-form-urlencoded", "multipart/form-data"
_ERRORS = {
    "400": "The request is wrong or too large.",
    "429": "Too busy; ask again later.",
    "500": "The server failed.",
    "503": "The server is about to stop.",
}


def build_document(limits: Limits, pairs: Sequence[LanguagePair]) -> Schema:
    """The document of this dialect alone, in the version of OpenAPI that its clients read."""
    return {
        "openapi": "3.0.3",
        "info": {"title": "Ferry, LibreTranslate-compatible endpoints", "version": _version()},
        "paths": libre_spec(limits, pairs)["paths"],
    }


def libre_spec(limits: Limits, pairs: Sequence[LanguagePair]) -> Schema:
    """Paths of this dialect, for a server with these limits that translates `pairs`; it has no components."""
    sources = [AUTO, *(shown_code(pair.source) for pair in pairs)]
    languages = {"source": language(sources), "target": language(shown_code(pair.target) for pair in pairs)}
    return {
        "components": {},
        "paths": {
            "/translate": {"post": _translate(limits, languages)},
            "/detect": {"post": _detect(limits)},
            "/languages": {"get": _get("The languages that there are.", _languages())},
            "/health": {"get": _get("Whether the server can translate.", _object(status=_STRING), "503")},
            "/frontend/settings": {"get": _get("What a web page for this server has to know.", {"type": "object"})},
            "/spec": {"get": _get("This document.", {"type": "object"})},
            "/suggest": {"post": {"summary": "Suggestions are not taken.", "responses": {"403": _error("Always.")}}},
            "/translate_file": {"post": _translate_file(languages)},
            "/download_file/{name}": {"get": _download_file()},
        },
    }


def _translate(limits: Limits, languages: Schema) -> Schema:
    text = {**_STRING, "maxLength": limits.max_text_chars}
    fields: Schema = {
        "q": {"oneOf": [text, {**_STRINGS, "maxItems": limits.max_texts}], "description": "A list as JSON only."},
        **languages,
        "format": {"type": "string", "enum": ["text", "html"], "default": "text"},
        "alternatives": {"type": "integer", "minimum": 0, "maximum": limits.max_beam_size - 1, "default": 0},
        "api_key": _KEY,
    }
    answer = _object(
        translatedText={"oneOf": [_STRING, _STRINGS]},
        detectedLanguage={"oneOf": [_DETECTED, {"type": "array", "items": _DETECTED}]},
        alternatives={"anyOf": [_STRINGS, {"type": "array", "items": _STRINGS}]},
    )
    body = {**_object(**fields), "required": ["q", "source", "target"]}
    return _post("Translate one or many texts.", body, (_JSON, _FORM, _MULTIPART), answer)


def _detect(limits: Limits) -> Schema:
    body = {**_object(q={**_STRING, "maxLength": limits.max_text_chars}, api_key=_KEY), "required": ["q"]}
    answer = {"type": "array", "items": _DETECTED}
    return _post("The languages a text may be in, likeliest first.", body, (_JSON, _FORM, _MULTIPART), answer)


def _translate_file(languages: Schema) -> Schema:
    file = {"type": "string", "format": "binary", "description": f"One of: {', '.join(SUFFIXES)}"}
    fields = _object(file=file, **languages, api_key=_KEY)
    body = {**fields, "required": ["file", "source", "target"]}
    return _post(
        "Translate a file.", body, (_MULTIPART,), _object(translatedFileUrl={"type": "string", "format": "uri"})
    )


def _download_file() -> Schema:
    content = {each.media_type: {"schema": _STRING} for each in FORMATS.values()}
    found = {"description": "The file; it can be fetched once.", "content": content}
    return {
        "summary": "Fetch a translated file.",
        "parameters": [{"name": "name", "in": "path", "required": True, "schema": _STRING}],
        "responses": {"200": found, "404": _error("It was fetched already, became too old, or never was.")},
    }


def _languages() -> Schema:
    return {"type": "array", "items": _object(code=_STRING, name=_STRING, targets=_STRINGS)}


def _get(summary: str, answer: Schema, *errors: str) -> Schema:
    return {"summary": summary, "responses": _responses(answer, errors)}


def _post(summary: str, body: Schema, media_types: tuple[str, ...], answer: Schema) -> Schema:
    content = {media_type: {"schema": body} for media_type in media_types}
    responses = _responses(answer, tuple(_ERRORS))
    return {"summary": summary, "requestBody": {"required": True, "content": content}, "responses": responses}


def _responses(answer: Schema, errors: tuple[str, ...]) -> Schema:
    found = {"description": "The answer.", "content": {_JSON: {"schema": answer}}}
    return {"200": found, **{status: _error(_ERRORS[status]) for status in errors}}


def _error(description: str) -> Schema:
    return {"description": description, "content": {_JSON: {"schema": _object(error=_STRING)}}}


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties}


def _version() -> str:
    try:
        return version("ferry-nmt")
    except PackageNotFoundError:  # run from its source, without having been installed
        return "0"
