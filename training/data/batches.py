"""Batches: which pairs are seen, in which order, in which company.

Training goes in rounds. A round draws a fixed number of examples from the corpora, as their weights say, sorts them by
length, cuts them into batches under a budget of padded tokens and shuffles the batches. Everything follows from the
seed and the round's number, so a run resumes from (round, batch) alone.

Axis letters: B sentences, S source ids, T target ids.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from training.data.store import StoredCorpus
from training.data.tokenizer import BOS, EOS, PAD

ROUND_EXAMPLES = 400_000  # examples sorted together: enough that a batch's sentences have nearly equal lengths


@dataclass(frozen=True)
class Batch:
    """Padded ids of one batch.

    Attributes:
        source_ids: [B, S] int64, tag and EOS included.
        source_lengths: [B] int64.
        target_inputs: [B, T] int64, BOS first.
        target_ids: [B, T] int64, EOS last: what each position should predict.
        target_lengths: [B] int64.
    """

    source_ids: torch.Tensor
    source_lengths: torch.Tensor
    target_inputs: torch.Tensor
    target_ids: torch.Tensor
    target_lengths: torch.Tensor

    @property
    def num_target_tokens(self) -> int:
        """Target ids that count in the loss."""
        return int(self.target_lengths.sum())

    def to(self, device: torch.device) -> "Batch":
        """The same batch on another device."""
        return Batch(*(tensor.to(device) for tensor in vars(self).values()))


@dataclass(frozen=True)
class Stream:
    """One corpus read in one direction."""

    corpus: StoredCorpus
    source: str
    target: str
    tag_id: int


class BatchPlan:
    """The endless, reproducible sequence of batches of a run."""

    def __init__(
        self, corpora: Sequence[StoredCorpus], tag_ids: dict[str, int], max_batch_tokens: int, seed: int
    ) -> None:
        self.streams = [Stream(c, s, t, tag_ids[t]) for c in corpora for s, t in c.settings.pairs()]
        self.max_batch_tokens = max_batch_tokens
        self.seed = seed
        mass = np.array([stream.corpus.settings.weight * len(stream.corpus) for stream in self.streams])
        self.draws = np.maximum(1, np.round(min(mass.sum(), ROUND_EXAMPLES) * mass / mass.sum())).astype(int)

    def batches(self, round_number: int, first: int = 0) -> Iterator[Batch]:
        """The batches of a round from batch `first` on."""
        streams, lines, cuts, order = self.plan(round_number)
        for index in order[first:]:
            chosen = slice(cuts[index], cuts[index + 1])
            yield self.collate(streams[chosen], lines[chosen])

    def plan(self, round_number: int) -> tuple[npt.NDArray[np.int64], ...]:
        """Examples of a round sorted by length (stream and line of each), batch boundaries, order of batches."""
        rng = np.random.default_rng([self.seed, round_number])
        streams = np.repeat(np.arange(len(self.streams)), self.draws)
        lines = np.concatenate([self._drawn(i, round_number) for i in range(len(self.streams))])
        source_lengths, target_lengths = self._lengths(streams, lines)
        order = np.lexsort((rng.random(len(lines)), target_lengths, source_lengths))
        streams, lines = streams[order], lines[order]
        longest = np.maximum(source_lengths, target_lengths)[order]
        cuts = cut(longest, self.max_batch_tokens)
        return streams, lines, cuts, rng.permutation(len(cuts) - 1)

    def collate(self, streams: npt.NDArray[np.int64], lines: npt.NDArray[np.int64]) -> Batch:
        """The padded batch of the given examples."""
        sources, targets = [], []
        for stream_index, line in zip(streams, lines, strict=True):
            stream = self.streams[stream_index]
            sources.append([stream.tag_id, *stream.corpus.line(stream.source, line).tolist(), EOS])
            targets.append(stream.corpus.line(stream.target, line).tolist())
        return build_batch(sources, targets)

    def _drawn(self, index: int, round_number: int) -> npt.NDArray[np.int64]:
        """The lines that stream `index` gives to a round: the next ones of its endless shuffled passes."""
        count, total = int(self.draws[index]), len(self.streams[index].corpus)
        start = round_number * count
        passes = range(start // total, (start + count - 1) // total + 1)
        shuffled = [np.random.default_rng([self.seed, index, number, 1]).permutation(total) for number in passes]
        offset = start - passes[0] * total
        return np.concatenate(shuffled)[offset : offset + count]

    def _lengths(
        self, streams: npt.NDArray[np.int64], lines: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        source_lengths, target_lengths = np.empty_like(lines), np.empty_like(lines)
        for index, stream in enumerate(self.streams):
            mine = streams == index
            source_lengths[mine] = stream.corpus.lengths(stream.source)[lines[mine]] + 2
            target_lengths[mine] = stream.corpus.lengths(stream.target)[lines[mine]] + 1
        return source_lengths, target_lengths


def cut(longest: npt.NDArray[np.int64], max_batch_tokens: int) -> npt.NDArray[np.int64]:
    """Boundaries [n + 1] that cut examples of the given lengths into batches of at most `max_batch_tokens` padded."""
    cuts, widest, start = [0], 0, 0
    for index, length in enumerate(longest.tolist()):
        widest = max(widest, length)
        if widest * (index + 1 - start) > max_batch_tokens:
            cuts.append(index)
            start, widest = index, length
    return np.array([*cuts, len(longest)], np.int64)


def build_batch(sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]) -> Batch:
    """The batch of complete `sources` and bare `targets` (BOS and EOS are added here)."""
    target_inputs = [[BOS, *target] for target in targets]
    target_ids = [[*target, EOS] for target in targets]
    source_ids, source_lengths = pad(sources)
    inputs, target_lengths = pad(target_inputs)
    return Batch(source_ids, source_lengths, inputs, pad(target_ids)[0], target_lengths)


def pad(sequences: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Sequences as one [B, longest] int64 tensor padded on the right, and their lengths [B]."""
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    ids = torch.full((len(sequences), int(lengths.max())), PAD)
    for row, sequence in zip(ids, sequences, strict=True):
        row[: len(sequence)] = torch.tensor(sequence)
    return ids, lengths
