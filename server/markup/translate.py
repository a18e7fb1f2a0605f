"""A whole document translated: in one go, or in two steps around a translator that is waited for."""

from collections.abc import Callable, Sequence

from server.markup.alignment import Alignment
from server.markup.document import Document
from server.markup.place import place
from server.markup.verify import verify

# A chunk's translation and its alignment: of the chunk, of each of its sentences, or unknown.
Translated = tuple[str, Alignment | Sequence[Alignment] | None]


def chunks(document: Document) -> list[str]:
    """The texts to translate, in order."""
    return [chunk.text for chunk in document.chunks]


def assemble(document: Document, translated: Sequence[Translated]) -> str:
    """The document with the translations of `chunks(document)`.

    Its markup is checked once more as a whole; in the case that nobody has thought of, the source comes back as it is.
    """
    waiting = iter(translated)
    assert len(translated) == len(document.chunks)
    output = "".join(part if isinstance(part, str) else place(part, *next(waiting)) for part in document.parts)
    return output if verify(document.source, output, document.options) else document.source


def translate_document(document: Document, translate: Callable[[list[str]], Sequence[Translated]]) -> str:
    """The document with its chunks translated by `translate`, all at once."""
    return assemble(document, translate(chunks(document)))
