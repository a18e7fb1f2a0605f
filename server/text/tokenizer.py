"""Sentence to ids and back. Knows nothing of prefixes, EOS or models: ids here are text only.

What a side's file holds says what cuts its text: a SentencePiece model, or a dictionary for Moses and BPE
(`server.text.moses`).
"""

import re
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Protocol

from server.text.moses import MosesPieces, is_moses
from server.text.sentencepieces import SentencePieces

# White space among the control characters becomes a space; a lone surrogate cannot be encoded; the rest says nothing.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class Side(Protocol):
    """What cuts the text of one side, and makes text of its ids. Text here has no control characters.

    Attributes:
        size: number of pieces, specials included.
    """

    size: int

    def encode(self, text: str) -> list[int]:
        """Ids of `text`, without specials."""

    def spans(self, text: str) -> list[tuple[int, int]]:
        """The characters of `text` that each id of `encode(text)` stands for; none if they cannot be told."""

    def find_lacking(self, text: str) -> set[str]:
        """The characters of `text` that the vocabulary lacks."""

    def decode(self, ids: Sequence[int]) -> str:
        """Text of `ids`; specials are dropped."""

    def ends(self, ids: Sequence[int]) -> list[int] | None:
        """Where each of `ids` ends in `decode(ids)`; None if decoding it part by part must tell."""


class Tokenizer:
    """What cuts source text into ids and makes text of target ids: one side for both, or one for each.

    Text is user input: a control symbol written out in it, such as `<2de>`, is text and never the symbol's id.
    """

    def __init__(self, source: Side, target: Side | None = None) -> None:
        self._source = source
        self._target = target or source

    @classmethod
    def load(cls, path: Path, target: Path | None = None) -> "Tokenizer":
        """Load the file at `path`, and the target side's if that has its own.

        Raises:
            OSError: a file cannot be read.
            RuntimeError: one is neither kind of tokenizer, or needs packages that are not installed.
            ValueError: a piece of a model is not text, or a dictionary does not hold what it must.
        """
        return cls(_load(path), None if target is None else _load(target))

    @property
    def vocab_size(self) -> int:
        """Number of pieces of the source side, specials included."""
        return self._source.size

    @property
    def target_vocab_size(self) -> int:
        """Number of pieces of the target side, specials included."""
        return self._target.size

    def encode(self, text: str) -> list[int]:
        """Ids of `text`, without specials. Control characters are dropped, lone surrogates become U+FFFD."""
        return self._source.encode(_CONTROLS.sub(_replacement, text))

    def find_lacking(self, text: str) -> set[str]:
        """The characters of `text` that the vocabulary lacks; models learn badly what they are read as instead."""
        return self._source.find_lacking(_CONTROLS.sub(_replacement, text)).intersection(text)

    def source_spans(self, text: str) -> list[tuple[int, int]]:
        """The characters of `text` that each id of `encode(text)` stands for; none if they cannot be told."""
        return [] if _CONTROLS.search(text) else self._source.spans(text)

    def decode(self, ids: Sequence[int]) -> str:
        """Text of `ids`; specials are dropped, and control characters too, which byte pieces may spell."""
        return _CONTROLS.sub(_replacement, self._target.decode(ids))

    def target_ends(self, ids: Sequence[int]) -> list[int]:
        """Where each of `ids` ends in `decode(ids)`. Bytes of one character are there when the last of them is."""
        total = len(self.decode(ids))
        told = self._target.ends(ids)
        found = told if told is not None else [len(self.decode(ids[:count])) for count in range(1, len(ids) + 1)]
        return list(accumulate((min(end, total) for end in found), max))


def _load(path: Path) -> Side:
    with path.open("rb") as file:
        found = is_moses(file.read(1))
    return MosesPieces.load(path) if found else SentencePieces.load(path)


def _replacement(match: re.Match[str]) -> str:
    character = match.group()
    if character.isspace():
        return " "
    return "\ufffd" if character >= "\ud800" else ""
