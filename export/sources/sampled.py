"""Lines that look to a model like text of its language, where the user has none: pieces drawn as often as used.

A unigram model of SentencePiece knows how often each of its pieces comes in text, so that words come out in no order
and yet in their proportions. For the ranges of activations that will do; text of the user's own is no worse.
"""

from dataclasses import replace

import numpy as np
from sentencepiece import SentencePieceProcessor

from export.sources.source import Source
from training.checkpoint import Sample

NUM_LINES = 400
# Pieces of a line, from the shortest to the longest.
LENGTHS = (3, 60)


def add_samples(source: Source) -> Source:
    """`source` with lines for each direction in which it has none."""
    texts = sample_texts(source.tokenizers[0], NUM_LINES)
    has = {(sample.source, sample.target) for sample in source.samples}
    bare = [pair for pair in source.pairs if (pair.source, pair.target) not in has]
    made = tuple(Sample(pair.source, pair.target, text, "") for pair in bare for text in texts)
    return replace(source, samples=source.samples + made)


def sample_texts(model: bytes, num_lines: int) -> list[str]:
    """Texts of pieces of a SentencePiece model, drawn with the same numbers every time."""
    processor = SentencePieceProcessor(model_proto=model)
    rng = np.random.default_rng(1)
    ids = np.array([i for i in range(processor.get_piece_size()) if _is_text(processor, i)])
    scores = np.array([processor.get_score(int(i)) for i in ids], np.float64)
    # Scores of a BPE model are ranks, which follow frequency about as Zipf's law says.
    weights = np.exp(scores - scores.max()) if (scores % 1).any() else 1 / (1 + scores.max() - scores)
    lengths = np.rint(np.geomspace(*LENGTHS, num_lines)).astype(int)
    drawn = (rng.choice(ids, length, p=weights / weights.sum()) for length in lengths)
    texts = (processor.decode([int(i) for i in line]).strip() for line in drawn)
    return [text for text in texts if text]


def _is_text(processor: SentencePieceProcessor, i: int) -> bool:
    return not (processor.is_control(i) or processor.is_unknown(i) or processor.is_unused(i) or processor.is_byte(i))
