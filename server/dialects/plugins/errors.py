"""Errors as these clients read them: `{"error": "…"}`."""

from msgspec import Struct
from starlette.responses import Response

from server.errors import DeadlineExceededError, FerryError, KeyRequiredError, QueueFullError, UnknownKeyError
from server.web.answers import json_answer, make_retry_headers

# Plug-ins wait and ask again after 429, and show any other status as it is. A wrong key is none, as in MTranServer.
_STATUSES: tuple[tuple[type[FerryError], int], ...] = (
    (KeyRequiredError, 401),
    (UnknownKeyError, 401),
    (QueueFullError, 429),
    (DeadlineExceededError, 429),
)


class ErrorAnswer(Struct):
    """The body of every answer of this dialect that is not a success."""

    error: str


def refuse(error: FerryError) -> Response:
    """`error` as clients of this dialect read it."""
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), error.status)
    return json_answer(ErrorAnswer(str(error)), status, make_retry_headers(error))
