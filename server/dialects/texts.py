"""The texts of a request, translated for whoever sends it: what dialects have in common that ask for no more."""

import time
from collections.abc import Sequence

from server.access.access import Client
from server.markup import Options
from server.translation.assemble import Translation
from server.translation.request import TranslateOptions
from server.web.callers import seconds_allowed, unless_gone
from server.web.state import FerryRequest

HTML, PLAIN = Options("html"), None


async def translate_texts(
    request: FerryRequest, client: Client, texts: Sequence[str], source: str | None, target: str, markup: Options | None
) -> Sequence[Translation]:
    """The translations of `texts`, in order; their characters are counted if that succeeds.

    Args:
        request: whose time it takes; it is given up when its client goes.
        client: who sends it.
        texts: of the request.
        source: the models' code, None to detect it for each text.
        target: the models' code.
        markup: how the texts are taken apart, `HTML` or `PLAIN`.

    Raises:
        InvalidRequestError: no model translates so, or the markup cannot be read.
        RequestTooLargeError: there are too many texts, characters or tokens.
        RateLimitedError: the caller asks too often.
        QuotaExceededError: the caller's characters are used up.
        QueueFullError: the engine has too much to do to be in time.
        DeadlineExceededError: it was not in time.
        EngineStoppedError: an engine has failed, or the server ends.
        ClientDisconnect: the client has gone.
    """
    num_chars = sum(map(len, texts))
    async with request.state["access"].granted(client, num_chars):
        deadline = time.monotonic() + seconds_allowed(request, num_chars)
        options = TranslateOptions(source, target, deadline=deadline, markup=markup, caller=client.caller)
        return await unless_gone(request.receive, request.state["translator"].translate(texts, options))
