"""Errors as clients of this dialect read them: `{"error": "…"}`, with the statuses that they act upon."""

import functools

from msgspec import Struct
from starlette.responses import Response

from server.errors import (
    DeadlineExceededError,
    FerryError,
    InvalidRequestError,
    KeyRequiredError,
    QueueFullError,
    RequestTooLargeError,
)
from server.web.answers import Endpoint, answer_in_dialect, json_answer, retry_after
from server.web.state import FerryRequest

# Any web page may ask and read the answer: that is how clients in browsers use this API, and no answer depends on
# cookies or on who asks.
CORS_HEADERS = {"Access-Control-Allow-Origin": "*"}
PREFLIGHT_HEADERS = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "86400",
}


class ForbiddenError(FerryError):
    """Something that this server does for nobody. Its clients take 403 for a used-up quota or a wrong key."""

    code = "forbidden"
    status = 403


# The first that fits. Busy is 429: Mastodon tells its users to try again later for 429 alone, and takes every other
# status for a broken server (403 for a used-up quota). A deadline that passed is the same to them: the server was too
# busy to be in time. What is too large is 400, as this API has it. The rest keep their own: what stops or has failed is
# 503, which its clients take for a broken server like any other, and a proxy for a reason to ask the next replica.
_STATUSES: tuple[tuple[type[FerryError], int], ...] = (
    (KeyRequiredError, 400),
    (QueueFullError, 429),
    (DeadlineExceededError, 429),
    (InvalidRequestError, 400),
    (RequestTooLargeError, 400),
)


class ErrorAnswer(Struct):
    """The body of every answer of this dialect that is not a success."""

    error: str


def answering(endpoint: Endpoint) -> Endpoint:
    """`endpoint` with its errors answered as this dialect answers them, and open to other origins."""

    @functools.wraps(endpoint)
    async def answered(request: FerryRequest) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=CORS_HEADERS | PREFLIGHT_HEADERS)
        answer = await answer_in_dialect(endpoint, request, refusal, ErrorAnswer)
        answer.headers.update(CORS_HEADERS)
        return answer

    return answered


def refusal(error: FerryError) -> Response:
    """`error` as clients of this dialect read it."""
    return json_answer(ErrorAnswer(str(error)), _status(error), CORS_HEADERS | (retry_after(error) or {}))


def _status(error: FerryError) -> int:
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), error.status)
