"""JSON out, for what went well and what did not; the statuses are those of `server.errors`."""

import logging
import math
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from msgspec import Struct
from starlette.requests import Request
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
Refusal = Callable[[FerryError], Response]

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


def refuse(error: FerryError) -> Response:
    """An error of ours as our own API tells it, and whatever belongs to no dialect."""
    if isinstance(error, KeyRequiredError):
        headers: dict[str, str] | None = {"WWW-Authenticate": "Bearer"}
    elif isinstance(error, EngineStoppedError):
        headers = STOPPED_HEADERS
    else:
        headers = None if isinstance(error, DeadlineExceededError) else make_retry_headers(error)
    return json_answer(ErrorAnswer(describe_error(error)), error.status, headers)


def describe_error(error: FerryError) -> ErrorDetail:
    """What an answer tells of an error of ours."""
    return ErrorDetail(error.code, str(error), error.field if isinstance(error, InvalidBodyError) else None)


def make_retry_headers(error: FerryError) -> dict[str, str] | None:
    """The header that says when to come back, where that is known."""
    if isinstance(error, QueueFullError | RateLimitedError):
        return {"Retry-After": str(math.ceil(error.retry_after_s))}
    return {"Retry-After": str(DEADLINE_RETRY_S)} if isinstance(error, DeadlineExceededError) else None


def report_failure(error: BaseException) -> FerryError:
    """Log what only we can have broken, and make of it what may be told.

    The log gets the place, not the message, which may quote a text.
    """
    frames = "".join(traceback.format_tb(error.__traceback__))
    _log.error("internal error %s at\n%s", type(error).__name__, frames)
    return FerryError("The server failed on this request; its log says where.")


def make_shutdown_error() -> EngineStoppedError:
    """What is told of a request that could not be finished before the server ends."""
    return EngineStoppedError("The server is shutting down; ask again.")


def answer_client_gone(request: Request[Any], error: Exception) -> Response:
    """Nothing, to nobody."""
    return Response(status_code=CLIENT_GONE_STATUS)
