"""What a dialect is to the rest of the server: its routes, its words for no, its part of the OpenAPI document.

Nothing here knows a dialect.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.routing import Route

from server.bundle import LanguagePair
from server.settings import Limits
from server.web.answers import Refusal
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


def describe_server(request: FerryRequest) -> Served:
    """What a description depends on, of the server that got `request`."""
    translator = request.state["translator"]
    return Served(translator.limits, tuple(translator.models.pairs), request.state["access"].needs_key)
