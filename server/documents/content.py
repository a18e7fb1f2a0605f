"""A document's texts through the translator, in batches so small that they never fill the engine's queue."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from server.documents.formats.format import Format, Section
from server.errors import InvalidDocumentError, QueueFullError, RequestTooLargeError
from server.markup import parse
from server.text.segments import Segment, halve
from server.translation.glossary import Prepared, Terms, take_out_terms
from server.translation.request import TranslateOptions
from server.translation.translator import Translator

# Some hundred sentences keep the engine busy; more would make others wait in its queue.
MAX_BATCH_CHARS = 8000
MAX_BATCH_TEXTS = 64
# The language of a document is told from its beginning.
MAX_SAMPLE_CHARS = 5000
MAX_QUEUE_WAIT_S = 5.0

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Content:
    """What there is to translate: texts, each with its file's format, and how many characters of them are language."""

    sections: tuple[Section, ...]
    num_chars: int
    sample: str


def read_content(format: Format, data: bytes) -> Content:
    """Take a document apart; it may take seconds, so call it in a thread.

    Raises:
        InvalidDocumentError: it is damaged, or not of this format.
    """
    sections = format.sections(data) if format.sections else [(format, format.read(data))]
    num_chars = 0
    sample: list[str] = []
    for each, texts in sections:
        for text in texts:
            bare = bare_text(each, text)
            if num_chars < MAX_SAMPLE_CHARS:
                sample.append(bare)
            num_chars += len(bare)
    return Content(tuple(sections), num_chars, " ".join(sample)[:MAX_SAMPLE_CHARS])


def bare_text(format: Format, text: str) -> str:
    """The language in a text, without its markup."""
    if format.markup is None:
        return text
    return " ".join(chunk.text for chunk in parse(text, replace(format.markup, attributes=False)).chunks)


async def translate_document(
    translator: Translator,
    format: Format,
    data: bytes,
    options: TranslateOptions,
    terms: Mapping[str, str],
    progress: Progress = lambda done, total: None,
) -> bytes:
    """The document in another language.

    Args:
        translator: with the models.
        format: of the document.
        data: the document.
        options: `markup` and `split` are each format's, whatever they say; in the background a full
            queue is waited for.
        terms: of glossaries, and what they must become.
        progress: is told after each batch how many characters of how many are done.

    Raises:
        InvalidDocumentError: it is damaged, or a paragraph is too long and cannot be cut.
        InvalidRequestError: no model has the direction, or an option is past its limit.
        QueueFullError: the queue has no room now; not in the background.
        DeadlineExceededError: it was not done in time.
        EngineStoppedError: the engine is closing or has failed.
    """
    content = await asyncio.to_thread(read_content, format, data)
    if options.source is None:
        source = await find_source(translator, content.sample, options.target)
        if source == options.target:
            return data
        options = replace(options, source=source)
    # What two files say alike may differ in its markup, so only what one format says twice is translated once.
    wanted = {format.name: (format, dict[str, str]()) for format, _ in content.sections}
    for each, texts in content.sections:
        wanted[each.name][1].update(zip(texts, texts, strict=True))
    total = done = sum(len(text) for _, found in wanted.values() for text in found)
    for each, found in wanted.values():
        work = _Work(translator, replace(options, markup=each.markup, split=each.split), terms)
        for batch in cut_batches(list(found), translator):
            found.update(zip(batch, await work.translate(batch), strict=True))
            done -= sum(map(len, batch))
            progress(total - done, total)
    results = [wanted[each.name][1][text] for each, texts in content.sections for text in texts]
    return await asyncio.to_thread(_put_together, format, data, results, options.target)


def _put_together(format: Format, data: bytes, texts: Sequence[str], target: str) -> bytes:
    return format.declare(format.write(data, texts), target)


async def find_source(translator: Translator, sample: str, target: str) -> str:
    """The language that a `sample` seems to be in: `target` itself, or one of those that are translated into it."""
    if not translator.detector.loaded:
        await asyncio.to_thread(translator.detector.load)
    return (await asyncio.to_thread(translator.detect_source, sample, target)).language


def cut_batches(texts: Sequence[str], translator: Translator) -> list[list[str]]:
    """`texts` in requests within the limits; one that is over them alone is a batch of its own."""
    limits = translator.limits
    max_chars = min(MAX_BATCH_CHARS, limits.max_text_chars)
    max_texts = min(MAX_BATCH_TEXTS, limits.max_texts)
    batches: list[list[str]] = []
    num_chars = 0
    for text in texts:
        if not batches or len(batches[-1]) == max_texts or num_chars + len(text) > max_chars:
            batches.append([])
            num_chars = 0
        batches[-1].append(text)
        num_chars += len(text)
    return batches


class _Work:
    """How the texts of one document are translated."""

    def __init__(self, translator: Translator, options: TranslateOptions, terms: Mapping[str, str]) -> None:
        self._translator = translator
        self._options = options
        self._entries = terms
        self._terms: Terms | None = None

    async def translate(self, texts: Sequence[str]) -> list[str]:
        """The translations of `texts`, which is cut into smaller requests where it is too large for one."""
        try:
            return await self._ask(texts)
        except RequestTooLargeError as error:
            if len(texts) > 1:
                middle = len(texts) // 2
                return [*await self.translate(texts[:middle]), *await self.translate(texts[middle:])]
            halves = halve(Segment(texts[0], "")) if self._options.markup is None else None
            if halves is None:
                raise InvalidDocumentError(
                    f"A paragraph of the document is too long, {len(texts[0])} characters with its markup; cut it."
                ) from error
            left, right = [await self.translate([half.text]) for half in halves]
            return [left[0] + halves[0].after + right[0]]

    async def _ask(self, texts: Sequence[str]) -> list[str]:
        while True:
            try:
                if self._entries:
                    return await self._with_terms(texts)
                return [each.text for each in await self._translator.translate(texts, self._options)]
            except QueueFullError as error:
                if not self._options.background:
                    raise
                await asyncio.sleep(min(error.retry_after_s, MAX_QUEUE_WAIT_S))

    async def _with_terms(self, texts: Sequence[str]) -> list[str]:
        prepared = await asyncio.to_thread(self._prepare, texts)
        options = replace(self._options, markup=prepared[0].options)
        translations = await self._translator.translate([each.text for each in prepared], options)
        return [
            each.restore(found.text, self._options.target) for each, found in zip(prepared, translations, strict=True)
        ]

    def _prepare(self, texts: Sequence[str]) -> list[Prepared]:
        if self._terms is None:
            self._terms = Terms(self._entries)
        return [take_out_terms(text, self._options.markup, self._terms) for text in texts]
