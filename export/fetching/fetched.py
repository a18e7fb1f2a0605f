"""What fetching gives: files on this machine, and what the service says of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Fetched:
    """A model's files.

    Attributes:
        path: its folder, or the file of its weights.
        name: what it is, so that the same files can be had again.
        pair: source and target language, if the service tells.
        licence: its terms, if the service tells.
        figures: what it tells of the model's quality, by name.
    """

    path: Path
    name: str
    pair: tuple[str, str] | None = None
    licence: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)
