"""A dialect of the test's own: whatever its endpoints raise is answered in its words."""

import asyncio
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from server.errors import FerryError, QueueFullError
from server.web.dialect import Dialect
from server.web.observed import answer_routes

RAISED: dict[str, BaseException] = {
    "busy": QueueFullError("Too many."),
    "broken": RuntimeError("Der Hund."),
    "ending": asyncio.CancelledError(),
    "absent": HTTPException(404),
}


def refuse(error: FerryError) -> Response:
    return PlainTextResponse(f"NO. {error}", error.status)


async def answer(request: Request[Any]) -> Response:
    raised = RAISED.get(request.path_params["what"])
    if raised is not None:
        raise raised
    return PlainTextResponse("YES.")


def ask(method: str, path: str) -> httpx.Response:
    routes = [Route("/{what}", answer, methods=["GET", "POST"]), Route("/only/post", answer, methods=["POST"])]
    app = Starlette(routes=answer_routes([Dialect("loud", routes, refuse, lambda served: {})]))

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ferry") as client:
            return await client.request(method, path)

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("what", "status", "says"),
    [
        ("well", 200, "YES."),
        ("busy", 503, "NO. Too many."),
        ("broken", 500, "NO. The server failed on this request; its log says where."),
        ("ending", 503, "NO. The server is shutting down; ask again."),
        ("absent", 404, "Not Found"),
    ],
)
def test_what_is_raised_is_told_in_its_words(what: str, status: int, says: str) -> None:
    for method in ("GET", "POST"):
        answered = ask(method, f"/{what}")
        assert (answered.status_code, answered.text) == (status, says)


def test_the_log_has_the_place_and_not_the_message(caplog: pytest.LogCaptureFixture) -> None:
    ask("GET", "/broken")
    assert "RuntimeError" in caplog.text
    assert "Hund" not in caplog.text


def test_its_methods_stay_as_they_are() -> None:
    assert ask("GET", "/only/post").status_code == 405
    assert ask("HEAD", "/well").status_code == 200
