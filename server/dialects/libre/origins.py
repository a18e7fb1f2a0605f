"""Pages of other origins: all may ask, and read the answer.

That is how clients in browsers use this API, and no answer depends on cookies or on who asks.
"""

import functools

from starlette.responses import Response

from server.web.answers import Endpoint
from server.web.state import FerryRequest

CORS_HEADERS = {"Access-Control-Allow-Origin": "*"}
PREFLIGHT_HEADERS = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "86400",
}


def open_to_all(endpoint: Endpoint) -> Endpoint:
    """`endpoint` for pages of any origin; what browsers ask before is answered for it. Refusals say so themselves."""

    @functools.wraps(endpoint)
    async def answer(request: FerryRequest) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=CORS_HEADERS | PREFLIGHT_HEADERS)
        answered = await endpoint(request)
        answered.headers.update(CORS_HEADERS)
        return answered

    return answer
