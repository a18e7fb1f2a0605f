"""The endpoints of the dialect.

A key is sent as `Authorization: DeepL-Auth-Key …`; where the server asks for none, whatever is sent is accepted.
"""

from collections.abc import Sequence
from functools import partial

from msgspec import UNSET
from starlette.responses import Response
from starlette.routing import Route

from server.bundle import LanguagePair
from server.dialects.deepl.documents import FindEntries, build_document_routes
from server.dialects.deepl.errors import refuse
from server.dialects.deepl.fields import Fields, read_fields, read_string
from server.dialects.deepl.glossaries import Glossaries
from server.dialects.deepl.languages import (
    check_formality,
    find_language,
    list_resource_languages,
    list_resources,
    list_source_languages,
    list_target_languages,
)
from server.dialects.deepl.schema import (
    ProductUsage,
    TranslateAnswer,
    TranslateRequest,
    TranslationAnswer,
    UsageAnswer,
    parse_translate,
)
from server.dialects.deepl.spec import load_deepl_spec
from server.dialects.deepl.translate import translate_texts
from server.dialects.terms import find_entries
from server.documents.jobs import Documents
from server.errors import InvalidRequestError
from server.storage.glossary_store import GlossaryStore
from server.translation.assemble import Translation
from server.web.answers import json_answer
from server.web.callers import identify, seconds_allowed, unless_gone
from server.web.dialect import Dialect
from server.web.state import FerryRequest

MAX_BODY_BYTES = 128 << 10
# What clients read as no limit; they compute with it, so there must be a number.
UNLIMITED = 1_000_000_000_000


def build_deepl_dialect(store: GlossaryStore, documents: Documents) -> Dialect:
    """All that is under /v2 and /v3."""
    glossaries = Glossaries(store)
    find = partial(find_entries, store)
    shared = _Endpoints(find)
    routes = [
        Route("/v2/translate", shared.translate, methods=["POST"]),
        Route("/v2/languages", shared.list_languages, methods=["GET", "POST"]),
        Route("/v3/languages", shared.list_resource_languages),
        Route("/v3/languages/resources", shared.list_resources),
        Route("/v2/usage", shared.show_usage, methods=["GET", "POST"]),
        *glossaries.routes(),
        *build_document_routes(documents, find),
    ]
    crowded = frozenset({"/v2/translate"})
    return Dialect("DeepL-compatible", routes, refuse, load_deepl_spec(), crowded, ("/v2/", "/v3/"))


class _Endpoints:
    """The endpoints and what they share."""

    def __init__(self, find_entries: FindEntries) -> None:
        self._find_entries = find_entries

    async def translate(self, request: FerryRequest) -> Response:
        """Translate 1 to 50 texts."""
        client = identify(request)
        asked = parse_translate(await _read(request, MAX_BODY_BYTES))
        translator, pairs = request.state["translator"], _pairs(request)
        target = _find_target(asked.target_lang, pairs)
        source = None if asked.source_lang is None else _find_source(asked.source_lang, pairs)
        check_formality(asked.formality, source, target, pairs)
        entries = await self._find_entries(client, asked.glossary_ids, source, target)
        num_chars = sum(map(len, asked.texts))
        async with request.state["access"].granted(client, num_chars):
            deadline_s = seconds_allowed(request, num_chars)
            work = translate_texts(translator, asked, source, target, entries, deadline_s, client.caller)
            translations = await unless_gone(request.receive, work)
        return json_answer(_build_answer(asked, translations))

    async def list_languages(self, request: FerryRequest) -> Response:
        """Languages from which or into which is translated; `type` may be in the query or, even on GET, the body."""
        identify(request)  # clients try their key here
        fields = {**await _read(request, MAX_BODY_BYTES), **request.query_params}
        listed = {"source": list_source_languages, "target": list_target_languages}
        kind = read_string(fields, "type") or "source"
        if kind not in listed:
            raise InvalidRequestError("Parameter 'type' is invalid. 'source' and 'target' are valid values.")
        return json_answer(listed[kind](_pairs(request)))

    async def list_resource_languages(self, request: FerryRequest) -> Response:
        """The languages of one resource, in both roles."""
        identify(request)
        return json_answer(list_resource_languages(_pairs(request), request.query_params.get("resource")))

    async def list_resources(self, request: FerryRequest) -> Response:
        """What languages can be asked for."""
        identify(request)
        return json_answer(list_resources(_pairs(request)))

    async def show_usage(self, request: FerryRequest) -> Response:
        """How much has been translated."""
        client = identify(request)
        limit = UNLIMITED if client.character_limit is None else client.character_limit
        count = await request.state["access"].usage.count(client.name)
        return json_answer(UsageAnswer(count, limit, count, limit, [ProductUsage("translate", count, count)]))


async def _read(request: FerryRequest, max_bytes: int) -> Fields:
    return await read_fields(request, min(max_bytes, request.state["settings"].max_body_bytes))


def _pairs(request: FerryRequest) -> list[LanguagePair]:
    return request.state["translator"].models.pairs


def _find_source(code: str, pairs: list[LanguagePair]) -> str:
    return find_language(code, (pair.source for pair in pairs), "source_lang")


def _find_target(code: str, pairs: list[LanguagePair]) -> str:
    return find_language(code, (pair.target for pair in pairs), "target_lang")


def _build_answer(asked: TranslateRequest, translations: Sequence[Translation]) -> TranslateAnswer:
    return TranslateAnswer(
        [
            TranslationAnswer(
                detected_source_language=translation.source.upper(),
                text=translation.text,
                billed_characters=len(text) if asked.shows_billed else UNSET,
                model_type_used=asked.model_type or UNSET,
                tag_handling_version=asked.markup_version or UNSET,
            )
            for text, translation in zip(asked.texts, translations, strict=True)
        ]
    )
