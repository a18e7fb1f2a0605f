"""Html, xml and placeholders around translation: what is not language comes out once, unchanged, in its place.

`parse` a text, translate its chunks, `assemble` it. No engine, no HTTP, no waiting: pure functions for any thread.
"""

from server.markup.alignment import Alignment
from server.markup.document import Chunk, Document, Mark, parse, parse_marked
from server.markup.options import Options
from server.markup.place import Translated, assemble, chunks, place, place_all, translate_chunks
from server.markup.verify import verify

__all__ = [
    "Alignment",
    "Chunk",
    "Document",
    "Mark",
    "Options",
    "Translated",
    "assemble",
    "chunks",
    "parse",
    "parse_marked",
    "place",
    "place_all",
    "translate_chunks",
    "verify",
]
