"""JSON out, for what went well and what did not; the statuses are those of `server.errors`."""

import asyncio
import logging
import math
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from server.errors import (
    DeadlineExceededError,
    EngineStoppedError,
    FerryError,
    KeyRequiredError,
    QueueFullError,
    RateLimitedError,
)
from server.web.body import InvalidBodyError

# Nobody reads the answer to a client that has gone; the number is nginx's, for the metrics.
CLIENT_GONE_STATUS = 499

DEADLINE_RETRY_S = 1
# What stops is soon replaced, and beside it there may be others.
STOPPED_HEADERS = {"Retry-After": "1"}

Endpoint = Callable[[Any], Awaitable[Response]]

_log = logging.getLogger("ferry")
_ENCODER = msgspec.json.Encoder()


class ErrorDetail(Struct, omit_defaults=True):
    """`code` is stable; `message` is for people; `field` names the part of the body at fault, if one is."""

    code: str
    message: str
    field: str | None = None


class ErrorAnswer(Struct):
    """The body of every answer that is not a success."""

    error: ErrorDetail


def json_answer(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An answer of `status` with `content` as JSON, and more `headers` if there are any."""
    return Response(_ENCODER.encode(content), status, headers, "application/json")


def error_answer(status: int, detail: ErrorDetail, headers: dict[str, str] | None = None) -> Response:
    """An answer of `status` that is not a success, with more `headers` if there are any."""
    return json_answer(ErrorAnswer(detail), status, headers)


def answer_ferry_error(request: Request[Any], error: Exception) -> Response:
    """Answer with the error's own status, code and message."""
    assert isinstance(error, FerryError)
    request.scope["ferry.error_code"] = error.code
    headers = retry_after(error) if isinstance(error, QueueFullError | RateLimitedError) else None
    if isinstance(error, KeyRequiredError):
        headers = {"WWW-Authenticate": "Bearer"}
    elif isinstance(error, EngineStoppedError):
        headers = STOPPED_HEADERS
    return error_answer(error.status, detail_of(error), headers)


def refusal(error: FerryError) -> Response:
    """An error of ours as it is told where no dialect has words of its own."""
    return error_answer(error.status, detail_of(error), retry_after(error))


def detail_of(error: FerryError) -> ErrorDetail:
    """What an answer tells of an error of ours."""
    return ErrorDetail(error.code, str(error), error.field if isinstance(error, InvalidBodyError) else None)


def answer_http_error(request: Request[Any], error: Exception) -> Response:
    """Answer for a path or method that does not exist."""
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "invalid_request")
    message = f"{error.detail}: {request.method} {request.url.path[:100]}; GET / lists what there is."
    return error_answer(error.status_code, ErrorDetail(code, message), dict(error.headers or {}))


def answer_client_gone(request: Request[Any], error: Exception) -> Response:
    """Nothing, to nobody."""
    return Response(status_code=CLIENT_GONE_STATUS)


def answer_shutdown() -> Response:
    """Answer for what could not be finished before the server ends."""
    error = _shutdown()
    return error_answer(error.status, detail_of(error), STOPPED_HEADERS)


def _shutdown() -> EngineStoppedError:
    return EngineStoppedError("The server is shutting down; ask again.")


def answer_internal(error: BaseException) -> Response:
    """Answer for what only we can have broken. The log gets the place, not the message, which may quote a text."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    _log.error("internal error %s at\n%s", type(error).__name__, frames)
    return error_answer(500, ErrorDetail(FerryError.code, "The server failed on this request; its log says where."))


def retry_after(error: FerryError) -> dict[str, str] | None:
    """The header that says when to come back, where that is known."""
    if isinstance(error, QueueFullError | RateLimitedError):
        return {"Retry-After": str(math.ceil(error.retry_after_s))}
    return {"Retry-After": str(DEADLINE_RETRY_S)} if isinstance(error, DeadlineExceededError) else None


async def answer_in_dialect(
    endpoint: Endpoint,
    request: Request[Any],
    refuse: Callable[[FerryError], Response],
    failed: Callable[[str], Any],
) -> Response:
    """The answer of `endpoint`, its errors as another dialect's clients read them.

    No exception handler of Starlette's: those are for the whole application, and dialects answer differently.

    Args:
        endpoint: makes the answer.
        request: what it answers.
        refuse: makes the answer to an error of ours.
        failed: makes the body for what only we can have broken, from words for people.
    """
    try:
        return await endpoint(request)
    except FerryError as error:
        request.scope["ferry.error_code"] = error.code
        return refuse(error)
    except asyncio.CancelledError:
        # Only the end of the grace period does it; `Observed` would answer as no client of this dialect expects.
        return refuse(_shutdown())
    except (ClientDisconnect, HTTPException):
        raise
    except Exception as error:
        status = answer_internal(error).status_code  # it also logs the place, and only that
        return json_answer(failed("The server failed on this request; its log says where."), status)


EXCEPTION_HANDLERS = {
    FerryError: answer_ferry_error,
    HTTPException: answer_http_error,
    ClientDisconnect: answer_client_gone,
}
