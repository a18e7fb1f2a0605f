"""Pages of other origins: all may ask, and read the answer.

That is how clients in browsers use some dialects, and no answer depends on cookies or on who asks.
"""

import functools

from starlette.responses import Response
from starlette.routing import Route

from server.errors import FerryError
from server.web.answers import Endpoint, Refusal
from server.web.state import FerryRequest

CORS_HEADERS = {"Access-Control-Allow-Origin": "*"}
PREFLIGHT_HEADERS = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, KEY, X-API-Token, X-Goog-Api-Key",
    "Access-Control-Max-Age": "86400",
}


def open_to_all(endpoint: Endpoint) -> Endpoint:
    """`endpoint` for pages of any origin; what browsers ask before is answered for it."""

    @functools.wraps(endpoint)
    async def answer(request: FerryRequest) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=CORS_HEADERS | PREFLIGHT_HEADERS)
        answered = await endpoint(request)
        answered.headers.update(CORS_HEADERS)
        return answered

    return answer


def open_route(path: str, endpoint: Endpoint, *methods: str) -> Route:
    """The route of `endpoint`, asked by `methods` and by pages of any origin."""
    return Route(path, open_to_all(endpoint), methods=[*methods, "OPTIONS"])


def open_refusal(refusal: Refusal) -> Refusal:
    """`refusal` for pages of any origin."""

    def refuse(error: FerryError) -> Response:
        answered = refusal(error)
        answered.headers.update(CORS_HEADERS)
        return answered

    return refuse
