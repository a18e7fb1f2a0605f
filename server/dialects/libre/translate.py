"""The one place where the texts of this dialect, and their format, meet the translator."""

import time
from dataclasses import dataclass

from server.dialects.libre.schema import TranslateRequest
from server.markup import Options
from server.text.detect import Detected
from server.translation.assemble import Translation
from server.translation.request import TranslateOptions
from server.translation.translator import Translator


@dataclass(frozen=True)
class TranslatedItem:
    """One text of a request, translated. `detected` is None if the source language was given."""

    text: str
    alternatives: tuple[str, ...]
    detected: Detected | None


async def translate_texts(
    translator: Translator, asked: TranslateRequest, deadline_s: float, caller: str
) -> list[TranslatedItem]:
    """Translate the texts of `asked`, in order; a text that is in the target language already stays as it is.

    With html there are no alternatives, as clients of this dialect expect.

    Args:
        translator: whose models answer.
        asked: checked.
        deadline_s: seconds from now after which the answer is of no use.
        caller: whose share of the engine it takes.

    Raises:
        InvalidRequestError: no model translates so, or the markup cannot be read.
        RequestTooLargeError: there are too many texts, characters or tokens.
        QueueFullError: the engine has too much to do to be in time.
        DeadlineExceededError: it was not in time.
        EngineStoppedError: an engine has failed, or the server ends.
    """
    num_alternatives = 0 if asked.format == "html" else asked.num_alternatives
    options = TranslateOptions(
        asked.source,
        asked.target,
        num_alternatives=num_alternatives,
        deadline=time.monotonic() + deadline_s,
        markup=Options("html", attributes=asked.translate_attributes) if asked.format == "html" else None,
        caller=caller,
    )
    if asked.source == asked.target:
        return [TranslatedItem(text, (), None) for text in asked.texts]
    return list(map(_read_item, await translator.translate(asked.texts, options)))


def _read_item(translation: Translation) -> TranslatedItem:
    alternatives = tuple(alternative.text for alternative in translation.alternatives)
    return TranslatedItem(translation.text, alternatives, translation.detected)
