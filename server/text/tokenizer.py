"""Sentence to ids and back, with SentencePiece. Knows nothing of prefixes, EOS or models: ids here are text only."""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from sentencepiece import SentencePieceProcessor

# White space among the control characters becomes a space; a lone surrogate cannot be encoded; the rest says nothing.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class Tokenizer:
    """What cuts source text into ids and makes text of target ids: one SentencePiece model, or one for each side.

    Text is user input: a control symbol written out in it, such as `<2de>`, is text and never the symbol's id.
    """

    def __init__(self, processor: SentencePieceProcessor, target: SentencePieceProcessor | None = None) -> None:
        self._processor = processor
        self._target = target = target or processor
        self._text_ids = [
            not (target.is_control(i) or target.is_unknown(i) or target.is_unused(i))
            for i in range(target.get_piece_size())
        ]
        self._known: set[str] = set()  # characters looked up so far, at most all of Unicode
        self._lacking: set[str] = set()

    @classmethod
    def load(cls, path: Path, target: Path | None = None) -> "Tokenizer":
        """Load the model file at `path`, and the target side's if that has its own.

        Raises:
            OSError: a file cannot be read.
            RuntimeError: one is not a SentencePiece model.
            ValueError: a piece of a model is not text.
        """
        return cls(_load(path), None if target is None else _load(target))

    @property
    def vocab_size(self) -> int:
        """Number of pieces of the source side, specials included."""
        return int(self._processor.get_piece_size())

    @property
    def target_vocab_size(self) -> int:
        """Number of pieces of the target side, specials included."""
        return len(self._text_ids)

    def encode(self, text: str) -> list[int]:
        """Ids of `text`, without specials. Control characters are dropped, lone surrogates become U+FFFD."""
        ids: list[int] = self._processor.encode(_CONTROLS.sub(_replacement, text))
        return ids

    def find_lacking(self, text: str) -> set[str]:
        """The characters of `text` that the vocabulary lacks; they are spelled in bytes, which models learn badly."""
        # A letter and its mark are one for the vocabulary, which composes what it reads.
        composed = text if text.isascii() else unicodedata.normalize("NFC", text)
        chars = set(composed)
        for char in chars - self._known:
            if any(map(self._is_byte_or_unknown, self.encode(char))):
                self._lacking.add(char)
            self._known.add(char)
        lacking = chars & self._lacking
        if lacking and composed != text:  # how the text itself writes them
            lacking |= {mark for char in lacking for mark in unicodedata.normalize("NFD", char)[1:] if mark in text}
        return lacking

    def _is_byte_or_unknown(self, id: int) -> bool:
        return bool(self._processor.is_byte(id) or self._processor.is_unknown(id))

    def source_spans(self, text: str) -> list[tuple[int, int]]:
        """The characters of `text` that each id of `encode(text)` stands for; none if they cannot be told."""
        if _CONTROLS.search(text):
            return []
        mapping = self._processor.encode(text, return_type="offset_mapping")
        return [(start, end) for start, end in mapping["offsets"]]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of `ids`; specials are dropped, and control characters too, which byte pieces may spell."""
        text: str = self._target.decode([i for i in ids if self._text_ids[i]])
        return _CONTROLS.sub(_replacement, text)


def _load(path: Path) -> SentencePieceProcessor:
    processor = SentencePieceProcessor(model_file=str(path))
    processor.id_to_piece(list(range(processor.get_piece_size())))  # fails where one is no text
    return processor


def _replacement(match: re.Match[str]) -> str:
    character = match.group()
    if character.isspace():
        return " "
    return "\ufffd" if character >= "\ud800" else ""
