"""SentencePiece: trained on the corpora, with special ids of ours; or an imported model's, with that model's own."""

import io
import os
import shutil
import sys
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import sentencepiece
from sentencepiece import sentencepiece_model_pb2

from training.data.scheme import IdScheme, Prefix, read_scheme, write_scheme
from training.settings import TokenizerSettings

PAD, UNK, BOS, EOS = 0, 1, 2, 3
NAME, TARGET_NAME = "tokenizer.model", "target_tokenizer.model"
Side = Literal["source", "target"]
RULES = "nmt_nfkc"  # how SentencePiece normalises text before it cuts it


class TokenizerError(Exception):
    """A tokenizer that cannot be trained or does not fit."""


class Tokenizer:
    """Text to ids and back, and the `scheme` of ids that go with text.

    In our own models `tag_ids[language]` goes before the source ids and asks for that target language; imported ones
    have none of these.

    Raises:
        TokenizerError: a file is not a SentencePiece model; or, of our own, its special ids are not ours, or it lacks a
            language.
    """

    def __init__(
        self, path: Path, languages: Sequence[str], scheme: IdScheme | None = None, target_path: Path | None = None
    ) -> None:
        """Load it.

        Args:
            path: the model that cuts text to read and, without a `target_path`, makes text of what is written.
            languages: each must have a tag in a model of our own.
            scheme: of an imported model; None for one of ours.
            target_path: the target side's own model, which imported ones may have.
        """
        self.path, self.target_path = path, target_path
        self.processor = _load(path)
        self.target_processor = _load(target_path) if target_path else self.processor
        self.vocab_size: int = self.processor.get_piece_size()
        if scheme is None:
            _check_ours(path, self.processor)
        self.is_ours = scheme is None
        self.tag_ids = {language: self._tag_id(language) for language in languages} if scheme is None else {}
        self.scheme = scheme or _describe_ours(self.vocab_size, self.tag_ids)
        # Asked of the model itself, so that one which was given by path is known as well.
        self.lowercase: bool = "A" not in self.target_processor.normalize("A")
        self._is_text = _find_text(self.target_processor)

    @property
    def processors(self) -> dict[Side, sentencepiece.SentencePieceProcessor]:
        """What cuts the text of each side."""
        return {"source": self.processor, "target": self.target_processor}

    def encode(self, lines: list[str], num_threads: int = 1, side: Side = "source") -> list[list[int]]:
        """The ids of each of `lines`, as it is read or, with `side` target, written; without prefix and EOS.

        SentencePiece works with `num_threads`.
        """
        return self.processors[side].encode(lines, num_threads=num_threads)  # type: ignore[no-any-return]

    def decode(self, ids: Sequence[Sequence[int]]) -> list[str]:
        """The text of each sequence of target ids, special ids dropped."""
        is_text, size = self._is_text, len(self._is_text)
        kept = [[i for i in sequence if i < size and is_text[i]] for sequence in ids]
        return self.target_processor.decode(kept)  # type: ignore[no-any-return]

    def equals(self, other: "Tokenizer") -> bool:
        """Whether `other` gives the same ids the same meaning."""
        mine, theirs = ((each.path, each.target_path or each.path) for each in (self, other))
        same = all(a.read_bytes() == b.read_bytes() for a, b in zip(mine, theirs, strict=True))
        return same and self.scheme == other.scheme

    def save(self, folder: Path) -> None:
        """Copy its files into `folder`, where `find_tokenizer` finds them."""
        shutil.copyfile(self.path, folder / NAME)
        if self.target_path:
            shutil.copyfile(self.target_path, folder / TARGET_NAME)
        if not self.is_ours:
            write_scheme(folder, self.scheme)

    def _tag_id(self, language: str) -> int:
        tag: int = self.processor.piece_to_id(tag_piece(language))
        if tag == self.processor.unk_id():
            raise TokenizerError(f"{self.path} has no piece {tag_piece(language)}: it was trained for other languages")
        return tag


def find_tokenizer(folder: Path, languages: Sequence[str]) -> Tokenizer:
    """The tokenizer in the `folder` of a checkpoint or a store.

    Raises:
        TokenizerError: there is none that can be used for `languages`.
        ConfigError: what goes with it is damaged.
    """
    scheme, target = read_scheme(folder), folder / TARGET_NAME
    return Tokenizer(folder / NAME, languages, scheme, target if target.exists() else None)


def describe_ours(pairs: Sequence[tuple[str, str]], tag_ids: Mapping[str, int], sizes: tuple[int, int]) -> IdScheme:
    """The scheme of a model of ours.

    Args:
        pairs: its directions.
        tag_ids: by target language.
        sizes: rows of its source's and target's tables.
    """
    prefixes = tuple(Prefix(source, target, (tag_ids[target],)) for source, target in pairs)
    return IdScheme(*sizes, PAD, UNK, BOS, EOS, prefixes, (PAD, UNK, BOS, *sorted(tag_ids.values())))


def tag_piece(language: str) -> str:
    """The control symbol that asks for `language`. Text can never produce it."""
    return f"<2{language}>"


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
    return processor


def _check_ours(path: Path, processor: sentencepiece.SentencePieceProcessor) -> None:
    found = processor.pad_id(), processor.unk_id(), processor.bos_id(), processor.eos_id()
    if found != (PAD, UNK, BOS, EOS):
        raise TokenizerError(
            f"{path} has pad, unk, bos and eos at {found}; they must be at {(PAD, UNK, BOS, EOS)}: "
            "let ferry-train train one, or train it with --pad_id=0 --unk_id=1 --bos_id=2 --eos_id=3"
        )


def _describe_ours(vocab_size: int, tag_ids: Mapping[str, int]) -> IdScheme:
    """With every direction between the languages that have a tag."""
    pairs = [(source, target) for source in tag_ids for target in tag_ids if source != target]
    return describe_ours(pairs, tag_ids, (vocab_size, vocab_size))


def _find_text(processor: sentencepiece.SentencePieceProcessor) -> list[bool]:
    """Of each id, whether it stands for text."""
    special = (processor.is_control, processor.is_unknown, processor.is_unused)
    return [not any(is_special(i) for is_special in special) for i in range(processor.get_piece_size())]
