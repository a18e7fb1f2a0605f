"""Text of one side to ids and back, with a SentencePiece model."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path

from sentencepiece import SentencePieceProcessor


class SentencePieces:
    """A SentencePiece model; what `server.text.tokenizer.Side` asks for."""

    def __init__(self, processor: SentencePieceProcessor) -> None:
        self._processor = processor
        self.size = int(processor.get_piece_size())
        self._is_text = [
            not (processor.is_control(i) or processor.is_unknown(i) or processor.is_unused(i)) for i in range(self.size)
        ]
        self._known: set[str] = set()  # characters looked up so far, at most all of Unicode
        self._lacking: set[str] = set()

    @classmethod
    def load(cls, path: Path) -> "SentencePieces":
        """Load the model file at `path`.

        Raises:
            OSError: it cannot be read.
            RuntimeError: it is not a SentencePiece model.
            ValueError: a piece of it is not text.
        """
        processor = SentencePieceProcessor(model_file=str(path))
        processor.id_to_piece(list(range(processor.get_piece_size())))  # fails where one is no text
        return cls(processor)

    def encode(self, text: str) -> list[int]:
        """Ids of `text`, without specials."""
        ids: list[int] = self._processor.encode(text)
        return ids

    def spans(self, text: str) -> list[tuple[int, int]]:
        """The characters of `text` that each id of `encode(text)` stands for."""
        mapping = self._processor.encode(text, return_type="offset_mapping")
        return [(start, end) for start, end in mapping["offsets"]]

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

    def decode(self, ids: Sequence[int]) -> str:
        """Text of `ids`; specials are dropped."""
        text: str = self._processor.decode([i for i in ids if self._is_text[i]])
        return text

    def ends(self, ids: Sequence[int]) -> list[int] | None:
        """Nothing: what a piece adds to a text shows when it is decoded with those before it."""
        return None
