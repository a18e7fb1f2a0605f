"""SentencePiece: trained on the corpora, with the special ids every other part relies on."""

import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import sentencepiece

from training.settings import TokenizerSettings

PAD, UNK, BOS, EOS = 0, 1, 2, 3


class TokenizerError(Exception):
    """A tokenizer that cannot be trained or does not fit."""


class Tokenizer:
    """Text to ids and back. `tag_ids[language]` goes before the source ids and asks for that target language."""

    def __init__(self, path: Path, languages: Sequence[str]) -> None:
        self.path = path
        self.processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
        self.vocab_size: int = self.processor.get_piece_size()
        self.tag_ids = {language: self._tag_id(language) for language in languages}

    def encode(self, lines: list[str], num_threads: int = 1) -> list[list[int]]:
        """The ids of each line, without tag and EOS."""
        return self.processor.encode(lines, num_threads=num_threads)  # type: ignore[no-any-return]

    def decode(self, ids: Sequence[Sequence[int]]) -> list[str]:
        """The text of each sequence of ids, special ids dropped."""
        return self.processor.decode([list(sequence) for sequence in ids])  # type: ignore[no-any-return]

    def _tag_id(self, language: str) -> int:
        tag: int = self.processor.piece_to_id(tag_piece(language))
        if tag == self.processor.unk_id():
            raise TokenizerError(f"{self.path} has no piece {tag_piece(language)}: it was trained for other languages")
        return tag


def tag_piece(language: str) -> str:
    """The control symbol that asks for `language`. Text can never produce it."""
    return f"<2{language}>"


def train_tokenizer(
    lines: Iterable[str], settings: TokenizerSettings, languages: Sequence[str], path: Path, num_threads: int
) -> None:
    """Train on `lines` and write the model to `path`, aside first.

    Raises:
        TokenizerError: SentencePiece refuses, usually because the text is too small for the vocabulary.
    """
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines),
            model_writer=model,
            model_type=settings.model_type,
            vocab_size=settings.vocab_size,
            character_coverage=settings.character_coverage,
            byte_fallback=True,
            split_digits=True,
            normalization_rule_name="nmt_nfkc",
            control_symbols=[tag_piece(language) for language in sorted(languages)],
            pad_id=PAD,
            unk_id=UNK,
            bos_id=BOS,
            eos_id=EOS,
            num_threads=num_threads,
            minloglevel=1,
        )
    except (RuntimeError, OSError) as error:
        raise TokenizerError(
            f"no tokenizer of {settings.vocab_size} pieces could be trained: {error}. "
            "A smaller tokenizer.vocab_size or more text helps."
        ) from None
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(model.getvalue())
    os.replace(temporary, path)
