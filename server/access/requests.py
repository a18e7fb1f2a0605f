"""Who sends a request, by its headers."""

from server.access.access import Access, Client
from server.state import FerryRequest

_SCHEMES = ("bearer", "deepl-auth-key")


def identify(request: FerryRequest, key: str | None = None) -> Client:
    """Who sends `request`: by `key` if a dialect has found one in the body, else by the `Authorization` header.

    Raises:
        KeyRequiredError, UnknownKeyError
    """
    address = request.client.host if request.client else ""
    return access_of(request).identify(key or header_key(request), address)


def header_key(request: FerryRequest) -> str | None:
    """The key in the `Authorization` header, in the way of any dialect."""
    scheme, _, key = request.headers.get("authorization", "").strip().partition(" ")
    return key.strip() or None if scheme.lower() in _SCHEMES else None


def access_of(request: FerryRequest) -> Access:
    """What decides for the application."""
    return request.state["access"]
