"""The endpoints of the dialect. Where the server asks for no key, any is accepted, and neither kept nor logged."""

from collections.abc import Sequence
from typing import TypeVar

from msgspec import Struct
from starlette.responses import PlainTextResponse, Response

from server.access.access import Client
from server.dialects.codes import show_regional_code
from server.dialects.plugins.errors import refuse
from server.dialects.plugins.guest import is_single_request
from server.dialects.plugins.languages import find_source, find_target
from server.dialects.plugins.schema import (
    BatchAnswer,
    BatchRequest,
    ImmeAnswer,
    ImmeRequest,
    ImmeTranslation,
    KissAnswer,
    KissRequest,
    KissTranslation,
    SingleAnswer,
    SingleRequest,
    VersionAnswer,
)
from server.dialects.plugins.spec import load_plugins_spec
from server.dialects.plugins.tokens import identify_token
from server.dialects.texts import HTML, PLAIN, translate_texts
from server.errors import EngineStoppedError, InvalidRequestError
from server.openapi.template import read_version
from server.translation.assemble import Translation
from server.web.answers import json_answer
from server.web.body import decode_body, read_body
from server.web.dialect import Dialect, Guest
from server.web.origins import open_refusal, open_route, open_to_all
from server.web.state import FerryRequest

Body = TypeVar("Body", bound=Struct)


def build_plugins_dialect() -> Dialect:
    """All of the dialect; it is a guest at `/translate`."""
    routes = [
        open_route("/imme", post_imme, "POST"),
        open_route("/kiss", post_kiss, "POST"),
        open_route("/translate/batch", post_batch, "POST"),
        open_route("/version", get_version, "GET"),
        open_route("/__heartbeat__", get_heartbeat, "GET"),
        open_route("/__lbheartbeat__", get_heartbeat, "GET"),
    ]
    return Dialect(
        "Browser plug-ins and MTranServer",
        routes,
        open_refusal(refuse),
        load_plugins_spec(),
        frozenset({"/imme", "/kiss", "/translate/batch"}),
        guests=(Guest("/translate", is_single_request, open_to_all(post_single)),),
    )


async def post_imme(request: FerryRequest) -> Response:
    """Translate the texts of a page for Immersive Translate."""
    client, asked = identify_token(request), await _read(request, ImmeRequest)
    translations = await _translate(request, client, asked.text_list, asked.source_lang, asked.target_lang)
    return json_answer(ImmeAnswer([ImmeTranslation(_show_source(each), each.text) for each in translations]))


async def post_kiss(request: FerryRequest) -> Response:
    """Translate one or many texts for Kiss Translator.

    Raises:
        InvalidRequestError: there is neither `text` nor `texts`.
    """
    client, asked = identify_token(request), await _read(request, KissRequest)
    if asked.texts is None and asked.text is None:
        raise InvalidRequestError("text is missing; send text, or a list as texts.")
    texts = [asked.text or ""] if asked.texts is None else asked.texts
    found = await _translate(request, client, texts, asked.source, asked.to)
    translations = [KissTranslation(each.text, _show_source(each)) for each in found]
    return json_answer(translations[0] if asked.texts is None else KissAnswer(translations))


async def post_single(request: FerryRequest) -> Response:
    """Translate one text, as MTranServer does."""
    client, asked = identify_token(request), await _read(request, SingleRequest)
    [translation] = await _translate(request, client, [asked.text], asked.source, asked.to, bool(asked.html))
    return json_answer(SingleAnswer(translation.text))


async def post_batch(request: FerryRequest) -> Response:
    """Translate many texts, as MTranServer does."""
    client, asked = identify_token(request), await _read(request, BatchRequest)
    translations = await _translate(request, client, asked.texts, asked.source, asked.to, bool(asked.html))
    return json_answer(BatchAnswer([each.text for each in translations]))


async def get_version(request: FerryRequest) -> Response:
    """Ferry's version."""
    return json_answer(VersionAnswer(read_version()))


async def get_heartbeat(request: FerryRequest) -> Response:
    """Whether it can translate.

    Raises:
        EngineStoppedError: an engine has failed.
    """
    if not request.state["translator"].models.ready:
        raise EngineStoppedError("An engine has failed; the server is about to stop.")
    return PlainTextResponse("Ready")


async def _read(request: FerryRequest, kind: type[Body]) -> Body:
    return decode_body(kind, await read_body(request, request.state["settings"].max_body_bytes))


async def _translate(
    request: FerryRequest, client: Client, texts: Sequence[str], source: str, target: str, html: bool = False
) -> Sequence[Translation]:
    pairs = request.state["translator"].models.pairs
    codes = find_source(source, pairs), find_target(target, pairs)
    return await translate_texts(request, client, texts, *codes, HTML if html else PLAIN)


def _show_source(translation: Translation) -> str:
    return show_regional_code(translation.source)
