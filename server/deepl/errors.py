"""Errors as clients of this dialect read them: `{"message", "detail"?}`, with the statuses that they act upon."""

import functools
import math
from collections.abc import Awaitable, Callable

from msgspec import UNSET, Struct, UnsetType
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from server.answers import answer_internal, json_answer
from server.errors import DeadlineExceededError, FerryError, InvalidRequestError, QueueFullError
from server.state import FerryRequest

Endpoint = Callable[[FerryRequest], Awaitable[Response]]

# Busy is 429 here: its clients retry 5xx in just the same way, but show people a clear error for 429 alone.
BUSY_STATUS = 429
DEADLINE_RETRY_S = 1


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
    """`endpoint` with its errors answered as this dialect answers them.

    Not a Starlette exception handler: those are for the whole application, and other dialects answer differently.
    """

    @functools.wraps(endpoint)
    async def answered(request: FerryRequest) -> Response:
        try:
            return await endpoint(request)
        except FerryError as error:
            request.scope["ferry.error_code"] = error.code
            return _answer(error)
        except (ClientDisconnect, HTTPException):
            raise
        except Exception as error:
            status = answer_internal(error).status_code  # it also logs the place, and only that
            return json_answer(ErrorAnswer("The server failed on this request; its log says where."), status)

    return answered


def _answer(error: FerryError) -> Response:
    detail = error.detail if isinstance(error, InvalidEntriesError) else UNSET
    body = ErrorAnswer(str(error), detail)
    if isinstance(error, QueueFullError):
        return json_answer(body, BUSY_STATUS, {"Retry-After": str(math.ceil(error.retry_after_s))})
    if isinstance(error, DeadlineExceededError):
        return json_answer(body, BUSY_STATUS, {"Retry-After": str(DEADLINE_RETRY_S)})
    return json_answer(body, error.status)
