"""What fetching gives: files on this machine, and what the service says of them."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Fetched:
    """A model's files.

    Attributes:
        path: its folder, or the file of its weights.
        name: what it is, so that the same files can be had again.
        pair: source and target language, if the service tells.
        licence: its terms, if the service tells.
    """

    path: Path
    name: str
    pair: tuple[str, str] | None = None
    licence: str = ""
