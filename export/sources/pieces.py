"""SentencePiece models whose ids are a model's own.

Other toolkits keep two things: a SentencePiece model that cuts text into pieces, and a vocabulary that numbers them,
often one for both sides, so that neither tells what the other does. Written into one model, no new kind of tokenizer is
needed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sentencepiece import SentencePieceProcessor, sentencepiece_model_pb2

from export.errors import ExportError
from export.sources.files import check_file

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
UNIGRAM = 1
NUM_BYTES = 256
# What SentencePiece charges for a character that it does not know, below its lowest score.
UNKNOWN_PENALTY = 10.0
SPACE = "▁"
_TAG = re.compile(SPACE + r"?>>[A-Za-z]{2,}(?:[-_][A-Za-z0-9]+)*<<")


@dataclass(frozen=True)
class Vocabulary:
    """The pieces of one side by id, and which of them have a meaning of their own.

    Attributes:
        eos, unk: their ids.
        others: further ids that stand for no text.
        prefixes: ids that ask for a target language, where they are not one id that is called so.
    """

    pieces: Sequence[str]
    eos: int
    unk: int
    others: frozenset[int] = frozenset()
    prefixes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def tags(self) -> dict[str, tuple[int, ...]]:
        """What goes before the source to ask for a target language, by its code as it is written there."""
        found: dict[str, tuple[int, ...]] = {}
        for number, piece in enumerate(self.pieces):
            if is_target_tag(piece):
                found.setdefault(piece.strip(SPACE)[2:-2], self.prefixes.get(piece, (number,)))
        return found


def read_model(path: Path) -> bytes:
    """The SentencePiece model in the file `path`.

    Raises:
        ExportError: it is missing, or none.
    """
    content = check_file(path).read_bytes()
    check_model(content, path.name)
    return content


def check_model(content: bytes, name: str) -> SentencePieceProcessor:
    """`content`, loaded.

    Raises:
        ExportError: it is no SentencePiece model.
    """
    try:
        processor = SentencePieceProcessor(model_proto=content)
        processor.id_to_piece(list(range(processor.get_piece_size())))  # fails where one is no text
    except (RuntimeError, ValueError, UnicodeDecodeError) as error:
        raise ExportError(f"{name} is not a SentencePiece model: {error}") from None
    return processor


def list_pieces(content: bytes) -> list[str]:
    """The pieces of a SentencePiece model by id."""
    return [each.piece for each in _parse(content).pieces]


def is_target_tag(piece: str) -> bool:
    """Whether `piece` asks for a target language, as OPUS-MT's and Marian's multilingual models have them."""
    return _TAG.fullmatch(piece) is not None


def silence_tags(content: bytes, name: str) -> tuple[bytes, dict[str, tuple[int, ...]]]:
    """The SentencePiece model `content`, in whose text a tag that somebody writes asks for nothing.

    Args:
        content: of which text has been cut with the tag before it.
        name: what messages call it.

    Returns:
        The model, and the ids that it made of each tag until now.
    """
    model = _parse(content)
    tags = [each for each in model.pieces if is_target_tag(each.piece)]
    if not tags:
        return content, {}
    processor = check_model(content, name)
    prefixes = {each.piece: tuple(processor.encode(each.piece.strip(SPACE))) for each in tags if each.type != CONTROL}
    for each in tags:
        each.type = CONTROL
    return bytes(model.SerializeToString()), prefixes


def renumber(content: bytes, vocabulary: Vocabulary, name: str, *, reads: bool) -> bytes:
    """The SentencePiece model `content` with the ids of `vocabulary`.

    A piece that only the vocabulary has is never cut from text, but for single characters: they would be unknown to
    `content`, which gives them as they are, and the vocabulary knows them.

    Args:
        content: what cuts text into pieces.
        vocabulary: what numbers them.
        name: what messages call it.
        reads: whether it is for text to read; else for ids to write, of which any may come.

    Raises:
        ExportError: it is of a kind that cannot be renumbered.
    """
    model = _parse(content)
    known = {each.piece: each for each in model.pieces}
    lost = {piece for piece, each in known.items() if each.type == NORMAL} - set(vocabulary.pieces)
    if model.trainer_spec.model_type != UNIGRAM and lost and reads:
        raise ExportError(f"{name} is no unigram model, and the vocabulary lacks {len(lost)} of its pieces")
    lowest = min((each.score for each in known.values() if each.type == NORMAL), default=0.0) - UNKNOWN_PENALTY
    bytes_kept = sum(known[p].type == BYTE for p in vocabulary.pieces if p in known) == NUM_BYTES
    del model.pieces[:]
    for number, piece in enumerate(vocabulary.pieces):
        old = known.get(piece)
        score, kind = (old.score, old.type) if old is not None else (lowest, 0)
        if number == vocabulary.unk:
            kind = UNKNOWN
        elif number == vocabulary.eos or number in vocabulary.others or is_target_tag(piece):
            kind = CONTROL
        elif kind not in (NORMAL, USER_DEFINED) and not (kind == BYTE and bytes_kept):
            kind, score = (NORMAL if len(piece) == 1 or not reads else UNUSED), lowest
        model.pieces.add(piece=piece, score=score, type=kind)
    spec = model.trainer_spec
    spec.vocab_size, spec.unk_id, spec.eos_id, spec.bos_id, spec.pad_id = (
        len(vocabulary.pieces),
        vocabulary.unk,
        vocabulary.eos,
        -1,
        -1,
    )
    spec.unk_piece, spec.eos_piece = vocabulary.pieces[vocabulary.unk], vocabulary.pieces[vocabulary.eos]
    spec.byte_fallback = bytes_kept
    renumbered = bytes(model.SerializeToString())
    check_model(renumbered, name)
    return renumbered


def _parse(content: bytes) -> Any:
    model = sentencepiece_model_pb2.ModelProto()  # type: ignore[attr-defined]
    model.ParseFromString(content)
    return model
