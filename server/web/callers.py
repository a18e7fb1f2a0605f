"""Who sends a request, how long it may take (by its headers, or by what is fair for its size), and who still waits.

A caller says the time as `Prefer: wait=SECONDS` (RFC 7240, section 4.3; parts of a second are taken as well).
"""

import asyncio
import re
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from server.access.access import Client
from server.web.state import FerryRequest

T = TypeVar("T")

# A longer request gets in proportion more than the default.
CHARS_OF_DEFAULT = 2_000

_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6}(?:\.\d{1,6})?)\"?(?=$|[,;\s])", re.I)

_SCHEMES = ("bearer", "deepl-auth-key")


def identify(request: FerryRequest, key: str | None = None) -> Client:
    """Who sends `request`: by `key` if a dialect has found one in the body, else by the `Authorization` header.

    Raises:
        KeyRequiredError: there is no key, and the server asks for one.
        UnknownKeyError: the key is not in the server's file.
    """
    address = request.client.host if request.client else ""
    return request.state["access"].identify(key or header_key(request), address)


def header_key(request: FerryRequest) -> str | None:
    """The key in the `Authorization` header, in the way of any dialect."""
    scheme, _, key = request.headers.get("authorization", "").strip().partition(" ")
    return key.strip() or None if scheme.lower() in _SCHEMES else None


def seconds_allowed(request: FerryRequest, num_chars: int) -> float:
    """The seconds from now after which the answer to `request`, for so many characters, is of no use any more."""
    settings = request.state["settings"]
    asked = preferred_wait(request.headers.getlist("prefer"))
    if asked is None:
        asked = settings.deadline_s * max(1.0, num_chars / CHARS_OF_DEFAULT)
    return min(asked, settings.max_deadline_s)


def preferred_wait(headers: Iterable[str]) -> float | None:
    """The seconds that `Prefer` headers say; the first counts, and what is no number is no preference."""
    found = _WAIT.search(", ".join(headers))
    return float(found.group(1)) if found else None


async def unless_gone(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which is cancelled as soon as the client closes its connection.

    Raises:
        ClientDisconnect: the client has gone.
    """
    watcher = asyncio.ensure_future(_await_disconnect(receive))
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait((task, watcher), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        task.cancel()
        watcher.cancel()


async def _await_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
