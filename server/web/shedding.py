"""Refusing early where even refusing takes too long: a crowd that the engine cannot serve must not stop it as well.

To read a request, split and tokenise its text, and only then be told by the engine that it would be late, takes about
half a millisecond; a thousand such requests a second leave nothing of a core, and everybody's time passes in the
socket's buffer. So once the event loop is behind, a request is refused when its head is there, if its caller's place in
the queue means a long wait. What the cache knows would have been answered; until the loop has caught up, that is given
up.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from server.access.access import Access
from server.errors import FerryError, QueueFullError
from server.settings import ServeSettings
from server.translation.translator import Translator
from server.web.callers import CHARS_OF_DEFAULT, header_key
from server.web.dialect import Dialect
from server.web.state import FerryRequest

# How often the loop is looked at, and how late it may then be: of the order of a decode step for all rows.
LOOK_EVERY_S = 0.1
MAX_LAG_S = 0.03
# So long it counts as behind after it was late, or a request was refused here: that makes it catch up, and the crowd
# that made it late is still there.
REMEMBER_S = 2.0
# Of the time that a request allows it may have to wait this much before it runs. That is less than the scheduler
# allows, or most of a crowd would come as far as that; and it keeps the engine busy for seconds.
MARGIN = 0.4
RETRY_RANGE_S = (1.0, 60.0)


class Shedder:
    """Knows how far the event loop is behind, and what had better be refused at once, as `dialects` word it.

    Attributes:
        behind_until: by `time.monotonic()`, until when the loop counts as behind.
    """

    behind_until = -math.inf

    def __init__(
        self, translator: Translator, access: Access, settings: ServeSettings, dialects: Sequence[Dialect]
    ) -> None:
        self._refusals = {path: dialect.refusal for dialect in dialects for path in dialect.crowded}
        self._translator = translator
        self._access = access
        self._settings = settings

    def refuse(self, scope: Scope) -> Response | None:
        """The answer, while the loop is behind, to a request that would be refused if it were read.

        None if that is not certain, or need not be. Sets what metrics and logs tell of it.
        """
        if scope["method"] != "POST" or scope["path"] not in self._refusals:
            return None
        request: FerryRequest = Request(scope)
        length = request.headers.get("content-length", "")
        # Other requests have a time of their own, or may.
        if not length.isdecimal() or int(length) > CHARS_OF_DEFAULT or "prefer" in request.headers:
            return None
        # A page of another origin could not read the answer: what allows it comes behind this.
        if self._settings.cors_origins and "origin" in request.headers:
            return None
        try:
            client = self._access.identify(header_key(request), request.client.host if request.client else "")
        except FerryError:
            return None
        models = self._translator.models.all
        seconds = min((model.engine.foretell(client.caller) or 0.0 for model in models), default=0.0)
        allowed = self._settings.deadline_s
        if seconds <= MARGIN * allowed:
            return None
        self.behind_until = time.monotonic() + REMEMBER_S
        shortest, longest = RETRY_RANGE_S
        error = QueueFullError(
            f"the answer would take about {seconds:.1f} s and the request allows {allowed:.1f} s; retry later or "
            "allow more time",
            min(max(seconds - MARGIN * allowed, shortest), longest),
        )
        scope["ferry.route"], scope["ferry.error_code"] = scope["path"], error.code
        return self._refusals[scope["path"]](error)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Look at the loop as long as the context lasts."""
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            await asyncio.sleep(LOOK_EVERY_S)
            if loop.time() - started - LOOK_EVERY_S >= MAX_LAG_S:
                self.behind_until = time.monotonic() + REMEMBER_S
