"""What a dialect is to the rest of the server: its routes, its words for no, its part of the OpenAPI document."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from server.bundle import LanguagePair
from server.errors import FerryError
from server.settings import Limits

Schema = dict[str, Any]


@dataclass(frozen=True)
class Dialect:
    """An API that clients speak.

    Attributes:
        name: heads its part of the OpenAPI document.
        routes: those that are asked most come first.
        refusal: an error of ours as its clients read it.
        crowded: paths where nearly all work comes from; a crowd there is refused unread.
        spec: `paths` and `components` of an OpenAPI document, for a server with these limits that translates these
            pairs.
    """

    name: str
    routes: Sequence[Route]
    refusal: Callable[[FerryError], Response]
    crowded: frozenset[str]
    spec: Callable[[Limits, Sequence[LanguagePair]], Schema]
