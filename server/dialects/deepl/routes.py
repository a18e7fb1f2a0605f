"""The endpoints of the dialect.

A key is sent as `Authorization: DeepL-Auth-Key …`; where the server asks for none, whatever is sent is accepted.
"""

import asyncio
from collections.abc import Mapping, Sequence

from msgspec import UNSET
from starlette.responses import Response
from starlette.routing import Route

from server.access.access import Client
from server.bundle import LanguagePair
from server.dialects.deepl.documents import build_document_routes
from server.dialects.deepl.entries import EntriesFormat, find_fault, format_entries, parse_entries
from server.dialects.deepl.errors import refuse
from server.dialects.deepl.fields import Fields, read_choice, read_fields, read_required, read_string
from server.dialects.deepl.languages import find_language, list_source_languages, list_target_languages
from server.dialects.deepl.schema import (
    TranslateAnswer,
    TranslateRequest,
    TranslationAnswer,
    UsageAnswer,
    check_glossary_id,
    parse_translate,
)
from server.dialects.deepl.spec import load_deepl_spec
from server.dialects.deepl.translate import translate_texts
from server.documents.jobs import Documents
from server.errors import InvalidRequestError
from server.storage.glossary_store import GlossaryInfo, GlossaryStore
from server.translation.assemble import Translation
from server.web.answers import json_answer
from server.web.callers import identify, seconds_allowed, unless_gone
from server.web.dialect import Dialect
from server.web.state import FerryRequest

MAX_BODY_BYTES = 128 << 10
# What clients read as no limit; they compute with it, so there must be a number.
UNLIMITED = 1_000_000_000_000
MAX_GLOSSARY_BYTES = 11 << 20  # 10 MiB of entries and what JSON adds; --max-body-bytes is usually less

_FORMATS: dict[str, EntriesFormat] = {"tsv": "tsv", "csv": "csv"}


def build_deepl_dialect(glossaries: GlossaryStore, documents: Documents) -> Dialect:
    """All that is under /v2."""
    shared = _Endpoints(glossaries)
    one = "/v2/glossaries/{glossary_id}"
    routes = [
        Route("/v2/translate", shared.translate, methods=["POST"]),
        Route("/v2/languages", shared.list_languages, methods=["GET", "POST"]),
        Route("/v2/usage", shared.show_usage, methods=["GET", "POST"]),
        Route("/v2/glossary-language-pairs", shared.list_glossary_pairs),
        Route("/v2/glossaries", shared.list_glossaries),
        Route("/v2/glossaries", shared.create_glossary, methods=["POST"]),
        Route(one, shared.show_glossary),
        Route(one, shared.delete_glossary, methods=["DELETE"]),
        Route(f"{one}/entries", shared.show_entries),
        *build_document_routes(documents, shared.find_entries),
    ]
    crowded = frozenset({"/v2/translate"})
    return Dialect("DeepL-compatible", routes, refuse, load_deepl_spec(), crowded, ("/v2/", "/v3/"))


class _Endpoints:
    """The endpoints and what they share."""

    def __init__(self, glossaries: GlossaryStore) -> None:
        self._glossaries = glossaries

    async def translate(self, request: FerryRequest) -> Response:
        """Translate 1 to 50 texts."""
        client = identify(request)
        asked = parse_translate(await _read(request, MAX_BODY_BYTES))
        translator, pairs = request.state["translator"], _pairs(request)
        target = _find_target(asked.target_lang, pairs)
        source = None if asked.source_lang is None else _find_source(asked.source_lang, pairs)
        entries = await self.find_entries(client, asked.glossary_ids, source, target)
        num_chars = sum(map(len, asked.texts))
        async with request.state["access"].granted(client, num_chars):
            deadline_s = seconds_allowed(request, num_chars)
            work = translate_texts(translator, asked, source, target, entries, deadline_s, client.caller)
            translations = await unless_gone(request.receive, work)
        return json_answer(_build_answer(asked, translations))

    async def find_entries(
        self, client: Client, glossary_ids: tuple[str, ...], source: str | None, target: str
    ) -> Mapping[str, str]:
        """The entries of all glossaries asked for; of two for the same term the first counts."""
        entries: dict[str, str] = {}
        for glossary_id in glossary_ids:
            glossary = await asyncio.to_thread(self._glossaries.get, client.name, glossary_id)
            if (glossary.info.source_lang, glossary.info.target_lang) != (source, target):
                raise InvalidRequestError(
                    "No dictionary found for language pair: the glossary's is not 'source_lang' and 'target_lang'; "
                    f"it is {glossary.info.source_lang}-{glossary.info.target_lang}."
                )
            entries = {**glossary.entries, **entries}
        return entries

    async def list_languages(self, request: FerryRequest) -> Response:
        """Languages from which or into which is translated; `type` may be in the query or, even on GET, the body."""
        identify(request)  # clients try their key here
        fields = {**await _read(request, MAX_BODY_BYTES), **request.query_params}
        listed = {"source": list_source_languages, "target": list_target_languages}
        kind = read_string(fields, "type") or "source"
        if kind not in listed:
            raise InvalidRequestError("Parameter 'type' is invalid. 'source' and 'target' are valid values.")
        return json_answer(listed[kind](_pairs(request)))

    async def show_usage(self, request: FerryRequest) -> Response:
        """How much has been translated."""
        client = identify(request)
        limit = UNLIMITED if client.character_limit is None else client.character_limit
        return json_answer(UsageAnswer(await request.state["access"].usage.count(client.name), limit))

    async def list_glossary_pairs(self, request: FerryRequest) -> Response:
        """The directions that a glossary may have: all there are."""
        identify(request)
        served = dict.fromkeys((pair.source, pair.target) for pair in _pairs(request))
        return json_answer({"supported_languages": [{"source_lang": s, "target_lang": t} for s, t in served]})

    async def list_glossaries(self, request: FerryRequest) -> Response:
        """All glossaries, without their entries."""
        return json_answer({"glossaries": await asyncio.to_thread(self._glossaries.infos, identify(request).name)})

    async def create_glossary(self, request: FerryRequest) -> Response:
        """Check and store a glossary."""
        owner = identify(request).name
        fields = await _read(request, MAX_GLOSSARY_BYTES)
        created = await asyncio.to_thread(_create, self._glossaries, owner, fields, _pairs(request))
        return json_answer(created, 201)

    async def show_glossary(self, request: FerryRequest) -> Response:
        """One glossary, without its entries."""
        return json_answer(
            await asyncio.to_thread(self._glossaries.info, identify(request).name, _glossary_id(request))
        )

    async def show_entries(self, request: FerryRequest) -> Response:
        """The entries of a glossary as TSV."""
        glossary = await asyncio.to_thread(self._glossaries.get, identify(request).name, _glossary_id(request))
        return Response(format_entries(glossary.entries), media_type="text/tab-separated-values")

    async def delete_glossary(self, request: FerryRequest) -> Response:
        """Remove a glossary."""
        await asyncio.to_thread(self._glossaries.delete, identify(request).name, _glossary_id(request))
        return Response(status_code=204)


def _create(store: GlossaryStore, owner: str, fields: Fields, pairs: list[LanguagePair]) -> GlossaryInfo:
    name = read_required(fields, "name")
    if fault := find_fault(name):
        raise InvalidRequestError(f"Parameter 'name' {fault}.")
    source = _find_source(read_required(fields, "source_lang"), pairs)
    target = _find_target(read_required(fields, "target_lang"), pairs)
    if not any((pair.source, pair.target) == (source, target) for pair in pairs):
        raise InvalidRequestError("Unsupported glossary source and target language pair")
    read_required(fields, "entries_format")
    kind = read_choice(fields, "entries_format", _FORMATS, "tsv")
    entries = parse_entries(read_required(fields, "entries"), kind, source, target)
    return store.create(owner, name, source, target, entries)


async def _read(request: FerryRequest, max_bytes: int) -> Fields:
    return await read_fields(request, min(max_bytes, request.state["settings"].max_body_bytes))


def _pairs(request: FerryRequest) -> list[LanguagePair]:
    return request.state["translator"].models.pairs


def _find_source(code: str, pairs: list[LanguagePair]) -> str:
    return find_language(code, (pair.source for pair in pairs), "source_lang")


def _find_target(code: str, pairs: list[LanguagePair]) -> str:
    return find_language(code, (pair.target for pair in pairs), "target_lang")


def _glossary_id(request: FerryRequest) -> str:
    glossary_id = request.path_params["glossary_id"]
    assert isinstance(glossary_id, str)
    return check_glossary_id(glossary_id)


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
