"""Which route answered, as it may be told: its template, since a path may hold an id that opens something."""

from starlette.routing import Route
from starlette.types import Scope

OTHER = "other"


def route_of(scope: Scope) -> str:
    """The template of the route that answered or would have, `other` if none did."""
    if "ferry.route" in scope:
        early: str = scope["ferry.route"]
        return early
    route = scope.get("route")
    return route.path if isinstance(route, Route) else OTHER
