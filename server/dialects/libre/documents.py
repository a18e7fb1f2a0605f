"""A file translated while its client waits, and the one place where files of this dialect meet the translator."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from server.dialects.libre.schema import TranslateRequest
from server.documents.content import read_content, translate_document
from server.documents.formats.format import Format
from server.errors import RequestTooLargeError
from server.translation.request import TranslateOptions
from server.translation.translator import Translator

# Counts characters for whoever asks, as long as what is in the context succeeds; raises if they are too many.
Charge = Callable[[int], AbstractAsyncContextManager[None]]


async def translate_file(
    translator: Translator,
    asked: TranslateRequest,
    format: Format,
    data: bytes,
    deadline_s: float,
    charge: Charge,
    caller: str,
) -> bytes:
    """The file in another language; one that is in the target language already stays as it is.

    It may have as many characters as the texts of one request, but any number of paragraphs.

    Args:
        translator: whose models answer.
        asked: its languages count, texts it has none.
        format: of the file.
        data: the file.
        deadline_s: seconds from now after which the answer is of no use.
        charge: is told how many characters there are.
        caller: whose share of the engine it takes.

    Raises:
        InvalidRequestError: the file cannot be read, or no model translates so.
        RequestTooLargeError: it has too many characters.
        QueueFullError: the engine has too much to do to be in time.
        DeadlineExceededError: it was not in time.
        EngineStoppedError: an engine has failed, or the server ends.
    """
    deadline = time.monotonic() + deadline_s
    content = await asyncio.to_thread(read_content, format, data)
    limit = translator.limits.max_text_chars
    if content.num_chars > limit:
        raise RequestTooLargeError(
            f"Invalid request: request ({content.num_chars}) exceeds text limit ({limit}); send less at a time"
        )
    async with charge(content.num_chars):
        if asked.source == asked.target:
            return data
        options = TranslateOptions(asked.source, asked.target, deadline=deadline, caller=caller)
        return await translate_document(translator, format, data, options, {})
