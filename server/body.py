"""A request's body as it comes, from a client that may not take all day over it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from starlette.requests import ClientDisconnect, Request

from server.errors import RequestTimeoutError

# A body may take a second longer for each so many bytes; slower than any line that carries a conversation.
MIN_BYTES_PER_S = 1000
# Many clients read the answer only after they have sent everything, and would see a reset connection instead of the
# refusal; so what they still send is taken and thrown away, within these bounds.
DISCARD_BYTES = 64 << 20
DISCARD_S = 1.0


async def chunks_in_time(request: Request[Any], timeout_s: float) -> AsyncIterator[bytes]:
    """The body in chunks.

    Args:
        timeout_s: seconds that it may take, and one more for each `MIN_BYTES_PER_S` that have come.

    Raises:
        RequestTimeoutError
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
