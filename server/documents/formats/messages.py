"""A string of a program as texts: its lines, paragraphs that were wrapped by hand, and messages of ICU over lines.

What stands between them is kept. A message of ICU is one text, in one line: where its lines end means nothing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from server.documents.formats.plain import Paragraph, cut_lines

_MESSAGE = re.compile(r"\{\s*[\w.]{1,60}\s*,\s*(?:plural|select|selectordinal)\s*,")
_BRACE = re.compile(r"[{}]")
_LINE_END = re.compile(r"\s*\n\s*")


@dataclass(frozen=True)
class _Message:
    """A message of ICU over several lines, with what else is in these."""

    raw: str

    @property
    def text(self) -> str:
        """All of it in one line."""
        return _LINE_END.sub(" ", self.raw)

    def write(self, translated: str) -> str:
        """Another text in its place."""
        return translated


def cut_message(text: str) -> list[str]:
    """The texts in a string."""
    return [part.text for part in _parts(text) if not isinstance(part, str)]


def fill_message(text: str, texts: Iterator[str]) -> str:
    """A string with the next of `texts` where `cut_message` found one."""
    return "".join(part if isinstance(part, str) else _filled(part, next(texts)) for part in _parts(text))


def _filled(part: Paragraph | _Message, translated: str) -> str:
    return part.raw if translated == part.text else part.write(translated)


def _parts(text: str) -> Iterator[str | Paragraph | _Message]:
    """What is kept and what is text; together they are `text`."""
    done = 0
    for start, end in _find_messages(text):
        yield from cut_lines(text[done:start])
        yield _Message(text[start:end])
        done = end
    yield from cut_lines(text[done:])


def _find_messages(text: str) -> Iterator[tuple[int, int]]:
    """From where to where there are lines with a message that goes over more than one."""
    at = 0
    while "\n" in text and (match := _MESSAGE.search(text, at)) is not None:
        end = _find_end(text, match.start())
        if end is None:
            return
        if "\n" in text[match.start() : end]:
            line_end = text.find("\n", end)
            end = len(text) if line_end < 0 else line_end
            yield max(at, text.rfind("\n", at, match.start()) + 1), end
        at = end


def _find_end(text: str, start: int) -> int | None:
    """Where the brace that opens at `start` is closed again; None if it never is."""
    depth = 0
    for match in _BRACE.finditer(text, start):
        depth += 1 if match[0] == "{" else -1
        if depth == 0:
            return match.end()
    return None
