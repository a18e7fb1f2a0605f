"""What every system is told to train on, and what it tells of it: the one file that driver and peers share.

Runs in any environment: standard library only. Lengths are in ids, EOS included.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

PAD, UNK, BOS, EOS = 0, 1, 2, 3  # the ids of Ferry's tokenizers
ROUND_EXAMPLES = 400_000  # pairs sorted by length together, as in training/data/batches.py


@dataclass(frozen=True)
class Job:
    """One measurement of one system.

    Attributes:
        folder: holds `source.ids` and `target.ids`: decimal ids, a sentence a line, the steering tag first in the
            source, no EOS.
        max_batch_tokens: padded ids of one batch, longest side x sentences.
        warmup_updates: updates that are not counted; then `updates` are.
    """

    folder: str
    d_model: int
    d_ff: int
    num_heads: int
    num_encoder_layers: int
    num_decoder_layers: int
    vocab_size: int
    dropout: float
    label_smoothing: float
    learning_rate: float
    max_length: int
    max_batch_tokens: int
    precision: str
    num_threads: int
    warmup_updates: int
    updates: int
    seed: int

    @property
    def source_path(self) -> Path:
        """Source ids, as text."""
        return Path(self.folder) / "source.ids"

    @property
    def target_path(self) -> Path:
        """Target ids, as text."""
        return Path(self.folder) / "target.ids"

    def read_pairs(self) -> list[tuple[list[int], list[int]]]:
        """The (source, target) ids, EOS appended to both."""
        with self.source_path.open() as sources, self.target_path.open() as targets:
            lines = zip(sources, targets, strict=True)
            return [([*map(int, a.split()), EOS], [*map(int, b.split()), EOS]) for a, b in lines]


@dataclass(frozen=True)
class Measured:
    """What one run of one system took, warm-up left out.

    Attributes:
        target_tokens: target ids that the loss counted, EOS included.
        source_padding, target_padding: share of padded ids that are padding; None where the system does not tell.
    """

    system: str
    versions: dict[str, str]
    precision: str
    num_parameters: int
    updates: int
    target_tokens: int
    seconds: float
    source_padding: float | None
    target_padding: float | None

    @property
    def tokens_per_s(self) -> float:
        """Target ids a second."""
        return self.target_tokens / self.seconds


def cut(pairs: Sequence[tuple[list[int], list[int]]], max_batch_tokens: int) -> list[list[int]]:
    """Indices of `pairs` sorted by source, then target length, in batches of at most `max_batch_tokens` padded ids."""
    batches: list[list[int]] = [[]]
    widest = 0
    for index in sorted(range(len(pairs)), key=lambda index: tuple(map(len, pairs[index]))):
        length = max(map(len, pairs[index]))
        widest = max(widest, length)
        if widest * (len(batches[-1]) + 1) > max_batch_tokens:
            batches.append([])
            widest = length
        batches[-1].append(index)
    return batches


def read_job(path: Path) -> Job:
    """The job in a JSON file."""
    return Job(**json.loads(path.read_text()))


def write_job(job: Job, path: Path) -> None:
    """Write `job` as JSON."""
    path.write_text(json.dumps(asdict(job), indent=2) + "\n")


def print_measured(measured: Measured) -> None:
    """Tell the driver: the last line of stdout."""
    print(json.dumps(asdict(measured)), flush=True)
