"""The one place where the texts of this dialect, and their format, meet the translator."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from server.detect import Detected, Detector, detect_texts
from server.libre.schema import TranslateRequest
from server.markup import Options
from server.planned import TranslatedText
from server.planner import TranslateOptions
from server.translator import Translator

# From this confidence on, what is detected as the target language is left as it is. Below it the wish to have the
# text translated says more: of the mistakes on short texts that were measured (server/detect.py) none was this sure.
SURE = 0.8

_TAG = re.compile(r"<[^<>]*>")


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
        deadline_s: seconds from now after which the answer is of no use.
        caller: whose share of the engine it takes.

    Raises:
        InvalidRequestError, RequestTooLargeError, QueueFullError, DeadlineExceededError, EngineStoppedError
    """
    num_alternatives = 0 if asked.format == "html" else asked.num_alternatives
    options = TranslateOptions(
        asked.source,
        asked.target,
        num_alternatives=num_alternatives,
        deadline=time.monotonic() + deadline_s,
        markup=Options("html") if asked.format == "html" else None,
        caller=caller,
    )
    unchanged = await _unchanged(translator.detector, asked)
    wanted = [text for text, item in zip(asked.texts, unchanged, strict=True) if item is None]
    translated = iter((await translator.translate(wanted, options)).texts if wanted else ())
    return [_translated(next(translated)) if item is None else item for item in unchanged]


async def _unchanged(detector: Detector, asked: TranslateRequest) -> Sequence[TranslatedItem | None]:
    """The texts that are in the target language already; None for those to translate."""
    if asked.source is not None:
        given = asked.source == asked.target
        return [TranslatedItem(text, (), None) if given else None for text in asked.texts]
    # Names of tags and attributes are English, whatever the text is in.
    bare = [_TAG.sub(" ", text) for text in asked.texts] if asked.format == "html" else asked.texts
    best = [ranked[0] for ranked in await detect_texts(detector, bare)]
    return [
        TranslatedItem(text, (), found) if found.language == asked.target and found.confidence >= SURE else None
        for text, found in zip(asked.texts, best, strict=True)
    ]


def _translated(text: TranslatedText) -> TranslatedItem:
    alternatives = tuple(alternative.text for alternative in text.translation.alternatives)
    return TranslatedItem(text.translation.text, alternatives, text.detected)
