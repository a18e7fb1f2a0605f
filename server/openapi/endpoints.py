"""`/openapi.json` for programs and `/docs` for people."""

from collections.abc import Sequence
from pathlib import Path

from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from server.openapi.document import build_document
from server.openapi.rendering import render_page
from server.web.answers import json_answer
from server.web.dialect import Dialect, Schema
from server.web.state import FerryRequest

_SAFE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def openapi_routes(dialects: Sequence[Dialect]) -> list[Route]:
    """The routes over what `dialects` say of themselves; the style sheet is read once."""
    style = Path(__file__).with_name("docs.css").read_bytes()

    def document(request: FerryRequest) -> Schema:
        translator = request.state["translator"]
        return build_document(dialects, translator.limits, translator.models.pairs)

    async def get_document(request: FerryRequest) -> Response:
        """What this server takes and gives."""
        return json_answer(document(request))

    async def get_docs(request: FerryRequest) -> Response:
        """The same, as a page."""
        return HTMLResponse(render_page(document(request)), headers=_SAFE)

    async def get_style(request: FerryRequest) -> Response:
        return Response(style, media_type="text/css", headers=_SAFE)

    return [Route("/openapi.json", get_document), Route("/docs", get_docs), Route("/docs.css", get_style)]
