"""What happens to every request: a request id on the answer, the metrics, and no exception that gets out."""

import asyncio
import logging
import random
import re
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.web.answers import make_shutdown_error, refuse, report_failure
from server.web.logs import access_log, log_request
from server.web.metrics import OTHER, Metrics
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


def route_of(scope: Scope) -> str:
    """The template of the route that answered or would have, since a path may hold an id; `other` if none did."""
    if "ferry.route" in scope:
        early: str = scope["ferry.route"]
        return early
    route = scope.get("route")
    return route.path if isinstance(route, Route) else OTHER
