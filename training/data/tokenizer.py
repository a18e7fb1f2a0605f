"""SentencePiece: trained on the corpora, with the special ids every other part relies on."""

import io
import os
import sys
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import sentencepiece
from sentencepiece import sentencepiece_model_pb2

from training.settings import TokenizerSettings, TrainSettings

PAD, UNK, BOS, EOS = 0, 1, 2, 3
RULES = "nmt_nfkc"  # how SentencePiece normalises text before it cuts it


class TokenizerError(Exception):
    """A tokenizer that cannot be trained or does not fit."""


class Tokenizer:
    """Text to ids and back. `tag_ids[language]` goes before the source ids and asks for that target language.

    Raises:
        TokenizerError: the file is not a SentencePiece model, its special ids are not ours, or it lacks a language.
    """

    def __init__(self, path: Path, languages: Sequence[str]) -> None:
        self.path = path
        self.processor = _load(path)
        self.vocab_size: int = self.processor.get_piece_size()
        self.tag_ids = {language: self._tag_id(language) for language in languages}
        # Asked of the model itself, so that one which was given by path is known as well.
        self.lowercase: bool = "A" not in self.processor.normalize("A")

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


def given_tokenizer(settings: TrainSettings) -> Path | None:
    """The model that the run must use: `tokenizer.path`, or that of `run.init_from`; None if it trains its own.

    Raises:
        TokenizerError: it does not exist, or both are given and differ.
    """
    given = {}
    if settings.tokenizer.path:
        given["tokenizer.path"] = Path(settings.tokenizer.path)
    if settings.run.init_from:
        given["run.init_from"] = Path(settings.run.init_from) / "tokenizer.model"
    for name, path in given.items():
        if not path.is_file():
            raise TokenizerError(f"{name}: there is no {path.name} in {path.parent}")
    if len({path.read_bytes() for path in given.values()}) > 1:
        raise TokenizerError(
            f"tokenizer.path = {settings.tokenizer.path} is another tokenizer than the one that the weights of "
            f"run.init_from = {settings.run.init_from} were trained with; leave tokenizer.path out"
        )
    return next(iter(given.values()), None)


def train_tokenizer(
    lines: Iterable[str], settings: TokenizerSettings, languages: Sequence[str], path: Path, num_threads: int
) -> None:
    """Train on `lines` and write the model to `path`, aside first.

    Args:
        lines: of all languages, read once.
        settings: kind and size.
        languages: each gets a tag.
        path: of the model.
        num_threads: of SentencePiece.

    Raises:
        TokenizerError: SentencePiece refuses, usually because the text is too small for the vocabulary.
    """
    model = io.BytesIO()
    try:
        with tempfile.NamedTemporaryFile("w", suffix=".tsv", encoding="ascii") as rules:
            if settings.lowercase:
                rules.writelines(_lowercase_rules())
                rules.flush()
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter(lines),
                model_writer=model,
                model_type=settings.model_type,
                vocab_size=settings.vocab_size,
                character_coverage=settings.character_coverage,
                byte_fallback=True,
                split_digits=True,
                normalization_rule_name=RULES,
                # A file of rules, where there is one, beats the name.
                normalization_rule_tsv=rules.name if settings.lowercase else "",
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
    temporary.write_bytes(_without_paths(model.getvalue()))
    os.replace(temporary, path)


def _without_paths(model: bytes) -> bytes:
    """The same model without the name of the file its rules were read from: equal text gives equal bytes, anywhere."""
    proto = sentencepiece_model_pb2.ModelProto()  # type: ignore[attr-defined]
    proto.ParseFromString(model)
    proto.normalizer_spec.ClearField("normalization_rule_tsv")
    return bytes(proto.SerializeToString())


def _lowercase_rules() -> Iterator[str]:
    """Lines of SentencePiece's rule format: what `RULES` makes of each character, lower-cased.

    SentencePiece has rules of its own for this, `nmt_nfkc_cf`, but they fold case for comparing, not for reading: they
    turn "Straße" into "strasse".
    """
    normalizer = sentencepiece.SentencePieceNormalizer(
        rule_name=RULES, add_dummy_prefix=False, escape_whitespaces=False, remove_extra_whitespaces=False
    )
    assigned = [c for c in map(chr, range(1, sys.maxunicode + 1)) if unicodedata.category(c) not in ("Cn", "Co", "Cs")]
    decomposed = [d for c in assigned if len(d := unicodedata.normalize("NFD", c)) > 1]
    texts = assigned + decomposed
    for text, normal in zip(texts, normalizer.normalize(texts), strict=True):
        if text != normal.lower():
            yield f"{_code_points(text)}\t{_code_points(normal.lower())}\n"


def _code_points(text: str) -> str:
    return " ".join(f"{ord(character):X}" for character in text)


def _load(path: Path) -> sentencepiece.SentencePieceProcessor:
    try:
        processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
    except (RuntimeError, OSError) as error:
        raise TokenizerError(f"{path} is not a SentencePiece model: {error}") from None
    found = processor.pad_id(), processor.unk_id(), processor.bos_id(), processor.eos_id()
    if found != (PAD, UNK, BOS, EOS):
        raise TokenizerError(
            f"{path} has pad, unk, bos and eos at {found}; they must be at {(PAD, UNK, BOS, EOS)}: "
            "let ferry-train train one, or train it with --pad_id=0 --unk_id=1 --bos_id=2 --eos_id=3"
        )
    return processor
