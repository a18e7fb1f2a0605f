"""Two dialects at one path."""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from server.errors import FerryError, InvalidRequestError
from server.web.dialect import Dialect, Guest
from server.web.guests import admit
from server.web.observed import answer_routes


class Settings:
    max_body_bytes = 10
    client_timeout_s = 60.0


async def owner(request: Request) -> Response:
    return PlainTextResponse(b"owner " + await request.body())


async def guest(request: Request) -> Response:
    if await request.body() == b"guest!":
        raise InvalidRequestError("no")
    return PlainTextResponse(b"guest " + await request.body())


@pytest.fixture
def client() -> httpx.AsyncClient:
    def make(name: str, routes: list[Route], guests: tuple[Guest, ...] = ()) -> Dialect:
        def refuse(error: FerryError) -> Response:
            return PlainTextResponse(f"{name}: {error}", error.status)

        return Dialect(name, routes, refuse, lambda served: {}, guests=guests)

    own = make("owner", [Route("/a", owner, methods=["GET", "POST"])])
    other = make("guest", [], (Guest("/a", lambda body: body.startswith(b"guest"), guest),))
    app = Starlette(routes=answer_routes([own, other]))

    async def with_state(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        await app({**scope, "state": {"settings": Settings}}, receive, send)

    return httpx.AsyncClient(transport=httpx.ASGITransport(with_state), base_url="http://ferry")


@pytest.mark.parametrize(
    ("method", "body", "status", "text"),
    [
        ("POST", b"a", 200, "owner a"),
        ("POST", b"", 200, "owner "),
        ("GET", b"guest", 200, "owner guest"),
        ("POST", b"guest", 200, "guest guest"),
        ("POST", b"guest!", 400, "guest: no"),
        ("POST", b"guest" * 9, 413, "owner: The body is over 10 bytes"),
    ],
)
def test_the_body_tells_whose_it_is(
    client: httpx.AsyncClient, method: str, body: bytes, status: int, text: str
) -> None:
    async def ask() -> httpx.Response:
        async with client:
            return await client.request(method, "/a", content=body)

    answer = asyncio.run(ask())
    assert (answer.status_code, answer.text[: len(text)]) == (status, text)


def test_without_guests_nothing_is_read_before() -> None:
    assert admit(owner, []) is owner
