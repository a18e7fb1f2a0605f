"""The endpoints of the dialect.

A key is sent as `api_key`; where the server asks for none, whatever is sent is accepted, and neither kept nor logged.
"""

import asyncio
from collections.abc import Sequence
from functools import partial

from starlette.responses import Response

from server.bundle import LanguagePair
from server.dialects.codes import show_code
from server.dialects.libre.documents import translate_file
from server.dialects.libre.errors import ForbiddenError, refuse
from server.dialects.libre.fields import Fields, read_fields, read_file
from server.dialects.libre.languages import list_languages
from server.dialects.libre.schema import (
    FileAnswer,
    TranslateAnswer,
    TranslateRequest,
    check_limits,
    parse_translate,
    show_detected,
)
from server.dialects.libre.spec import load_libre_spec
from server.dialects.libre.translate import TranslatedItem, translate_texts
from server.documents.formats.registry import SUFFIXES, choose_columns, find_format, recode_text
from server.errors import EngineStoppedError, InvalidRequestError
from server.storage.file_store import FileStore
from server.text.detect import detect_texts
from server.text.language_names import language_name
from server.translation.request import AUTO
from server.web.answers import json_answer
from server.web.callers import identify, seconds_allowed, unless_gone
from server.web.dialect import Dialect, describe_server
from server.web.origins import open_route
from server.web.state import FerryRequest

MAX_DETECTED = 3
FRONTEND_TIMEOUT_MS = 500  # after the last key its web page waits so long before it asks


def build_libre_dialect(files: FileStore) -> Dialect:
    """All of the dialect. `files` keeps what was translated until it is fetched."""
    endpoints, spec = _Files(files), load_libre_spec()

    async def get_spec(request: FerryRequest) -> Response:
        """These endpoints for programs that read OpenAPI."""
        return json_answer(spec(describe_server(request)))

    routes = [
        open_route("/translate", post_translate, "POST"),
        open_route("/languages", get_languages, "GET"),
        open_route("/detect", post_detect, "POST"),
        open_route("/health", get_health, "GET"),
        open_route("/frontend/settings", get_settings, "GET"),
        open_route("/spec", get_spec, "GET"),
        open_route("/suggest", post_suggest, "POST"),
        open_route("/translate_file", endpoints.translate_file, "POST"),
        open_route("/download_file/{name}", endpoints.download_file, "GET"),
    ]
    return Dialect("LibreTranslate-compatible", routes, refuse, spec, frozenset({"/translate"}))


async def post_translate(request: FerryRequest) -> Response:
    """Translate one or many texts."""
    fields = await read_fields(request)
    texts = fields.read_texts("q")
    single = isinstance(texts, str)
    asked = parse_translate(fields, [texts] if isinstance(texts, str) else texts, _pairs(request))
    items = await _translate(request, asked, fields)
    return json_answer(_build_answer(asked, items, single))


async def _translate(request: FerryRequest, asked: TranslateRequest, fields: Fields) -> list[TranslatedItem]:
    client = identify(request, fields.read_key())
    translator, settings = request.state["translator"], request.state["settings"]
    check_limits(asked.texts, asked.num_alternatives, settings.limits)
    num_chars = sum(map(len, asked.texts))
    async with request.state["access"].granted(client, num_chars):
        work = translate_texts(translator, asked, seconds_allowed(request, num_chars), client.caller)
        return await unless_gone(request.receive, work)


def _build_answer(asked: TranslateRequest, items: Sequence[TranslatedItem], single: bool) -> TranslateAnswer:
    texts = [item.text for item in items]
    detected = [show_detected(item.detected) for item in items if item.detected]
    alternatives = [list(item.alternatives) for item in items]
    answer = TranslateAnswer(texts[0] if single else texts)
    if asked.source is None:
        answer.detectedLanguage = detected[0] if single else detected
    if asked.num_alternatives:
        answer.alternatives = alternatives[0] if single else alternatives
    return answer


async def get_languages(request: FerryRequest) -> Response:
    """What is translated into what. libretranslatepy sends a form with this GET; nothing in it matters."""
    return json_answer(list_languages(_pairs(request)))


async def post_detect(request: FerryRequest) -> Response:
    """The languages a text may be in, likeliest first; only the first of them may have confidence 0."""
    fields = await read_fields(request)
    client, text = identify(request, fields.read_key()), fields.read_string("q")
    check_limits([text], 0, request.state["settings"].limits)
    async with request.state["access"].granted(client, 0):
        (ranked,) = await detect_texts(request.state["translator"].detector, [text])
    best, *others = map(show_detected, ranked[:MAX_DETECTED])
    return json_answer([best, *(each for each in others if each.confidence > 0)])


async def get_health(request: FerryRequest) -> Response:
    """Whether it can translate.

    Raises:
        EngineStoppedError: an engine has failed.
    """
    if not request.state["translator"].models.ready:
        raise EngineStoppedError("An engine has failed; the server is about to stop.")
    return json_answer({"status": "ok"})


async def get_settings(request: FerryRequest) -> Response:
    """What a web page for this server has to know."""
    target, needs_key = _pairs(request)[0].target, request.state["access"].needs_key
    return json_answer(
        {
            "charLimit": request.state["settings"].max_text_chars,
            "frontendTimeout": FRONTEND_TIMEOUT_MS,
            "apiKeys": needs_key,
            "keyRequired": needs_key,
            "suggestions": False,
            "filesTranslation": True,
            "supportedFilesFormat": list(SUFFIXES),
            "language": {
                "source": {"code": AUTO, "name": "Auto Detect"},
                "target": {"code": show_code(target), "name": language_name(show_code(target))},
            },
        }
    )


async def post_suggest(request: FerryRequest) -> Response:
    """Suggestions are not taken.

    Raises:
        ForbiddenError: always.
    """
    raise ForbiddenError("Suggestions are disabled on this server.")


class _Files:
    """The endpoints for files and where the files are."""

    def __init__(self, files: FileStore) -> None:
        self._files = files

    async def translate_file(self, request: FerryRequest) -> Response:
        """Translate an uploaded file and tell where it can be fetched."""
        fields, filename, given = await read_file(request)
        client = identify(request, fields.read_key())
        if given is None:
            raise InvalidRequestError("Invalid request: missing file parameter")
        if not filename:
            raise InvalidRequestError("Invalid request: empty file name")
        format = choose_columns(find_format(filename, given), fields.read_optional("columns"))
        given = recode_text(format, given, fields.read_optional("encoding"))
        asked = parse_translate(fields, (), _pairs(request))
        translator, deadline_s = request.state["translator"], seconds_allowed(request, len(given))
        charge = partial(request.state["access"].granted, client)
        work = translate_file(translator, asked, format, given, deadline_s, charge, client.caller)
        data = await unless_gone(request.receive, work)
        name = await asyncio.to_thread(self._files.put, data, f".{format.name}")
        return json_answer(FileAnswer(f"{request.base_url}download_file/{name}"))

    async def download_file(self, request: FerryRequest) -> Response:
        """A translated file, once; asking for its headers alone leaves it there."""
        name = str(request.path_params["name"])
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        if request.method == "HEAD":
            headers["Content-Length"] = str(await asyncio.to_thread(self._files.num_bytes, name))
            data = b""
        else:
            data = await asyncio.to_thread(self._files.take, name)
        format = find_format(name, b"")
        headers["Content-Disposition"] = f'attachment; filename="translated.{format.name}"'
        # As a header, since Starlette would add a charset that the file may not have.
        return Response(data, headers={**headers, "Content-Type": format.media_type})


def _pairs(request: FerryRequest) -> list[LanguagePair]:
    return request.state["translator"].models.pairs
