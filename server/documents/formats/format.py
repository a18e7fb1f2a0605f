"""What every format does: take a file apart into texts, and put the same file together with as many other texts.

`tests/server/documents/formats/kit.py` holds what each must keep: an untranslated file comes back, nothing but language
changes, and what is broken or made to harm is refused in words.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from server.markup import Options
from server.text.segments import Split

Section = tuple["Format", list[str]]


def keep_language(data: bytes, target: str) -> bytes:
    """`data`, of a format that does not say its language."""
    return data


@dataclass(frozen=True)
class Format:
    """A format. `read` gives the texts of a file, `write` the same file with as many other texts.

    Attributes:
        name: what clients call it, without a dot.
        markup: of its texts; None if they are plain.
        declare: has a translated file say the language that it is in now, if files of this format say so.
        sections: of a file that holds others: its texts again, those of each with their own format. None if all are
            of this one.
        columns: of a table, those that are translated, as a request named them; empty for all.
    """

    name: str
    media_type: str
    markup: Options | None
    split: Split
    read: Callable[[bytes], list[str]]
    write: Callable[[bytes, Sequence[str]], bytes]
    declare: Callable[[bytes, str], bytes] = keep_language
    sections: Callable[[bytes], list[Section]] | None = None
    columns: str = ""

    @property
    def stored_as(self) -> str:
        """What it is called where documents wait."""
        return f"{self.name}:{self.columns}" if self.columns else self.name
