"""A path of two dialects: whose a request is, its body tells."""

import functools
from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive

from server.web.answers import Endpoint
from server.web.body import read_body
from server.web.state import FerryRequest


def admit(owner: Endpoint, guests: Sequence[tuple[Callable[[bytes], bool], Endpoint]]) -> Endpoint:
    """`owner`, but for bodies that are meant for one of `guests`.

    Whoever answers reads the body again, and then whatever the client does next.

    Args:
        owner: answers what is meant for nobody else.
        guests: of each, what tells its bodies, and its endpoint; the first counts.
    """
    if not guests:
        return owner

    @functools.wraps(owner)
    async def answer(request: FerryRequest) -> Response:
        if request.method != "POST":
            return await owner(request)
        body = await read_body(request, request.state["settings"].max_body_bytes)
        endpoint = next((guest for is_meant, guest in guests if is_meant(body)), owner)
        return await endpoint(Request(request.scope, _replay(body, request.receive)))

    return answer


def _replay(body: bytes, receive: Receive) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return messages.pop() if messages else await receive()

    return again
