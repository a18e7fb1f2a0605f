"""Errors as clients of this dialect read them: `{"error": "…"}`, with the statuses that they act upon."""

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
from server.web.answers import json_answer, make_retry_headers
from server.web.origins import CORS_HEADERS


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


def refuse(error: FerryError) -> Response:
    """`error` as clients of this dialect read it."""
    return json_answer(ErrorAnswer(str(error)), _find_status(error), CORS_HEADERS | (make_retry_headers(error) or {}))


def _find_status(error: FerryError) -> int:
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), error.status)
