"""What a dialect is to the rest of the server: its routes, its words for no, its part of the OpenAPI document.

Nothing here knows a dialect.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from server.bundle import LanguagePair
from server.errors import FerryError, MethodNotAllowedError, PathNotFoundError
from server.settings import Limits
from server.web.answers import Endpoint, Refusal, answer_client_gone, refuse
from server.web.state import FerryRequest

Schema = dict[str, Any]
Spec = Callable[["Served"], Schema]


@dataclass(frozen=True)
class Served:
    """What a description of this server depends on: its limits, what it translates, and whether it asks for keys."""

    limits: Limits
    pairs: tuple[LanguagePair, ...]
    needs_key: bool


@dataclass(frozen=True)
class Guest:
    """An endpoint for POST at the path of another dialect, which answers what is not meant for the guest.

    Attributes:
        path: of a route that some dialect has.
        is_meant: whether a body is for the guest. It is asked for every body, so it had better be quick.
        endpoint: may raise; the refusal is that of the guest's dialect.
    """

    path: str
    is_meant: Callable[[bytes], bool]
    endpoint: Endpoint


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
        prefixes: beginnings of paths that its clients alone ask for, whether there is anything or not.
        guests: endpoints at paths of other dialects.
    """

    name: str
    routes: Sequence[Route]
    refusal: Refusal
    spec: Spec
    crowded: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()
    guests: tuple[Guest, ...] = ()


def describe_server(request: FerryRequest) -> Served:
    """What a description depends on, of the server that got `request`."""
    translator = request.state["translator"]
    return Served(translator.limits, tuple(translator.models.pairs), request.state["access"].needs_key)


def make_exception_handlers(dialects: Sequence[Dialect]) -> Mapping[Any, Callable[[Request[Any], Exception], Response]]:
    """Answers to paths and methods that there are not, as clients of that path's dialect read them."""
    refusals = {route.path: dialect.refusal for dialect in dialects for route in dialect.routes}

    def answer(request: Request[Any], error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        path = request.url.path
        own = (dialect.refusal for dialect in dialects if path.startswith(dialect.prefixes))
        response = refusals.get(path, next(own, refuse))(_describe(request, error))
        response.headers.update(error.headers or {})
        return response

    return {HTTPException: answer, ClientDisconnect: answer_client_gone}


def _describe(request: Request[Any], error: HTTPException) -> FerryError:
    kind = MethodNotAllowedError if error.status_code == MethodNotAllowedError.status else PathNotFoundError
    return kind(f"{error.detail}: {request.method} {request.url.path[:100]}; GET / lists what there is.")
