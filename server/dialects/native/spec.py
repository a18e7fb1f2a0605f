"""The document's part for our own dialect, and for what belongs to none: health and metrics."""

from collections.abc import Sequence

from server.bundle import LanguagePair
from server.dialects.native.schema import (
    DetectAnswer,
    DetectBody,
    DoneAnswer,
    ModelsAnswer,
    PieceAnswer,
    StatusAnswer,
    TextAnswer,
    TranslateAnswer,
    TranslateBody,
)
from server.dialects.native.streaming import MEDIA_TYPE
from server.openapi.parts import STRING, answered, language, parameter, required_body, struct_schemas
from server.settings import Limits
from server.translation.options import AUTO, MAX_LENGTH_PENALTY
from server.web.answers import ErrorAnswer
from server.web.dialect import Schema

_KINDS = (
    *(TranslateBody, TranslateAnswer, PieceAnswer, DoneAnswer, DetectBody, DetectAnswer),
    *(ModelsAnswer, StatusAnswer, TextAnswer, ErrorAnswer),
)
_REFERENCES, _COMPONENTS = struct_schemas(_KINDS)

_ERRORS = {
    400: "The request is wrong; `field` says where.",
    403: "The key is missing or unknown.",
    408: "The request did not come in time.",
    413: "The request is over a limit, which the message names.",
    429: "The caller has asked for more than it may for now.",
    500: "The server failed.",
    503: "Too busy, or about to stop; ask again after `Retry-After` seconds.",
    504: "The deadline passed before the translation was complete.",
}


def native_spec(limits: Limits, pairs: Sequence[LanguagePair]) -> Schema:
    """Paths and components of this dialect, for a server with these limits that translates `pairs`."""
    return {"paths": native_paths(), "components": native_components(limits, pairs)}


def native_paths() -> Schema:
    """The paths of this dialect."""
    return {
        "/v1/translate": {"post": _translate()},
        "/v1/detect": {"post": _detect()},
        "/v1/models": {"get": _get("The models, their language pairs and their quality.", ModelsAnswer)},
        "/translate": {"get": _translate_in_address()},
        "/health/live": {"get": _get("Whether the process answers.", StatusAnswer)},
        "/health/ready": {"get": _get("Whether it can translate.", StatusAnswer, 503)},
        "/metrics": {
            "get": {
                "summary": "Counters for Prometheus.",
                "responses": {"200": answered("In Prometheus' text format.", STRING, "text/plain")},
            }
        },
    }


def native_components(limits: Limits, pairs: Sequence[LanguagePair]) -> Schema:
    """The schemas that the paths refer to; what this server limits and translates is in them."""
    body = _COMPONENTS[TranslateBody.__name__]
    fields = body["properties"]
    texts = {**STRING, "maxLength": limits.max_text_chars}
    narrowed = {
        "source": {**language([AUTO, *(pair.source for pair in pairs)]), "default": AUTO},
        "target": language(pair.target for pair in pairs),
        "text": {"anyOf": [texts, {"type": "array", "items": texts, "maxItems": limits.max_texts}]},
        "beam_size": {"type": ["integer", "null"], "minimum": 1, "maximum": limits.max_beam_size, "default": None},
        "num_alternatives": {"type": "integer", "minimum": 0, "maximum": limits.max_beam_size - 1, "default": 0},
        "length_penalty": {"type": ["number", "null"], "minimum": 0, "maximum": MAX_LENGTH_PENALTY, "default": None},
    }
    return {**_COMPONENTS, TranslateBody.__name__: {**body, "properties": {**fields, **narrowed}}}


def _translate() -> Schema:
    piece, done, error = (_REFERENCES[kind] for kind in (PieceAnswer, DoneAnswer, ErrorAnswer))
    answer = answered("The translations, in the order of the texts.", _REFERENCES[TranslateAnswer])
    line = {"anyOf": [piece, done, error], "description": "One such object a line; the last is done, or an error."}
    answer["content"][MEDIA_TYPE] = {"itemSchema": line}
    return {
        "summary": "Translate one or many texts.",
        "requestBody": required_body(_REFERENCES[TranslateBody]),
        "responses": {"200": answer, **_errors(400, 403, 408, 413, 429, 500, 503, 504)},
    }


def _detect() -> Schema:
    return {
        "summary": "Tell which of the served languages one or many texts are in.",
        "requestBody": required_body(_REFERENCES[DetectBody]),
        "responses": {
            "200": answered("One detection for each text.", _REFERENCES[DetectAnswer]),
            **_errors(400, 403, 408, 413, 429, 500, 503),
        },
    }


def _translate_in_address() -> Schema:
    return {
        "summary": "Translate a text in the address, for a browser's address line.",
        "parameters": [
            {**parameter("q", "query", "The text."), "required": True},
            parameter("source", "query", "The first pair that fits is taken if it is not given."),
            parameter("target", "query", "The same."),
        ],
        "responses": {
            "200": answered("The translation.", _REFERENCES[TextAnswer]),
            **_errors(400, 403, 413, 429, 500, 503, 504),
        },
    }


def _get(summary: str, kind: type, *errors: int) -> Schema:
    return {"summary": summary, "responses": {"200": answered(summary, _REFERENCES[kind]), **_errors(*errors)}}


def _errors(*statuses: int) -> Schema:
    return {str(status): answered(_ERRORS[status], _REFERENCES[ErrorAnswer]) for status in statuses}
