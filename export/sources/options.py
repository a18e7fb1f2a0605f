"""What a user may say about a source that its files leave open."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

# Longest source and target in ids where a model's positions have no end. Marian trains on up to 100 or so.
MAX_SOURCE_LENGTH = 256
MAX_TARGET_LENGTH = 384


@dataclass(frozen=True)
class SourceOptions:
    """What the user says.

    Attributes:
        pairs: directions to serve; without, what the files say.
        positions: whose formula; auto is that of the toolkit the files are for.
        normalise: whether text is prepared as OPUS-MT does before it is cut; auto asks what the files look like.
        vocabularies: of source and target; without, those that the files name.
        codes: what BPE joins, for text that Moses cut; without, what stands in the model's folder.
        moses: how such text was prepared (`export.sources.moses.PREPARATIONS`); None for what the dictionary shows.
        licence: the model's terms; without, what the files say.
    """

    pairs: tuple[tuple[str, str], ...] = ()
    positions: Literal["auto", "marian", "transformers"] = "auto"
    normalise: Literal["auto", "opus", "none"] = "auto"
    vocabularies: tuple[Path, Path] | None = None
    codes: Path | None = None
    moses: frozenset[str] | None = None
    licence: str = ""
