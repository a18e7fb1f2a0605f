"""A checkpoint and its fp32 bundle on disk, tiny and with random weights, for the tests of the benchmarks."""

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch

from export.manifest import ExportSettings
from export.pack import Material, pack
from export.sources.own import from_checkpoint
from tests.corpus import sentences, write_corpus
from tests.export.toy import build_checkpoint, random_sources
from training.checkpoint import Checkpoint, Draft, RunState, Sample, read_checkpoint, write_checkpoint
from training.data.batches import pad
from training.data.tokenizer import EOS, Tokenizer, train_tokenizer
from training.decode import encode, greedy_decode
from training.settings import TokenizerSettings

# The benchmarks are scripts beside each other, not a package.
sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

NUM_LINES = 7


@dataclass(frozen=True)
class Folders:
    """Where everything lies; `other` is a checkpoint of the same shape and tokenizer with other weights."""

    checkpoint: Path
    other: Path
    bundle: Path
    source: Path
    target: Path


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Tiny tensors are slower on several threads."""
    torch.set_num_threads(1)


@torch.no_grad()
def let_end(checkpoint: Checkpoint) -> None:
    """Make EOS about as likely as the likeliest other id, so that translations of a random model end here and there."""
    sources = random_sources([3, 8, 13, 5, 21])
    targets = greedy_decode(checkpoint.model, sources, [20] * len(sources), (*checkpoint.suppressed_ids, EOS))
    encoded, mask = encode(checkpoint.model, *pad(sources))
    states = checkpoint.model.decode(pad(targets)[0], encoded, mask)
    mean, highest = states.mean((0, 1)), checkpoint.model.logits(states).amax(-1).mean()
    checkpoint.model.embedding.weight[EOS] = mean * highest / mean.square().sum()


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("benchmarks")
    lines = [side for pair in sentences(300) for side in pair]
    train_tokenizer(lines, TokenizerSettings(vocab_size=380), ["de", "en"], root / "tokenizer.model", num_threads=1)
    tokenizer = Tokenizer(root / "tokenizer.model", ["de", "en"])
    samples = tuple(Sample("de", "en", de, en) for de, en in sentences(6, seed=1))
    samples += tuple(Sample("en", "de", en, de) for de, en in sentences(6, seed=2))
    for name, seed in (("checkpoint", 0), ("other", 1)):
        checkpoint = build_checkpoint(vocab_size=tokenizer.vocab_size, tokenizer=tokenizer.path, samples=samples)
        torch.manual_seed(seed)
        for parameter in checkpoint.model.parameters():
            parameter.data += seed * torch.randn_like(parameter) * 0.2
        let_end(checkpoint)
        weights = checkpoint.model.state_dict()
        draft = Draft(checkpoint.settings, checkpoint.position, RunState(), tokenizer, weights, {}, {}, samples)
        write_checkpoint(root / name, draft)
        # The settings name no corpora, and so no directions.
        config = json.loads((root / name / "config.json").read_text())
        (root / name / "config.json").write_text(json.dumps(config | {"pairs": checkpoint.pairs}))
    checkpoint = replace(read_checkpoint(root / "checkpoint"), pairs=(("de", "en"),))
    pack(
        from_checkpoint(checkpoint),
        root / "bundle",
        ExportSettings(length_penalty=0.7),
        Material(),
        lambda message: None,
    )
    source, target = write_corpus(root, "toy", sentences(NUM_LINES, seed=5))
    return Folders(root / "checkpoint", root / "other", root / "bundle", source, target)
