"""What happens to every request: a request id on the answer, the metrics, and no exception that gets out."""

import asyncio
import functools
import logging
import random
import re
import time
from collections.abc import Callable, Sequence
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.errors import FerryError
from server.web.answers import Endpoint, Refusal, make_shutdown_error, refuse, report_failure
from server.web.dialect import Dialect
from server.web.guests import admit
from server.web.logs import access_log, log_request
from server.web.metrics import Metrics, route_of
from server.web.shedding import Shedder

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Observed:
    """Pure ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, metrics: Metrics, shedder: Shedder) -> None:
        self._app = app
        self._metrics = metrics
        self._shedder = shedder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it unread."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        status = 0
        started = scope["ferry.started"] = time.perf_counter()

        async def send_observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = headers["X-Trace-ID"] = request_id
                headers.setdefault("X-Content-Type-Options", "nosniff")
            await send(message)

        try:
            is_behind = time.monotonic() < self._shedder.behind_until
            refusal = self._shedder.refuse(scope) if is_behind else None
            await (refusal or self._app)(scope, receive, send_observed)
        except asyncio.CancelledError:
            # Nothing but the end of the grace period at shutdown cancels a request from outside.
            if not status:
                await refuse(make_shutdown_error())(scope, receive, send_observed)
        except Exception as error:
            answer = refuse(report_failure(error))
            if not status:
                await answer(scope, receive, send_observed)
        finally:
            seconds = time.perf_counter() - started
            route, code = route_of(scope), scope.get("ferry.error_code")
            self._metrics.observe(route, status, seconds, code)
            if access_log.isEnabledFor(logging.INFO):
                log_request(scope["method"], route, status, seconds, request_id, code)


def _request_id(scope: Scope) -> str:
    """The caller's own id if it is short and harmless, else a new one."""
    given = Headers(scope=scope).get("x-request-id", "")
    # Not from the system's entropy: that lets go of the interpreter's lock, and costs a wait for the engine's threads.
    return given if _REQUEST_ID.fullmatch(given) else f"{random.getrandbits(128):032x}"


def answer_routes(dialects: Sequence[Dialect]) -> list[Route]:
    """The routes of all dialects, which answer in a dialect's own words whatever its endpoints raise."""
    guests: dict[str, list[tuple[Callable[[bytes], bool], Endpoint]]] = {}
    for dialect in dialects:
        for guest in dialect.guests:
            own = _answer_errors(guest.endpoint, dialect.refusal)
            guests.setdefault(guest.path, []).append((guest.is_meant, own))
    routes = []
    for dialect in dialects:
        for route in dialect.routes:
            endpoint = _answer_errors(admit(route.endpoint, guests.get(route.path, ())), dialect.refusal)
            routes.append(Route(route.path, endpoint, methods=list(route.methods or ())))
    return routes


def _answer_errors(endpoint: Endpoint, refusal: Refusal) -> Endpoint:
    """`endpoint`, with an answer for each error by `refusal`.

    No exception handler of Starlette's: those are for the whole application, and dialects answer differently.
    """

    @functools.wraps(endpoint)
    async def answer(request: Request[Any]) -> Response:
        try:
            return await endpoint(request)
        except FerryError as error:
            request.scope["ferry.error_code"] = error.code
            return refusal(error)
        except asyncio.CancelledError:
            # Only the end of the grace period does it; `Observed` would answer as no client of this dialect expects.
            return refusal(make_shutdown_error())
        except (ClientDisconnect, HTTPException):
            raise
        except Exception as error:
            return refusal(report_failure(error))

    return answer
