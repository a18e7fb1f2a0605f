"""Errors as clients of this dialect read them: `{"error": {"code", "message", "errors", "status"}}`.

Source: the error model of Google's APIs, AIP-193, and the reasons of Translation Basic.
"""

from dataclasses import dataclass

from msgspec import Struct
from starlette.responses import Response

from server.errors import (
    DeadlineExceededError,
    FerryError,
    InvalidRequestError,
    KeyRequiredError,
    QueueFullError,
    QuotaExceededError,
    RateLimitedError,
    RequestTimeoutError,
    RequestTooLargeError,
    UnknownKeyError,
)
from server.web.answers import json_answer, make_retry_headers

DOMAIN = "global"


@dataclass(frozen=True)
class _Wording:
    http: int
    status: str
    reason: str


# The first that fits. A wrong key is a wrong parameter there, and busy is 429: its clients ask again after 429
# and 5xx, and show people a clear error for 429 alone.
_WORDINGS: tuple[tuple[type[FerryError], _Wording], ...] = (
    (UnknownKeyError, _Wording(400, "INVALID_ARGUMENT", "badRequest")),
    (KeyRequiredError, _Wording(403, "PERMISSION_DENIED", "forbidden")),
    (QuotaExceededError, _Wording(403, "PERMISSION_DENIED", "dailyLimitExceeded")),
    (RateLimitedError, _Wording(429, "RESOURCE_EXHAUSTED", "rateLimitExceeded")),
    (QueueFullError, _Wording(429, "RESOURCE_EXHAUSTED", "rateLimitExceeded")),
    (InvalidRequestError, _Wording(400, "INVALID_ARGUMENT", "invalid")),
    (RequestTooLargeError, _Wording(400, "INVALID_ARGUMENT", "invalid")),
    (RequestTimeoutError, _Wording(408, "CANCELLED", "badRequest")),
    (DeadlineExceededError, _Wording(504, "DEADLINE_EXCEEDED", "backendError")),
)
# Of all others, by their own status.
_BY_STATUS = {
    404: _Wording(404, "NOT_FOUND", "notFound"),
    405: _Wording(405, "UNIMPLEMENTED", "httpMethodNotAllowed"),
    503: _Wording(503, "UNAVAILABLE", "backendError"),
}


class ErrorItem(Struct):
    """One thing that is wrong; there is never more than one."""

    message: str
    domain: str
    reason: str


class ErrorInfo(Struct):
    """What is wrong: `code` is the HTTP status, `status` its name."""

    code: int
    message: str
    errors: list[ErrorItem]
    status: str


class ErrorAnswer(Struct):
    """The body of every answer of this dialect that is not a success."""

    error: ErrorInfo


def refuse(error: FerryError) -> Response:
    """`error` as clients of this dialect read it."""
    wording = _find_wording(error)
    item = ErrorItem(str(error), DOMAIN, wording.reason)
    info = ErrorInfo(wording.http, str(error), [item], wording.status)
    return json_answer(ErrorAnswer(info), wording.http, make_retry_headers(error))


def _find_wording(error: FerryError) -> _Wording:
    found = next((wording for kind, wording in _WORDINGS if isinstance(error, kind)), None)
    return found or _BY_STATUS.get(error.status) or _Wording(error.status, "INTERNAL", "backendError")
