"""Errors as clients of this dialect read them: `{"message", "detail"?}`, with the statuses that they act upon."""

from msgspec import UNSET, Struct, UnsetType
from starlette.responses import Response

from server.errors import (
    DeadlineExceededError,
    FerryError,
    InvalidRequestError,
    KeyRequiredError,
    QueueFullError,
    QuotaExceededError,
)
from server.web.answers import json_answer, make_retry_headers

# What its clients know as a wrong key; 401 they do not expect.
KEY_STATUS = 403
QUOTA_STATUS = 456
# Busy is 429 here: its clients retry 5xx in just the same way, but show people a clear error for 429 alone.
BUSY_STATUS = 429


class InvalidEntriesError(InvalidRequestError):
    """Glossary entries that cannot be taken; `detail` says which and why."""

    def __init__(self, detail: str) -> None:
        super().__init__("Invalid glossary entries provided")
        self.detail = detail


_STATUSES: tuple[tuple[type[FerryError], int], ...] = (
    (KeyRequiredError, KEY_STATUS),
    (QuotaExceededError, QUOTA_STATUS),
    (QueueFullError, BUSY_STATUS),
    (DeadlineExceededError, BUSY_STATUS),
)


class ErrorAnswer(Struct):
    """The body of every answer of this dialect that is not a success."""

    message: str
    detail: str | UnsetType = UNSET


def refuse(error: FerryError) -> Response:
    """`error` as clients of this dialect read it."""
    detail = error.detail if isinstance(error, InvalidEntriesError) else UNSET
    return json_answer(ErrorAnswer(str(error), detail), _find_status(error), make_retry_headers(error))


def _find_status(error: FerryError) -> int:
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), error.status)
