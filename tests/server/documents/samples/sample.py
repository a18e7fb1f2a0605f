"""What a sample is, and what becomes of one whose language is put in capitals."""

import re
from dataclasses import dataclass

from tests.server.documents.builders import make_zip

_LANGUAGE = re.compile(r"ü\w*")
Parts = dict[str, str | bytes]


@dataclass(frozen=True)
class Sample:
    """A file.

    Attributes:
        name: what is odd in it.
        kind: its format.
        content: its text, or the parts of its archive.
        after: the same translated, where that is not only its words in capitals.
        stored: parts that lie in the archive unpacked.
    """

    name: str
    kind: str
    content: "str | Parts | bytes"
    after: "str | Parts | None" = None
    encoding: str = "utf-8"
    stored: tuple[str, ...] = ()

    @property
    def data(self) -> bytes:
        """The file."""
        return self._pack(self.content)

    @property
    def translated(self) -> bytes:
        """The file as it must be once its language is in capitals."""
        if self.after is not None:
            return self._pack(self.after)
        assert not isinstance(self.content, bytes)
        if isinstance(self.content, str):
            return self._pack(shout(self.content))
        return self._pack({n: each if isinstance(each, bytes) else shout(each) for n, each in self.content.items()})

    def _pack(self, content: "str | Parts | bytes") -> bytes:
        if isinstance(content, bytes):
            return content
        return content.encode(self.encoding) if isinstance(content, str) else make_zip(content, self.stored)


def shout(text: str) -> str:
    """`text` with its language in capitals."""
    return _LANGUAGE.sub(lambda match: match[0].upper(), text)


def silent(text: str) -> bool:
    """Whether there is no language in `text`."""
    return _LANGUAGE.search(text) is None
