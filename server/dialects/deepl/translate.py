"""The one place where texts, their markup and a glossary's entries meet the translator."""

import time
from collections.abc import Mapping, Sequence

from server.dialects.deepl.schema import TranslateRequest
from server.dialects.terms import translate_with_terms
from server.translation.assemble import Translation
from server.translation.request import TranslateOptions
from server.translation.translator import Translator

# The official client gives up reading after 10 s and asks again at once, up to six times in all; so we answer before.
MAX_DEADLINE_S = 9.0


async def translate_texts(
    translator: Translator,
    asked: TranslateRequest,
    source: str | None,
    target: str,
    entries: Mapping[str, str],
    deadline_s: float,
    caller: str,
) -> Sequence[Translation]:
    """Translate the texts of `asked`, in order.

    Args:
        translator: whose models answer.
        asked: checked.
        source: the models' code, None to detect it for each text.
        target: the models' code.
        entries: source terms and what they must become; empty without a glossary.
        deadline_s: seconds from now after which the answer is of no use.
        caller: whose share of the engine it takes.
    """
    deadline = time.monotonic() + min(deadline_s, MAX_DEADLINE_S)
    options = TranslateOptions(
        source,
        target,
        deadline=deadline,
        split=asked.split,
        markup=asked.markup,
        formality=asked.formality,
        caller=caller,
    )
    return await translate_with_terms(translator, asked.texts, options, entries)
