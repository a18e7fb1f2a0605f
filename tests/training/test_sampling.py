"""Sampled segmentations: the right distribution, the same in every process, and never another text."""

import collections
import hashlib
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import sentencepiece

from tests.corpus import sentences
from training.data import sampling
from training.data.sampling import Sampler
from training.data.store import StoredCorpus, prepare
from training.data.tokenizer import Tokenizer, train_tokenizer
from training.settings import TokenizerSettings, load_settings

LINES = [side for pair in sentences(400) for side in pair]


@pytest.fixture(scope="module", params=["unigram", "bpe"])
def tokenizer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    path = tmp_path_factory.mktemp(request.param) / "tokenizer.model"
    settings = TokenizerSettings(model_type=request.param, vocab_size=390)
    train_tokenizer(iter(LINES), settings, ("de", "en"), path, 1)
    return Tokenizer(path, ("de", "en"))


def test_samples_differ_and_keep_the_text(tokenizer: Tokenizer) -> None:
    lines = [*LINES, "  Äpfel \N{DROMEDARY CAMEL} <2de> </s>ﬁn ½", "12:30", "\u2581x\u2581", ""]
    drawn, best = Sampler(tokenizer.processor, 0.3, 1).sample(lines), tokenizer.encode(lines)
    assert tokenizer.decode(drawn) == tokenizer.decode(best)
    assert not set(range(6)) & {piece for ids in drawn for piece in ids}
    assert sum(a != b for a, b in zip(drawn, best, strict=True)) > len(lines) / 2


def test_words_that_come_again_are_cut_in_several_ways(tokenizer: Tokenizer) -> None:
    drawn = Sampler(tokenizer.processor, 0.3, 1).sample([LINES[0]] * 100)
    assert len(set(map(tuple, drawn[:8]))) > 4
    assert len(set(map(tuple, drawn[8:]))) > 8, "words take turns independently of each other"


def test_bounded_memory_of_words_changes_no_text(tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "MAX_WORDS", 3)
    sampler = Sampler(tokenizer.processor, 0.3, 1)
    assert tokenizer.decode(sampler.sample(LINES)) == LINES
    assert len(sampler.drawn) <= 3


def test_little_randomness_gives_the_best_segmentation(tokenizer: Tokenizer) -> None:
    """alpha = 0 drops no merge of bpe; for unigram a large one leaves little but the likeliest."""
    is_bpe = "bpe" in str(tokenizer.path)
    sampler = Sampler(tokenizer.processor, 0.0 if is_bpe else 6.0, 1)
    assert sampler.bpe == is_bpe
    pairs = zip(sampler.sample(LINES), tokenizer.encode(LINES), strict=True)
    equal = sum(drawn == best for drawn, best in pairs) / len(LINES)
    assert equal == 1 if is_bpe else equal > 0.6


def segmentations(word: str, pieces: dict[str, tuple[int, float]]) -> Iterator[tuple[tuple[int, ...], float]]:
    """All of them, with their log-likelihoods."""
    if not word:
        yield (), 0.0
    for end in range(1, len(word) + 1):
        if word[:end] in pieces:
            piece, score = pieces[word[:end]]
            for rest, log_likelihood in segmentations(word[end:], pieces):
                yield (piece, *rest), score + log_likelihood


@pytest.mark.parametrize("tokenizer", ["unigram"], indirect=True)
@pytest.mark.parametrize("alpha", [0.2, 1.0])
def test_unigram_draws_in_proportion_to_likelihood_to_the_alpha(tokenizer: Tokenizer, alpha: float) -> None:
    sampler = Sampler(tokenizer.processor, alpha, 5)
    every = {ids: math.exp(alpha * log) for ids, log in segmentations("\u2581sister", sampler.pieces)}
    assert len(every) > 10
    count = 20_000
    drawn = collections.Counter(sampler.draw("\u2581sister") for _ in range(count))
    assert set(drawn) <= set(every)
    for ids, weight in every.items():
        share = weight / sum(every.values())
        assert abs(drawn[ids] / count - share) < 5 * math.sqrt(share * (1 - share) / count) + 1e-4


def digest(path: Path) -> str:
    """What the sampler draws with the model at `path`."""
    sampler = Sampler(sentencepiece.SentencePieceProcessor(model_file=str(path)), 0.2, 3)
    return hashlib.sha256(repr(sampler.sample(LINES)).encode()).hexdigest()


def test_another_process_draws_the_same(tokenizer: Tokenizer) -> None:
    """SentencePiece's own sampling fails this: it salts its generator in every process."""
    script = f"from tests.training.test_sampling import *; print(digest(Path({str(tokenizer.path)!r})))"
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == digest(tokenizer.path)


def stored(config: Path, *overrides: str) -> tuple[Tokenizer, StoredCorpus]:
    """The tokenizer and the only corpus of `config`'s store."""
    tokenizer, (corpus,) = prepare(load_settings(config, overrides), 1)
    return tokenizer, corpus


def test_the_store_holds_the_best_and_its_variants(config: Path) -> None:
    tokenizer, plain = stored(config)
    _, corpus = stored(config, "tokenizer.variants=2", "tokenizer.sampling_alpha=0.3")
    assert (len(plain), len(corpus), corpus.variants) == (400, 400, 2)
    differing = 0
    for index in range(400):
        best, one, two = (corpus.line("de", index, variant).tolist() for variant in range(3))
        assert best == plain.line("de", index).tolist()
        assert len(set(tokenizer.decode([best, one, two]))) == 1
        differing += best != one != two
    assert differing > 200


def test_stores_built_twice_are_equal(config: Path) -> None:
    kept = {}
    for folder in ("one", "two"):
        _, corpus = stored(config, "tokenizer.variants=1", f"run.dir={config.parent / folder}")
        kept[folder] = corpus
    assert all(np.array_equal(kept["one"].ids[name], kept["two"].ids[name]) for name in ("de", "en"))
    _, other = stored(config, "tokenizer.variants=1", "run.seed=2")
    assert not np.array_equal(other.ids["de"], kept["one"].ids["de"])


def test_variants_that_are_too_long_give_way_to_the_best(config: Path) -> None:
    _, corpus = stored(config, "tokenizer.variants=3", "tokenizer.sampling_alpha=0.0", "data.max_length=22")
    rows = np.arange(len(corpus) * 4)
    assert corpus.lengths("de", rows).max() <= 20
    best = [corpus.line("de", index).tolist() for index in range(len(corpus))]
    replaced = sum(corpus.line("de", index, 1).tolist() == ids for index, ids in enumerate(best))
    assert 0 < replaced < len(corpus)
