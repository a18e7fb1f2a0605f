"""Lines that look to a model like text of its language, where the user has none: pieces drawn as often as used.

A unigram model of SentencePiece knows how often each of its pieces comes in text, so that words come out in no order
and yet in their proportions. For the ranges of activations that will do; text of the user's own is no worse.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sentencepiece import SentencePieceProcessor

from export.sources.source import Source
from server.text.moses import MosesPieces, is_moses, read_settings
from training.checkpoint import Sample

NUM_LINES = 400
# Pieces of a line, from the shortest to the longest.
LENGTHS = (3, 60)
# Ids that stand for text, how often each is used, and what makes text of them.
Described = tuple[NDArray[np.int64], NDArray[np.float64], Callable[[Sequence[int]], Any]]


def add_samples(source: Source) -> Source:
    """`source` with lines for each direction in which it has none."""
    texts = sample_texts(source.tokenizers[0], NUM_LINES)
    has = {(sample.source, sample.target) for sample in source.samples}
    bare = [pair for pair in source.pairs if (pair.source, pair.target) not in has]
    made = tuple(Sample(pair.source, pair.target, text, "") for pair in bare for text in texts)
    return replace(source, samples=source.samples + made)


def sample_texts(model: bytes, num_lines: int) -> list[str]:
    """Texts of pieces of a tokenizer's file, drawn with the same numbers every time."""
    ids, weights, decode = _describe_moses(model) if is_moses(model) else _describe_pieces(model)
    rng = np.random.default_rng(1)
    lengths = np.rint(np.geomspace(*LENGTHS, num_lines)).astype(int)
    drawn = (rng.choice(ids, length, p=weights / weights.sum()) for length in lengths)
    texts = (decode([int(i) for i in line]).strip() for line in drawn)
    return [text for text in texts if text]


def _describe_pieces(model: bytes) -> Described:
    processor = SentencePieceProcessor(model_proto=model)
    ids = np.array([i for i in range(processor.get_piece_size()) if _is_text(processor, i)])
    scores = np.array([processor.get_score(int(i)) for i in ids], np.float64)
    # Scores of a BPE model are ranks, which follow frequency about as Zipf's law says.
    weights = np.exp(scores - scores.max()) if (scores % 1).any() else 1 / (1 + scores.max() - scores)
    return ids, weights, processor.decode


def _describe_moses(model: bytes) -> Described:
    settings = read_settings(model)
    ids = np.array([i for i in range(len(settings.pieces)) if i not in settings.silent])
    # The most frequent first, as toolkits write their dictionaries.
    return ids, 1 / np.arange(1, len(ids) + 1), MosesPieces(settings).decode


def _is_text(processor: SentencePieceProcessor, i: int) -> bool:
    return not (processor.is_control(i) or processor.is_unknown(i) or processor.is_unused(i) or processor.is_byte(i))
