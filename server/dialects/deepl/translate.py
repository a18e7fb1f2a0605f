"""The one place where texts, their markup and a glossary's entries meet the translator."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from server.dialects.deepl.schema import TranslateRequest
from server.markup import Options
from server.translation.assemble import Translation
from server.translation.glossary import Prepared, Terms, take_out_terms
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
    if not entries:
        return await translator.translate(asked.texts, options)
    # Ten thousand terms take a tenth of a second.
    prepared = await asyncio.to_thread(_prepare, asked.texts, options.markup, entries)
    texts = [each.text for each in prepared]
    translations = await translator.translate(texts, replace(options, markup=prepared[0].options))
    return [
        replace(found, text=each.restore(found.text, target))
        for found, each in zip(translations, prepared, strict=True)
    ]


def _prepare(texts: Sequence[str], markup: Options | None, entries: Mapping[str, str]) -> list[Prepared]:
    terms = Terms(entries)
    return [take_out_terms(text, markup, terms) for text in texts]
