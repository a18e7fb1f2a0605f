"""The OpenAPI document's part for the documents of this dialect."""

from collections.abc import Sequence

from server.bundle import LanguagePair
from server.dialects.deepl.documents import DocumentAnswer, DocumentStatusAnswer
from server.dialects.deepl.errors import ErrorAnswer
from server.dialects.deepl.languages import source_languages, target_languages
from server.documents.formats.registry import FORMATS, SUFFIXES
from server.openapi.parts import (
    FORM,
    JSON,
    MULTIPART,
    STRING,
    answered,
    language,
    parameter,
    required_body,
    struct_schemas,
)
from server.web.dialect import Schema

_REFERENCES, COMPONENTS = struct_schemas((DocumentAnswer, DocumentStatusAnswer, ErrorAnswer), "DeepL")

_ERRORS = {
    400: "The request or the document is wrong; the message says what.",
    403: "The key is missing or unknown.",
    404: "There is no such document: the id or the key is wrong, or it was fetched already.",
    413: "The document or the request is over a limit, which the message names.",
    429: "The stored documents take all the space they may; ask again later.",
    456: "The characters that the operator allows have been translated.",
    500: "The server failed.",
    503: "The document is not translated yet, or could not be stored.",
}
_DOCUMENT_ID = parameter("document_id", "path", "A document's id, as it was told when it was uploaded.")
_KEY = {"type": "object", "properties": {"document_key": STRING}, "required": ["document_key"]}
_KEY_IN_QUERY = parameter("document_key", "query", "The document's key.") | {"required": True}


def document_paths(pairs: Sequence[LanguagePair]) -> Schema:
    """The paths under /v2/document, for a server that translates `pairs`."""
    status = {
        "200": answered("How far it is.", _REFERENCES[DocumentStatusAnswer]),
        **_errors(400, 403, 404, 413, 500),
    }
    binary: Schema = {"type": "string", "format": "binary"}
    media_types = [each.media_type for each in FORMATS.values()]
    result = {"200": answered("The document.", binary, *media_types), **_errors(400, 403, 404, 413, 500, 503)}
    return {
        "/v2/document": {"post": _upload(pairs)},
        "/v2/document/{document_id}": _asked("How far a document is.", status),
        "/v2/document/{document_id}/result": _asked("A translated document; it can be fetched once.", result),
    }


def _upload(pairs: Sequence[LanguagePair]) -> Schema:
    fields: Schema = {
        "file": {"type": "string", "format": "binary", "description": f"Its name ends in {', '.join(SUFFIXES)}."},
        "target_lang": language(each.language for each in target_languages(pairs)),
        "source_lang": language(each.language for each in source_languages(pairs))
        | {"description": "The language is detected if it is not given."},
        "filename": {**STRING, "description": "The name of the file, if the file part has none."},
        "formality": {"type": "string", "enum": ["default", "prefer_more", "prefer_less"]},
        "glossary_id": {**STRING, "description": "Needs `source_lang`."},
        "output_format": {"type": "string", "description": "Only the format of the document itself."},
    }
    body = {"type": "object", "properties": fields, "required": ["file", "target_lang"]}
    accepted = answered("It waits to be translated.", _REFERENCES[DocumentAnswer])
    return {
        "summary": "Upload a document to be translated.",
        "requestBody": required_body(body, MULTIPART),
        "responses": {"200": accepted, **_errors(400, 403, 404, 413, 429, 456, 500, 503)},
    }


def _asked(summary: str, responses: Schema) -> Schema:
    """An operation on one document, whose key may come in two ways."""
    by_query = {"summary": summary, "parameters": [_DOCUMENT_ID, _KEY_IN_QUERY], "responses": responses}
    by_body = {"summary": summary, "parameters": [_DOCUMENT_ID], "requestBody": required_body(_KEY, JSON, FORM)}
    return {"get": by_query, "post": {**by_body, "responses": responses}}


def _errors(*statuses: int) -> Schema:
    return {str(status): answered(_ERRORS[status], _REFERENCES[ErrorAnswer]) for status in statuses}
