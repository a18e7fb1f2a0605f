"""A tokenizer and checkpoints over the test grammar, shared by the tests of the export room."""

import pytest
import torch

from tests.corpus import sentences
from tests.export.toy import build_checkpoint
from training.checkpoint import Checkpoint, Sample
from training.data.tokenizer import Tokenizer, train_tokenizer
from training.settings import TokenizerSettings


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Tiny tensors are slower on several threads."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.model"
    lines = [side for pair in sentences(300) for side in pair]
    train_tokenizer(lines, TokenizerSettings(vocab_size=380), ["de", "en"], path, num_threads=1)
    return Tokenizer(path, ["de", "en"])


@pytest.fixture(scope="session")
def samples() -> tuple[Sample, ...]:
    pairs = sentences(24, seed=1)
    return tuple(Sample("de", "en", de, en) for de, en in pairs) + tuple(Sample("en", "de", en, de) for de, en in pairs)


@pytest.fixture
def checkpoint(tokenizer: Tokenizer, samples: tuple[Sample, ...]) -> Checkpoint:
    return build_checkpoint(vocab_size=tokenizer.vocab_size, tokenizer=tokenizer.path, samples=samples)
