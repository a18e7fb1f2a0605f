"""Html: cut between elements into pieces of markup that `server.markup` can take one by one."""

import re
from collections.abc import Iterator, Sequence

from server.documents.formats.charsets import decode_page
from server.markup import Document, Options, parse
from server.markup.tokens import tokenize

PAGE = Options(kind="html", attributes=True)

# A piece has at least so many characters, so that a page of small elements does not become thousands of them.
PIECE_CHARS = 1000

_START_TAG = re.compile(r"<[A-Za-z!?]")
_PREFORMATTED = re.compile(r"<(?:pre|textarea)\b", re.I)


def read_page(data: bytes) -> list[str]:
    """The pieces with text in them.

    Raises:
        InvalidDocumentError: it is text neither in the encoding that it declares nor in UTF-8.
    """
    return [piece for piece, has_text in _pieces(decode_page(data).text) if has_text]


def write_page(data: bytes, texts: Sequence[str]) -> bytes:
    """`data` with other pieces; a letter that its encoding does not have is written as an entity."""
    waiting = iter(texts)
    decoded = decode_page(data)
    written = [next(waiting) if has_text else piece for piece, has_text in _pieces(decoded.text)]
    return decoded.encode("".join(written), "xmlcharrefreplace")


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """The pieces, and whether there is text in each; joined they are `text`.

    A piece ends behind the end tags that follow its last text, and begins before a `<pre>` that its first text may be
    in: white space is then seen to mean something. Long styles and scripts are in pieces without text.
    """
    run, has_text = "", False
    for part, is_text in _parts(parse(text, PAGE)):
        if is_text:
            run, has_text = run + part, True
            continue
        begins = _START_TAG.search(part)
        cut = begins.start() if begins else len(part)
        run, rest = run + part[:cut], part[cut:]
        if has_text and max(len(run), len(rest)) >= PIECE_CHARS:
            yield run, True
            run, has_text = "", False
        if not has_text:
            needed = max((match.start() for match in _PREFORMATTED.finditer(rest)), default=len(rest))
            yield run + rest[:needed], False
            run, rest = "", rest[needed:]
        run += rest
    yield run, has_text


def _parts(document: Document) -> Iterator[tuple[str, bool]]:
    marks = frozenset(inner.raw for inner in document.inner)
    for part in document.parts:
        if not isinstance(part, str):
            yield part.source, True
        elif not marks or "=" not in part:
            yield part, False
        else:  # tags with attributes that readers see are text as well
            yield from _around_marks(part, marks)


def _around_marks(part: str, marks: frozenset[str]) -> Iterator[tuple[str, bool]]:
    """`part` cut around the tags that are `marks`."""
    run = ""
    for token in tokenize(part, "html"):
        if token.text not in marks:
            run += token.text
            continue
        if run:
            yield run, False
        yield token.text, True
        run = ""
    if run:
        yield run, False
