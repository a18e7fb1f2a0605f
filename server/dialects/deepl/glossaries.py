"""The endpoints of the dialect for glossaries: /v3, where one has a dictionary a direction, and /v2, where it has one.

Both are over one store. A glossary of several dictionaries is not shown under /v2, whose clients could not read it.
"""

import asyncio
import re
from collections.abc import Sequence

from starlette.responses import Response
from starlette.routing import Route

from server.bundle import LanguagePair
from server.dialects.deepl.entries import EntriesFormat, find_fault, format_entries, parse_entries
from server.dialects.deepl.fields import Fields, read_choice, read_fields, read_required
from server.dialects.deepl.languages import find_language
from server.dialects.deepl.schema import (
    DictionaryEntries,
    EntriesAnswer,
    MonolingualGlossary,
    check_glossary_id,
)
from server.errors import GlossaryNotFoundError, InvalidRequestError
from server.storage.glossary_store import DictionaryInfo, Direction, Entries, GlossaryInfo, GlossaryStore
from server.web.answers import json_answer
from server.web.callers import identify
from server.web.state import FerryRequest

MAX_GLOSSARY_BYTES = 11 << 20  # 10 MiB of entries and what JSON adds; --max-body-bytes is usually less

_FORMATS: dict[str, EntriesFormat] = {"tsv": "tsv", "csv": "csv"}
_FORM_FIELD = re.compile(r"dictionaries\[(\d{1,3})\](?:\.(\w+)|\[(\w+)\])", re.ASCII)


class Glossaries:
    """The endpoints and the store that they are over."""

    def __init__(self, store: GlossaryStore) -> None:
        self._store = store

    def routes(self) -> list[Route]:
        """All of them."""
        two, three = "/v2/glossaries", "/v3/glossaries"
        return [
            Route("/v2/glossary-language-pairs", list_pairs),
            Route(two, self.list_monolingual),
            Route(two, self.create_monolingual, methods=["POST"]),
            Route(f"{two}/{{glossary_id}}", self.show_monolingual),
            Route(f"{two}/{{glossary_id}}", self.delete, methods=["DELETE"]),
            Route(f"{two}/{{glossary_id}}/entries", self.show_monolingual_entries),
            Route(three, self.list_all),
            Route(three, self.create, methods=["POST"]),
            Route(f"{three}/{{glossary_id}}", self.show),
            Route(f"{three}/{{glossary_id}}", self.change, methods=["PATCH"]),
            Route(f"{three}/{{glossary_id}}", self.delete, methods=["DELETE"]),
            Route(f"{three}/{{glossary_id}}/entries", self.show_entries),
            Route(f"{three}/{{glossary_id}}/dictionaries", self.replace_dictionary, methods=["PUT"]),
            Route(f"{three}/{{glossary_id}}/dictionaries", self.delete_dictionary, methods=["DELETE"]),
        ]

    async def list_all(self, request: FerryRequest) -> Response:
        """All glossaries, without their entries."""
        return json_answer({"glossaries": await asyncio.to_thread(self._store.infos, identify(request).name)})

    async def create(self, request: FerryRequest) -> Response:
        """Check and store a glossary.

        Raises:
            InvalidRequestError: what was sent is none, or there are too many.
        """
        owner, fields = identify(request).name, await _read(request)
        name, dictionaries = _read_name(fields), await asyncio.to_thread(_read_dictionaries, fields, _pairs(request))
        if not dictionaries:
            raise InvalidRequestError("Parameter 'dictionaries' not specified.")
        return json_answer(await asyncio.to_thread(self._store.create, owner, name, dictionaries), 201)

    async def show(self, request: FerryRequest) -> Response:
        """One glossary, without its entries."""
        return json_answer(await asyncio.to_thread(self._store.info, identify(request).name, _glossary_id(request)))

    async def change(self, request: FerryRequest) -> Response:
        """Another name, and entries beside those that are there or in the place of those for the same term.

        Raises:
            InvalidRequestError: there is neither in what was sent, or it is wrong.
            GlossaryNotFoundError: the client has none with this id.
        """
        owner, glossary_id, fields = identify(request).name, _glossary_id(request), await _read(request)
        name = _read_name(fields) if fields.get("name") is not None else ""
        dictionaries = await asyncio.to_thread(_read_dictionaries, fields, _pairs(request))
        if not name and not dictionaries:
            raise InvalidRequestError("Parameters 'name' and 'dictionaries' not specified; one must be.")
        return json_answer(
            await asyncio.to_thread(self._store.put, owner, glossary_id, dictionaries, keep=True, name=name)
        )

    async def delete(self, request: FerryRequest) -> Response:
        """Remove a glossary."""
        await asyncio.to_thread(self._store.delete, identify(request).name, _glossary_id(request))
        return Response(status_code=204)

    async def show_entries(self, request: FerryRequest) -> Response:
        """The entries of one direction, as TSV within JSON."""
        owner, glossary_id = identify(request).name, _glossary_id(request)
        source, target = direction = _read_direction(request.query_params, _pairs(request))
        entries = await asyncio.to_thread(self._store.entries, owner, glossary_id, direction)
        return json_answer(EntriesAnswer([DictionaryEntries(source, target, format_entries(entries))]))

    async def replace_dictionary(self, request: FerryRequest) -> Response:
        """The entries of one direction, instead of those that are there."""
        owner, glossary_id, fields = identify(request).name, _glossary_id(request), await _read(request)
        direction, entries = await asyncio.to_thread(_read_dictionary, fields, _pairs(request))
        await asyncio.to_thread(self._store.put, owner, glossary_id, {direction: entries}, keep=False)
        return json_answer(DictionaryInfo(*direction, len(entries)))

    async def delete_dictionary(self, request: FerryRequest) -> Response:
        """Remove the entries of one direction."""
        owner, glossary_id = identify(request).name, _glossary_id(request)
        direction = _read_direction(request.query_params, _pairs(request))
        await asyncio.to_thread(self._store.delete_dictionary, owner, glossary_id, direction)
        return Response(status_code=204)

    async def list_monolingual(self, request: FerryRequest) -> Response:
        """All glossaries of one direction, without their entries."""
        infos = await asyncio.to_thread(self._store.infos, identify(request).name)
        return json_answer({"glossaries": [_as_monolingual(each) for each in infos if len(each.dictionaries) == 1]})

    async def create_monolingual(self, request: FerryRequest) -> Response:
        """Check and store a glossary of one direction."""
        owner, fields = identify(request).name, await _read(request)
        name = _read_name(fields)
        direction, entries = await asyncio.to_thread(_read_dictionary, fields, _pairs(request))
        created = await asyncio.to_thread(self._store.create, owner, name, {direction: entries})
        return json_answer(_as_monolingual(created), 201)

    async def show_monolingual(self, request: FerryRequest) -> Response:
        """One glossary of one direction, without its entries."""
        return json_answer(_as_monolingual(await self._info(request)))

    async def show_monolingual_entries(self, request: FerryRequest) -> Response:
        """The entries of a glossary of one direction as TSV."""
        found = _as_monolingual(await self._info(request))
        owner, direction = identify(request).name, (found.source_lang, found.target_lang)
        entries = await asyncio.to_thread(self._store.entries, owner, found.glossary_id, direction)
        return Response(format_entries(entries), media_type="text/tab-separated-values")

    async def _info(self, request: FerryRequest) -> GlossaryInfo:
        return await asyncio.to_thread(self._store.info, identify(request).name, _glossary_id(request))


async def list_pairs(request: FerryRequest) -> Response:
    """The directions that a glossary may have: all there are."""
    identify(request)
    served = dict.fromkeys((pair.source, pair.target) for pair in _pairs(request))
    return json_answer({"supported_languages": [{"source_lang": s, "target_lang": t} for s, t in served]})


def _as_monolingual(info: GlossaryInfo) -> MonolingualGlossary:
    if len(info.dictionaries) != 1:
        raise GlossaryNotFoundError(
            f"There is no glossary with this id and one dictionary; this one has {len(info.dictionaries)}: "
            "ask /v3/glossaries for it."
        )
    [only] = info.dictionaries
    return MonolingualGlossary(
        info.glossary_id, info.name, True, only.source_lang, only.target_lang, info.creation_time, only.entry_count
    )


def _read_name(fields: Fields) -> str:
    name = read_required(fields, "name")
    if fault := find_fault(name):
        raise InvalidRequestError(f"Parameter 'name' {fault}.")
    return name


def _read_dictionaries(fields: Fields, pairs: Sequence[LanguagePair]) -> dict[Direction, Entries]:
    """The dictionaries in `fields`, none if there are none."""
    given = fields.get("dictionaries", _find_in_form(fields))
    if given is None:
        return {}
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise InvalidRequestError("Value for 'dictionaries' not supported: it must be a list of objects.")
    found: dict[Direction, Entries] = {}
    for each in given:
        direction, entries = _read_dictionary(each, pairs)
        if direction in found:
            raise InvalidRequestError(f"'dictionaries' has {'-'.join(direction)} twice.")
        found[direction] = entries
    return found


def _find_in_form(fields: Fields) -> list[Fields]:
    """What the official clients for Node and PHP write as fields of a form, in the order of their numbers."""
    found: dict[int, dict[str, object]] = {}
    for name, value in fields.items():
        if match := _FORM_FIELD.fullmatch(name):
            found.setdefault(int(match[1]), {})[match[2] or match[3]] = value
    return [found[index] for index in sorted(found)]


def _read_dictionary(fields: Fields, pairs: Sequence[LanguagePair]) -> tuple[Direction, Entries]:
    direction = _read_direction(fields, pairs)
    read_required(fields, "entries_format")
    kind = read_choice(fields, "entries_format", _FORMATS, "tsv")
    return direction, parse_entries(read_required(fields, "entries"), kind, *direction)


def _read_direction(fields: Fields, pairs: Sequence[LanguagePair]) -> Direction:
    source = find_language(read_required(fields, "source_lang"), (pair.source for pair in pairs), "source_lang")
    target = find_language(read_required(fields, "target_lang"), (pair.target for pair in pairs), "target_lang")
    if not any((pair.source, pair.target) == (source, target) for pair in pairs):
        raise InvalidRequestError("Unsupported glossary source and target language pair")
    return source, target


async def _read(request: FerryRequest) -> Fields:
    return await read_fields(request, min(MAX_GLOSSARY_BYTES, request.state["settings"].max_body_bytes))


def _pairs(request: FerryRequest) -> Sequence[LanguagePair]:
    return request.state["translator"].models.pairs


def _glossary_id(request: FerryRequest) -> str:
    return check_glossary_id(str(request.path_params["glossary_id"]))
