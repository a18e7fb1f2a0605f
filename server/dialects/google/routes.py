"""The endpoints of the dialect.

A key is sent as `key` in the query, as `X-Goog-Api-Key`, or as a bearer's token; where the server asks for none,
whatever is sent is accepted, and neither kept nor logged.
"""

import asyncio
from collections.abc import Sequence

from msgspec import UNSET
from starlette.responses import Response

from server.access.access import Client
from server.bundle import LanguagePair
from server.dialects.codes import show_code, show_regional_code
from server.dialects.google.errors import refuse
from server.dialects.google.escaping import escape_text
from server.dialects.google.fields import read_fields, read_key, read_string
from server.dialects.google.schema import (
    DetectAnswer,
    DetectionAnswer,
    DetectionList,
    LanguageAnswer,
    LanguageList,
    LanguagesAnswer,
    TranslateAnswer,
    TranslateRequest,
    TranslationAnswer,
    TranslationList,
    parse_texts,
    parse_translate,
)
from server.dialects.google.spec import load_google_spec
from server.dialects.texts import HTML, PLAIN, translate_texts
from server.text.detect import detect_texts
from server.text.language_names import language_name
from server.translation.assemble import Translation
from server.web.answers import json_answer
from server.web.callers import identify
from server.web.dialect import Dialect
from server.web.origins import open_refusal, open_route
from server.web.state import FerryRequest

TRANSLATE = "/language/translate/v2"
# Where MTranServer has it, for clients that are set to that.
TRANSLATE_TOO = f"/google{TRANSLATE}"


def build_google_dialect() -> Dialect:
    """All that is under /language/translate/v2, and translations under /google as well."""
    routes = [
        open_route(TRANSLATE, translate, "GET", "POST"),
        open_route(TRANSLATE_TOO, translate, "GET", "POST"),
        open_route(f"{TRANSLATE}/detect", detect, "GET", "POST"),
        open_route(f"{TRANSLATE}/languages", list_languages, "GET"),
    ]
    refusal = open_refusal(refuse)
    crowded = frozenset({TRANSLATE, TRANSLATE_TOO})
    return Dialect("Google-compatible", routes, refusal, load_google_spec(), crowded, ("/language/", "/google/"))


async def translate(request: FerryRequest) -> Response:
    """Translate 1 to 128 texts."""
    client = _identify(request)
    asked = parse_translate(await read_fields(request), _pairs(request), request.state["translator"].limits)
    markup = HTML if asked.html else PLAIN
    translations = await translate_texts(request, client, asked.texts, asked.source, asked.target, markup)
    # Long html takes long to escape.
    return json_answer(await asyncio.to_thread(_build_answer, asked, translations))


async def detect(request: FerryRequest) -> Response:
    """The language of each of 1 to 128 texts."""
    client, limits = _identify(request), request.state["translator"].limits
    texts = parse_texts(await read_fields(request), limits)
    # Characters are not limited beyond the body's bytes, nor counted: only the beginning of a text is looked at.
    async with request.state["access"].granted(client, 0):
        ranked = await detect_texts(request.state["translator"].detector, texts)
    detections = [[DetectionAnswer(show_regional_code(best.language), best.confidence)] for best, *_ in ranked]
    return json_answer(DetectAnswer(DetectionList(detections)))


async def list_languages(request: FerryRequest) -> Response:
    """All languages; with their names, if `target` says in which language they are wanted. All names are English."""
    _identify(request)  # clients try their key here
    named = read_string(await read_fields(request), "target") is not None
    codes = sorted({code for pair in _pairs(request) for code in (pair.source, pair.target)})
    languages = [
        LanguageAnswer(show_regional_code(code), language_name(show_code(code)) if named else UNSET) for code in codes
    ]
    return json_answer(LanguagesAnswer(LanguageList(languages)))


def _build_answer(asked: TranslateRequest, translations: Sequence[Translation]) -> TranslateAnswer:
    return TranslateAnswer(TranslationList([_show(asked, each) for each in translations]))


def _show(asked: TranslateRequest, translation: Translation) -> TranslationAnswer:
    text = escape_text(translation.text) if asked.html else translation.text
    detected = show_regional_code(translation.source) if asked.source is None else UNSET
    return TranslationAnswer(text, detected, asked.model or UNSET)


def _identify(request: FerryRequest) -> Client:
    return identify(request, read_key(request))


def _pairs(request: FerryRequest) -> list[LanguagePair]:
    return request.state["translator"].models.pairs
