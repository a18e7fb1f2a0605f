"""What translates the lines of a file: a bundle of ours, or a server somewhere. Those who write files need not know."""

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Protocol

from server.partial import Origin


@dataclass(frozen=True)
class TranslatedLine:
    """The translation of one line, and how many units of work it was."""

    text: str
    num_units: int


class LineTranslator(Protocol):
    """Lines in, lines out, in order; to be closed."""

    @property
    def unit(self) -> str:
        """What work is counted in, such as `sentences`."""
        ...

    def origin(self, input_bytes: int, input_sha256: str) -> Origin:
        """What the translations of this input are made of."""
        ...

    def translate(self, texts: Iterable[str]) -> Generator[TranslatedLine]:
        """The translation of each text, in order, as soon as it and those before it are done."""
        ...

    def close(self) -> None:
        """Stop what still runs; nobody wants it."""
        ...
