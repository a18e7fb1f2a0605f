"""The endpoints of the dialect for documents: uploaded, translated in the background, asked after, fetched once."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import PurePath

from msgspec import UNSET, Struct, UnsetType
from starlette.responses import Response
from starlette.routing import Route

from server.access.access import Client
from server.dialects.deepl.fields import Fields, read_fields, read_required, read_string
from server.dialects.deepl.languages import check_formality, find_language
from server.dialects.deepl.schema import check_known, parse_glossary_ids, read_formality
from server.documents.content import read_content
from server.documents.formats.format import Format
from server.documents.formats.registry import SUFFIXES, choose_columns, find_format, recode_text
from server.documents.jobs import Documents, Order
from server.errors import InvalidRequestError
from server.web.answers import json_answer
from server.web.callers import identify
from server.web.state import FerryRequest
from server.web.upload import read_upload

MAX_BODY_BYTES = 4096  # of the requests that only name a document

FindEntries = Callable[[Client, tuple[str, ...], str | None, str], Awaitable[Mapping[str, str]]]


class DocumentAnswer(Struct):
    """What a client needs to ask for its document."""

    document_id: str
    document_key: str


class DocumentStatusAnswer(Struct):
    """How far a document is."""

    document_id: str
    status: str
    seconds_remaining: int | UnsetType = UNSET
    billed_characters: int | UnsetType = UNSET
    error_message: str | UnsetType = UNSET


def build_document_routes(documents: Documents, find_entries: FindEntries) -> list[Route]:
    """The routes under /v2/document.

    Args:
        documents: of all clients.
        find_entries: the entries of glossaries, by their ids and the two languages.
    """
    endpoints = _Endpoints(documents, find_entries)
    one = "/v2/document/{document_id}"
    return [
        Route("/v2/document", endpoints.upload, methods=["POST"]),
        Route(one, endpoints.show_status, methods=["GET", "POST"]),
        Route(one, endpoints.cancel, methods=["DELETE"]),
        Route(f"{one}/result", endpoints.download, methods=["GET", "POST"]),
    ]


class _Endpoints:
    """The endpoints and what they share."""

    def __init__(self, documents: Documents, find_entries: FindEntries) -> None:
        self._documents = documents
        self._find_entries = find_entries

    async def upload(self, request: FerryRequest) -> Response:
        """Accept a document. What is wrong with it is told at once; its characters are charged now."""
        client = identify(request)
        upload = await read_upload(request, request.state["settings"].max_document_bytes)
        fields: Fields = dict(upload.fields)
        if upload.data is None:
            raise InvalidRequestError("Parameter 'file' not specified.")
        source, target = _read_languages(fields, request)
        formality = read_formality(fields)
        check_formality(formality, source, target, request.state["translator"].models.pairs)
        check_known(fields)
        entries = await self._find_entries(client, parse_glossary_ids(fields), source, target)
        format = find_format(read_string(fields, "filename") or upload.filename, upload.data)
        _check_output(fields, format)
        format = choose_columns(format, read_string(fields, "columns"))
        data = recode_text(format, upload.data, read_string(fields, "encoding"))
        num_chars = (await asyncio.to_thread(read_content, format, data)).num_chars
        async with request.state["access"].granted(client, num_chars):
            order = Order(format, data, num_chars, source, target, entries, formality)
            handle = await self._documents.accept(order, client.name)
        return json_answer(DocumentAnswer(handle.document_id.upper(), handle.key))

    async def show_status(self, request: FerryRequest) -> Response:
        """How far a document is."""
        identify(request)
        document_id, key = await _read_handle(request)
        progress = await self._documents.look_up(document_id, key)
        answer = DocumentStatusAnswer(document_id.upper(), progress.status, error_message=progress.fault or UNSET)
        if progress.status == "done":
            answer.billed_characters = progress.num_chars
        if progress.seconds_remaining is not None:
            answer.seconds_remaining = progress.seconds_remaining
        return json_answer(answer)

    async def cancel(self, request: FerryRequest) -> Response:
        """Forget a document, translated or not."""
        identify(request)
        await self._documents.cancel(*await _read_handle(request))
        return Response(status_code=204)

    async def download(self, request: FerryRequest) -> Response:
        """The translated document, once."""
        identify(request)
        format, data = await self._documents.take(*await _read_handle(request))
        headers = {
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="translated.{format.name}"',
            "X-Content-Type-Options": "nosniff",
        }
        # As a header, since Starlette would add a charset that the file may not have.
        return Response(data, headers={**headers, "Content-Type": format.media_type})


async def _read_handle(request: FerryRequest) -> tuple[str, str]:
    """The id from the path, and the key from the body or the query; who asks must be allowed to ask at all."""
    identify(request)
    fields = {**await read_fields(request, MAX_BODY_BYTES), **request.query_params}
    return str(request.path_params["document_id"]).lower(), read_required(fields, "document_key")


def _read_languages(fields: Fields, request: FerryRequest) -> tuple[str | None, str]:
    pairs = request.state["translator"].models.pairs
    target = find_language(read_required(fields, "target_lang"), (pair.target for pair in pairs), "target_lang")
    code = read_string(fields, "source_lang")
    if code is None:
        return None, target
    source = find_language(code, (pair.source for pair in pairs), "source_lang")
    request.state["translator"].models.choose(source, target)  # a direction that nobody has
    return source, target


def _check_output(fields: Fields, format: Format) -> None:
    wanted = read_string(fields, "output_format")
    if wanted is None:
        return
    suffix = PurePath(f"file.{wanted.lstrip('.').lower()}").suffix
    if SUFFIXES.get(suffix) is not format:
        raise InvalidRequestError(
            f"Value for 'output_format' not supported: a document comes back as it was sent, as {format.name}."
        )
