"""Where plug-ins put a key, which they call a token."""

from server.access.access import Client
from server.web.callers import identify
from server.web.state import FerryRequest

_IN_QUERY = ("token", "api_token")
_HEADERS = ("key", "x-api-token")


def identify_token(request: FerryRequest) -> Client:
    """Who sends `request`: by `token` in the query, a header of theirs, or `Authorization`, with `Bearer` or without.

    Raises:
        KeyRequiredError: there is no key, and the server asks for one.
        UnknownKeyError: the key is not in the server's file.
    """
    query, headers = request.query_params, request.headers
    bare = headers.get("authorization", "").strip()
    found = [*(query.get(name) for name in _IN_QUERY), *(headers.get(name) for name in _HEADERS)]
    return identify(request, next(filter(None, found), bare if " " not in bare else None))
