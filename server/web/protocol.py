"""What a connection may cost: uvicorn's HTTP, with limits for clients that are slow, silent, too many or half gone.

Without them one client could hold descriptors for ever: uvicorn waits for a request's head, and for its answer to be
taken, as long as the client likes. The time for a body is in `server.web.body`, where it is answered in each dialect.
"""

import asyncio
import resource
from dataclasses import dataclass
from http import HTTPStatus

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from server.web.answers import ErrorAnswer, ErrorDetail, json_answer

# Of the request line and headers together; h11 and Go have like limits, nginx in front of us takes half of it.
MAX_HEAD_BYTES = 64 << 10
# Descriptors kept from connections: for files of clients, threads and the runtime (an idle server has some 20 open).
RESERVED_DESCRIPTORS = 64
# Of them, so many may be connections that get a refusal.
REFUSED_CONNECTIONS = 32
MIN_CONNECTIONS = 16
# More would only cost memory before the engine refuses.
MAX_DESCRIPTORS = 1 << 16
# After its half of the connection has ended a client is asked whether it is there, soon, then less and less often.
FIRST_PROBE_S = 0.05
LAST_PROBE_S = 2.0
# A client that has not sent all when it is answered may still be sending, and would lose the answer in a reset.
LINGER_S = 1.0
# What must be answered however many there are: or a crowd would have the supervisor kill the server.
ALWAYS = ("/health/live", "/health/ready", "/metrics")


@dataclass(frozen=True)
class ConnectionLimits:
    """What a connection may take.

    Attributes:
        timeout_s: seconds for a request's head to come, and without any progress of an answer being taken.
        max_connections: past it, requests of newcomers are refused.
    """

    timeout_s: float
    max_connections: int


def protocol_with(limits: ConnectionLimits) -> type["Protocol"]:
    """The protocol under `limits`, for uvicorn to make one for each connection."""

    class Limited(Protocol):
        pass

    Limited.limits = limits
    return Limited


def allow_connections() -> int:
    """How many connections there may be: what the system lets us open, raised as far as it may be, less a reserve."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(wanted - RESERVED_DESCRIPTORS, MIN_CONNECTIONS)


class Protocol(HttpToolsProtocol):
    """One connection."""

    limits: ConnectionLimits
    cycle: RequestResponseCycle | None  # type: ignore[assignment]  # as uvicorn has it, which says otherwise

    _is_over = False
    _has_ended_half = False
    _head_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None
    _send_timer: asyncio.TimerHandle | None = None
    _answering: RequestResponseCycle | None = None
    _sending: "_WholeAnswer | None" = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Refuse what is over the limit, in words while descriptors last."""
        super().connection_made(transport)
        num_over = len(self.connections) - self.limits.max_connections
        self._is_over = num_over > 0
        if num_over > REFUSED_CONNECTIONS:
            transport.abort()
            return
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers."""
        for timer in (self._head_timer, self._send_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came; what is not a whole head must become one in time and within its size."""
        self._head_bytes += len(data)
        super().data_received(data)
        if self.transport.is_closing() or not self._is_idle:
            return
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"The head is over {MAX_HEAD_BYTES} bytes.")
        elif self._head_timer is None:
            self._await_head()

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._head_bytes = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body; it is limited where it is read."""
        self._head_bytes = 0
        super().on_body(body)

    def on_response_complete(self) -> None:
        """Go on with the next request; after a refusal that did not wait for the body there can be none."""
        if self._sending is not None:
            self._sending.flush()
        ended_early = self._answering is not None and self._answering.more_body
        super().on_response_complete()
        if ended_early:
            self.loop.call_later(LINGER_S, self.transport.close)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Whether to stay for the answer: the client will send no more, but may still read."""
        cycle = self.cycle
        # An HTTP/1.0 client cannot be asked; it is taken to have gone, like one that has not sent all.
        if cycle is None or self._is_idle or cycle.more_body or cycle.scope["http_version"] != "1.1":
            return False
        cycle.keep_alive = False
        if not self._has_ended_half:
            self._has_ended_half = True
            self._probe(FIRST_PROBE_S)
        return True

    def pause_writing(self) -> None:
        """The client does not take its answer as fast as it is made."""
        super().pause_writing()
        self._watch_sending()

    def resume_writing(self) -> None:
        """It does again."""
        super().resume_writing()
        if self._send_timer is not None:
            self._send_timer.cancel()
            self._send_timer = None

    @property
    def _is_idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGIApp) -> None:  # type: ignore[override]
        self._answering = cycle
        self._sending = _WholeAnswer(self.transport, cycle)
        cycle.transport = self._sending  # type: ignore[assignment]  # all of a transport that a cycle uses
        if self._is_over and cycle.scope["path"] not in ALWAYS:
            app = _refuse_newcomer
        super()._start_asgi_task(cycle, app)  # type: ignore[arg-type]

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self.limits.timeout_s, self._head_is_late)

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self._head_bytes:
            message = f"The request did not come within {self.limits.timeout_s:g} s."
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, message)
        self.transport.close()

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        """Answer what is not a request yet, and close. The dialect is not known."""
        code = "request_timeout" if status == HTTPStatus.REQUEST_TIMEOUT else "request_too_large"
        body = bytes(json_answer(ErrorAnswer(ErrorDetail(code, message))).body)
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _watch_sending(self) -> None:
        left = self.transport.get_write_buffer_size()
        self._send_timer = self.loop.call_later(self.limits.timeout_s, self._check_sending, left)

    def _check_sending(self, left: int) -> None:
        """Give up a client that has taken nothing since `left` bytes were left."""
        if self.transport.get_write_buffer_size() < left:
            self._watch_sending()
        else:
            self.transport.abort()

    def _probe(self, wait_s: float) -> None:
        """Find out whether the client that has ended its half is there.

        One that is not answers an interim response with a reset, so that the next write fails, and its rows are free;
        one that is reads over it, as every HTTP/1.1 client must (RFC 9110, section 15.2).
        """
        if self.transport.is_closing() or self._answering is None or self._is_idle:
            return
        if not self._answering.response_started:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.loop.call_later(wait_s, self._probe, min(2 * wait_s, LAST_PROBE_S))


class _WholeAnswer:
    """Sends the head of an answer together with the first of its body, as uvicorn does not.

    If the server is killed between the two, a proxy has a head that promises a body, has passed it on, and can no
    longer ask another server. One write is also cheaper than two.
    """

    def __init__(self, transport: asyncio.Transport, cycle: RequestResponseCycle) -> None:
        self._transport = transport
        self._cycle = cycle
        self._head: bytes | None = None
        self._has_head = False

    def write(self, data: bytes) -> None:
        """Hold the head back; send what comes before it at once, and what comes behind it with it."""
        if self._cycle.response_started and not self._has_head:
            self._has_head = True
            self._head = data
        else:
            self._transport.write(self._head + data if self._head else data)
            self._head = None

    def flush(self) -> None:
        """Send a head that no body followed: an answer to HEAD."""
        if self._head:
            self.write(b"")

    def close(self) -> None:
        """Close when all is sent."""
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return self._transport.is_closing()


async def _refuse_newcomer(scope: Scope, receive: Receive, send: Send) -> None:
    detail = ErrorDetail("overloaded", "The server has as many connections as it may; ask again later.")
    await json_answer(ErrorAnswer(detail), 503, {"Retry-After": "1", "Connection": "close"})(scope, receive, send)
