"""Errors as clients of this dialect read them: `{"message", "detail"?}`, with the statuses that they act upon."""

import functools

from msgspec import UNSET, Struct, UnsetType
from starlette.responses import Response

from server.answers import Endpoint, answer_in_dialect, json_answer, retry_after
from server.errors import DeadlineExceededError, FerryError, InvalidRequestError, QueueFullError
from server.state import FerryRequest

# Busy is 429 here: its clients retry 5xx in just the same way, but show people a clear error for 429 alone.
BUSY_STATUS = 429


class GlossaryNotFoundError(FerryError):
    """No glossary has this id."""

    code = "glossary_not_found"
    status = 404


class QuotaExceededError(FerryError):
    """The characters that the operator allows have been translated."""

    code = "quota_exceeded"
    status = 456


class InvalidEntriesError(InvalidRequestError):
    """Glossary entries that cannot be taken; `detail` says which and why."""

    def __init__(self, detail: str) -> None:
        super().__init__("Invalid glossary entries provided")
        self.detail = detail


class ErrorAnswer(Struct):
    """The body of every answer of this dialect that is not a success."""

    message: str
    detail: str | UnsetType = UNSET


def answering(endpoint: Endpoint) -> Endpoint:
    """`endpoint` with its errors answered as this dialect answers them."""

    @functools.wraps(endpoint)
    async def answered(request: FerryRequest) -> Response:
        return await answer_in_dialect(endpoint, request, _answer, ErrorAnswer)

    return answered


def _answer(error: FerryError) -> Response:
    detail = error.detail if isinstance(error, InvalidEntriesError) else UNSET
    is_busy = isinstance(error, QueueFullError | DeadlineExceededError)
    return json_answer(ErrorAnswer(str(error), detail), BUSY_STATUS if is_busy else error.status, retry_after(error))
