"""`/openapi.json` for programs and `/docs` for people: what all dialects say of themselves, put together."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from server.openapi.merging import merge_operations
from server.openapi.rendering import render_page
from server.openapi.template import read_version
from server.web.answers import json_answer
from server.web.dialect import Dialect, Schema, Served, describe_server
from server.web.state import FerryRequest

OPENAPI = "3.1.0"
_SAFE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def build_openapi_routes(dialects: Sequence[Dialect]) -> list[Route]:
    """The routes over what `dialects` say of themselves; the style sheet is read once."""
    style = Path(__file__).with_name("docs.css").read_bytes()

    @lru_cache(maxsize=1)  # it changes only when other models are loaded
    def build(served: Served) -> Schema:
        return build_document(dialects, served)

    async def get_document(request: FerryRequest) -> Response:
        """What this server takes and gives."""
        return json_answer(build(describe_server(request)))

    async def get_docs(request: FerryRequest) -> Response:
        """The same, as a page."""
        return HTMLResponse(render_page(build(describe_server(request))), headers=_SAFE)

    async def get_style(request: FerryRequest) -> Response:
        return Response(style, media_type="text/css", headers=_SAFE)

    return [Route("/openapi.json", get_document), Route("/docs", get_docs), Route("/docs.css", get_style)]


def build_document(dialects: Sequence[Dialect], served: Served) -> Schema:
    """The document of a server that speaks `dialects`.

    What a dialect says at its top for all its operations, it says at each of them here. Components of two dialects must
    not have the same name.
    """
    directions = ", ".join(dict.fromkeys(f"{pair.source}-{pair.target}" for pair in served.pairs))
    paths: Schema = {}
    components: Schema = {}
    for dialect in dialects:
        spec = dialect.spec(served)
        common = {"tags": [dialect.name], "security": spec["security"]}
        for kind, named in spec["components"].items():
            known = components.setdefault(kind, {})
            assert not known.keys() & named.keys(), f"two dialects have the same names in {kind}"
            known.update(named)
        for path, operations in spec["paths"].items():
            described = {method: common | operation for method, operation in operations.items()}
            known = paths.setdefault(path, {})
            for method, operation in described.items():
                known[method] = (
                    merge_operations({"components": components}, known[method], operation)
                    if method in known
                    else operation
                )
    return {
        "openapi": OPENAPI,
        "info": {"title": "Ferry", "version": read_version(), "description": f"Translates {directions}."},
        "paths": paths,
        "components": components,
        "tags": [{"name": dialect.name} for dialect in dialects],
    }
