"""The terms of the glossaries that a request names: found for whoever sends it, and put into its translations."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from server.access.access import Client
from server.errors import InvalidRequestError
from server.markup import Options
from server.storage.glossary_store import GlossaryStore
from server.translation.assemble import Translation
from server.translation.glossary import Prepared, Terms, take_out_terms
from server.translation.request import TranslateOptions
from server.translation.translator import Translator

MAX_GLOSSARIES_PER_REQUEST = 5


async def find_entries(
    store: GlossaryStore, client: Client, glossary_ids: Sequence[str], source: str | None, target: str
) -> Mapping[str, str]:
    """The entries of all glossaries asked for; of two for the same term the first counts.

    Args:
        store: of all glossaries.
        client: whose they are.
        glossary_ids: in order.
        source: the models' code; None is no direction that a glossary has.
        target: the models' code.

    Raises:
        InvalidRequestError: one has no dictionary for the direction.
        GlossaryNotFoundError: the client has none with one of the ids.
        StorageError: they cannot be read.
    """
    entries: dict[str, str] = {}
    for glossary_id in glossary_ids:
        info = await asyncio.to_thread(store.info, client.name, glossary_id)
        directions = [(each.source_lang, each.target_lang) for each in info.dictionaries]
        if source is None or (source, target) not in directions:
            known = ", ".join(map("-".join, directions)) or "none"
            raise InvalidRequestError(
                "No dictionary found for language pair: the glossary's is not that of the request's source and target; "
                f"it is {known}."
            )
        found = await asyncio.to_thread(store.entries, client.name, glossary_id, (source, target))
        entries = {**found, **entries}
    return entries


async def translate_with_terms(
    translator: Translator, texts: Sequence[str], options: TranslateOptions, entries: Mapping[str, str]
) -> Sequence[Translation]:
    """The translations of `texts`, in order, with the target terms in them; without alignments where there are terms.

    Args:
        translator: whose models answer.
        texts: of the request.
        options: of the request.
        entries: source terms and what they must become; empty without a glossary.

    Raises:
        FerryError: as `Translator.translate` does.
    """
    if not entries:
        return await translator.translate(texts, options)
    # Ten thousand terms take a tenth of a second.
    prepared = await asyncio.to_thread(_prepare, texts, options.markup, entries)
    translations = await translator.translate(
        [each.text for each in prepared],
        replace(options, markup=prepared[0].options if prepared else options.markup, align=False),
    )
    return [_restore(found, each, options.target) for found, each in zip(translations, prepared, strict=True)]


def _prepare(texts: Sequence[str], markup: Options | None, entries: Mapping[str, str]) -> list[Prepared]:
    terms = Terms(entries)
    return [take_out_terms(text, markup, terms) for text in texts]


def _restore(found: Translation, prepared: Prepared, target: str) -> Translation:
    """`found` with the terms in the place of what stood for them, in all that it tells."""
    return replace(
        found,
        text=prepared.restore(found.text, target),
        alternatives=tuple(replace(each, text=prepared.restore(each.text, target)) for each in found.alternatives),
        segments=tuple(
            replace(
                each,
                source=prepared.show_source(each.source),
                target=prepared.restore_sentence(each.target, target),
            )
            for each in found.segments
        ),
    )
