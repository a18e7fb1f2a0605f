"""A request's body, from a client that may not take all day over it, and read as the struct that it should be."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from starlette.requests import ClientDisconnect, Request

from server.errors import InvalidRequestError, RequestTimeoutError, RequestTooLargeError

Body = TypeVar("Body", bound=Struct)
# Of the faults of a body, so many are told, and so much of a name that the caller made up.
MAX_FAULTS = 10
MAX_NAME_CHARS = 40
_PATH = re.compile(r" - at `\$([^`]*)`$")

# A body may take a second longer for each so many bytes; slower than any line that carries a conversation.
MIN_BYTES_PER_S = 1000
# Many clients read the answer only after they have sent everything, and would see a reset connection instead of the
# refusal; so what they still send is taken and thrown away, within these bounds.
DISCARD_BYTES = 64 << 20
DISCARD_S = 1.0


class InvalidBodyError(InvalidRequestError):
    """A body that is not what its schema says; `field` is the part at fault, None if it is all of it."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


def read_media_type(request: Request[Any]) -> str:
    """What the body is said to be, in lower case and without parameters; empty where nothing is said."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def chunks_in_time(request: Request[Any], timeout_s: float) -> AsyncIterator[bytes]:
    """The body in chunks.

    Args:
        request: whose body nobody has read.
        timeout_s: seconds that it may take, and one more for each `MIN_BYTES_PER_S` that have come.

    Raises:
        RequestTimeoutError: the body came too slowly.
        ClientDisconnect: the client has gone before the end.
    """
    started = time.monotonic()
    num_bytes = 0
    more = True
    while more:
        left_s = started + timeout_s + num_bytes / MIN_BYTES_PER_S - time.monotonic()
        try:
            async with asyncio.timeout(left_s):
                message = await request.receive()
        except TimeoutError as error:
            raise RequestTimeoutError(
                f"The body did not come in time: {num_bytes} bytes in {time.monotonic() - started:.1f} s; "
                "send it faster or in parts."
            ) from error
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        more = message.get("more_body", False)
        chunk = message.get("body", b"")
        num_bytes += len(chunk)
        yield chunk


async def discard(stream: AsyncIterator[bytes]) -> None:
    """Throw away what still comes of a body that is refused."""
    num_bytes = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(DISCARD_S):
            async for chunk in stream:
                num_bytes += len(chunk)
                if num_bytes > DISCARD_BYTES:
                    return


async def read_body(request: Request[Any], max_bytes: int) -> bytes:
    """The body; of one over `max_bytes`, never more than that is kept.

    Raises:
        RequestTooLargeError: naming the limit.
        RequestTimeoutError: the body came too slowly.
    """
    declared = request.headers.get("content-length", "")
    body = bytearray()
    stream = chunks_in_time(request, request.state["settings"].client_timeout_s)
    if not (declared.isdecimal() and int(declared[:19]) > max_bytes):
        async for chunk in stream:
            body += chunk
            if len(body) > max_bytes:
                break
        else:
            return bytes(body)
    await discard(stream)
    raise RequestTooLargeError(f"The body is over {max_bytes} bytes, the limit of one request; send less at a time.")


def decode_body(kind: type[Body], body: bytes) -> Body:
    """`body` as the struct `kind`.

    Raises:
        InvalidBodyError: naming every field at fault.
    """
    try:
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.ValidationError as error:
            raise InvalidBodyError(*_faults(kind, msgspec.json.decode(body), error)) from error
    except RecursionError as error:
        raise InvalidBodyError("The body is nested too deeply.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidBodyError(f"The body is not JSON: {error}.") from error


def _faults(kind: type[Struct], given: object, first: msgspec.ValidationError) -> tuple[str, str | None]:
    """What is wrong with all fields of the body `given`, and the first field at fault; msgspec stops at the `first`."""
    if not isinstance(given, dict):
        return f"{first}.", None
    known = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    faults = [(f"{_shown(name)} is no field of this request.", _shown(name)) for name in given if name not in known]
    for name, field in known.items():
        if name in given:
            faults += _field_faults(name, given[name], field.type)
        elif field.required:
            faults.append((f"{name} is missing.", name))
    if not faults:  # a field given twice: the first was wrong, the last is seen here
        return f"{first}.", None
    told = " ".join(message for message, _ in faults[:MAX_FAULTS])
    return told + f" And {len(faults) - MAX_FAULTS} more." * (len(faults) > MAX_FAULTS), faults[0][1]


def _field_faults(name: str, value: object, kind: Any) -> list[tuple[str, str]]:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        path = _PATH.search(str(error))
        place = name + (path.group(1) if path else "")
        return [(f"{place}: {_PATH.sub('', str(error))}.", place)]
    return []


def _shown(name: str) -> str:
    return name if len(name) <= MAX_NAME_CHARS else name[: MAX_NAME_CHARS - 3] + "..."
