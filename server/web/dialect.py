"""What a dialect is to the rest of the server: its routes, its words for no, its part of the OpenAPI document.

Nothing here knows a dialect. What an endpoint raises is answered in one place, for all dialects in the same way.
"""

import asyncio
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route

from server.bundle import LanguagePair
from server.errors import FerryError
from server.settings import Limits
from server.web.answers import Endpoint, make_shutdown_error, report_failure
from server.web.state import FerryRequest

Schema = dict[str, Any]
Refusal = Callable[[FerryError], Response]
Spec = Callable[["Served"], Schema]


@dataclass(frozen=True)
class Served:
    """What a description of this server depends on: its limits, what it translates, and whether it asks for keys."""

    limits: Limits
    pairs: tuple[LanguagePair, ...]
    needs_key: bool


@dataclass(frozen=True)
class Dialect:
    """An API that clients speak.

    Attributes:
        name: heads its part of the OpenAPI document.
        routes: those that are asked most come first. Their endpoints may raise.
        refusal: an error of ours as its clients read it. What only we can have broken is told by the same means, as a
            plain `FerryError`.
        spec: an OpenAPI document of this dialect alone.
        crowded: paths where nearly all work comes from; a crowd there is refused unread.
    """

    name: str
    routes: Sequence[Route]
    refusal: Refusal
    spec: Spec
    crowded: frozenset[str] = frozenset()


def answer_routes(dialect: Dialect) -> list[Route]:
    """The routes of `dialect`, which answer in its words whatever their endpoints raise."""
    return [
        Route(route.path, _answer_errors(route.endpoint, dialect.refusal), methods=list(route.methods or ()))
        for route in dialect.routes
    ]


def describe_server(request: FerryRequest) -> Served:
    """What a description depends on, of the server that got `request`."""
    translator = request.state["translator"]
    return Served(translator.limits, tuple(translator.models.pairs), request.state["access"].needs_key)


def _answer_errors(endpoint: Endpoint, refusal: Refusal) -> Endpoint:
    """`endpoint`, with an answer for each error.

    No exception handler of Starlette's: those are for the whole application, and dialects answer differently.
    """

    @functools.wraps(endpoint)
    async def answer(request: FerryRequest) -> Response:
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
