"""Batches: which pairs are seen, in which order, in which company.

Training goes in rounds. A round draws a fixed number of examples from the corpora, as their weights say, sorts them by
length, cuts them into batches under a budget of padded tokens and shuffles the batches. Everything follows from the
seed and the round's number, so a run resumes from (round, batch) alone. Where lines have variants (see `store`), each
pass over a stream's lines uses the next one.

Axis letters: B sentences, S source ids, T target ids; N examples of a round.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from training.data.scheme import IdScheme
from training.data.shares import shares
from training.data.store import StoredCorpus
from training.data.tokenizer import PAD

ROUND_EXAMPLES = 400_000  # examples sorted together: enough that a batch's sentences have nearly equal lengths

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """Padded ids of one batch.

    Attributes:
        source_ids: [B, S] int64, prefix and EOS included.
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

    @property
    def counted(self) -> torch.Tensor:
        """[B, T] bool: where `target_ids` are no padding, whatever id that is."""
        return torch.arange(self.target_ids.shape[1], device=self.target_ids.device) < self.target_lengths[:, None]

    def to(self, device: torch.device) -> "Batch":
        """The same batch on another device."""
        return Batch(*(tensor.to(device) for tensor in vars(self).values()))


@dataclass(frozen=True)
class Stream:
    """One corpus read in one direction."""

    corpus: StoredCorpus
    source: str
    target: str
    prefix: tuple[int, ...]

    def rows(self, side: int) -> tuple[npt.NDArray[np.integer], Ids]:
        """All ids of the source (`side` 0) or the target (1), and where rows begin."""
        return self.corpus.rows(self.target, read=False) if side else self.corpus.rows(self.source, read=True)


@dataclass(frozen=True, eq=False)
class Round(Sequence[Batch]):
    """The batches of one round, each made when it is asked for.

    Attributes:
        streams: [N] index of each example's stream, examples sorted by length.
        rows: [N] its row in the stream's corpus: line x (variants + 1) + variant.
        cuts: [batches + 1] where batches begin among the examples.
        order: [batches] the cut that each batch of the round is.
    """

    plan: "BatchPlan"
    streams: Ids
    rows: Ids
    cuts: Ids
    order: Ids

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, index: int) -> Batch:  # type: ignore[override]  # no slices: a batch at a time
        place = self.order[index]
        chosen = slice(self.cuts[place], self.cuts[place + 1])
        return self.plan.collate(self.streams[chosen], self.rows[chosen])


class BatchPlan:
    """The endless, reproducible sequence of batches of a run.

    The streams are those of `corpora`, in each of their directions, drawn as their weights and `sampling_temperature`
    say (see `shares`). A batch holds at most `max_batch_tokens` padded ids; `scheme` has the ids around those of text;
    everything follows from `seed`.
    """

    def __init__(
        self,
        corpora: Sequence[StoredCorpus],
        scheme: IdScheme,
        max_batch_tokens: int,
        seed: int,
        sampling_temperature: float = 1.0,
    ) -> None:
        self.scheme, prefixes = scheme, scheme.pairs
        self.streams = [Stream(c, s, t, prefixes[s, t]) for c in corpora for s, t in c.settings.pairs()]
        self.max_batch_tokens = max_batch_tokens
        self.seed = seed
        # The last pass of each stream: many rounds draw from the pass over a large one, and shuffling it is slow.
        self._passes: dict[int, tuple[int, npt.NDArray[np.uint32]]] = {}
        lines = [len(stream.corpus) for stream in self.streams]
        weights = [stream.corpus.settings.weight for stream in self.streams]
        examples = min(sum(lines), ROUND_EXAMPLES)
        share = shares(weights, lines, sampling_temperature)
        self.draws = np.maximum(1, np.round(examples * share)).astype(int)  # examples of each stream in a round

    def round(self, number: int) -> Round:
        """The batches of round `number`, counted from 0."""
        rng = np.random.default_rng([self.seed, number])
        streams = np.repeat(np.arange(len(self.streams)), self.draws)
        rows = np.concatenate([self._draw(index, number) for index in range(len(self.streams))])
        source_lengths, target_lengths = self._lengths(rows)
        order = np.lexsort((rng.random(len(rows)), target_lengths, source_lengths))
        longest = np.maximum(source_lengths, target_lengths)[order]
        cuts = cut(longest, self.max_batch_tokens)
        return Round(self, streams[order], rows[order], cuts, rng.permutation(len(cuts) - 1))

    def batches(self, number: int, first: int = 0) -> Iterator[Batch]:
        """The batches of round `number` from batch `first` on."""
        batches = self.round(number)
        return (batches[index] for index in range(first, len(batches)))

    def collate(self, streams: Ids, rows: Ids) -> Batch:
        """The padded batch of the given examples."""
        before = np.empty_like(rows)  # ids of each example's prefix
        starts, lengths = np.empty((2, 2, len(rows)), np.int64)  # of source and target
        present = [(self.streams[index], np.flatnonzero(streams == index)) for index in np.unique(streams)]
        for stream, places in present:
            before[places] = len(stream.prefix)
            for side in (0, 1):
                offsets, mine = stream.rows(side)[1], rows[places]
                starts[side, places] = offsets[mine]
                lengths[side, places] = offsets[mine + 1] - starts[side, places]
        source = np.full((len(rows), (before + lengths[0]).max() + 1), self.scheme.pad)
        target = np.full((len(rows), lengths[1].max() + 1), self.scheme.pad)
        for stream, places in present:
            source[places, : len(stream.prefix)] = stream.prefix
            for side, block in ((0, source[:, len(stream.prefix) :]), (1, target)):
                block[places] = _gather(
                    stream.rows(side)[0], starts[side, places], lengths[side, places], block.shape[1], self.scheme.pad
                )
        return _complete(self.scheme, source, target, before + lengths[0], lengths[1])

    def _draw(self, index: int, number: int) -> Ids:
        """The rows that stream `index` gives to round `number`: the next ones of its endless shuffled passes."""
        count, corpus = int(self.draws[index]), self.streams[index].corpus
        total, each = len(corpus), corpus.variants + 1
        start = number * count
        passes = range(start // total, (start + count - 1) // total + 1)
        parts = []
        for p in passes:
            mine = slice(max(0, start - p * total), start + count - p * total)
            parts.append(self._shuffle(index, p)[mine] * np.int64(each) + p % each)
        return np.concatenate(parts)

    def _shuffle(self, index: int, number: int) -> npt.NDArray[np.uint32]:
        """All lines of stream `index` in the order of pass `number`."""
        known, lines = self._passes.get(index, (-1, None))
        if lines is None or known != number:
            order = np.random.default_rng([self.seed, index, number, 1]).permutation(len(self.streams[index].corpus))
            lines = order.astype(np.uint32)
            self._passes[index] = number, lines
        return lines

    def _lengths(self, rows: Ids) -> tuple[Ids, Ids]:
        """Lengths [N] of sources and targets, prefix and EOS included, of rows that follow each other as streams do."""
        parts = list(zip(self.streams, np.split(rows, np.cumsum(self.draws)[:-1]), strict=True))
        sources = [
            stream.corpus.lengths(stream.source, mine, read=True) + len(stream.prefix) + 1 for stream, mine in parts
        ]
        targets = [stream.corpus.lengths(stream.target, mine) + 1 for stream, mine in parts]
        return np.concatenate(sources), np.concatenate(targets)


def cut(longest: Ids, max_batch_tokens: int) -> Ids:
    """Boundaries [n + 1] that cut examples of the given lengths into batches of at most `max_batch_tokens` padded."""
    cuts = [0]
    while cuts[-1] < len(longest):
        start = cuts[-1]
        window = longest[start : start + max(1, max_batch_tokens // int(longest[start]))]
        padded = np.maximum.accumulate(window) * np.arange(1, len(window) + 1)
        cuts.append(start + max(1, int(np.searchsorted(padded, max_batch_tokens, side="right"))))
    return np.array(cuts, np.int64)


def build_batch(sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]], scheme: IdScheme) -> Batch:
    """The batch of complete `sources` and bare `targets` (BOS and EOS are added here)."""
    target_inputs = [[scheme.bos, *target] for target in targets]
    target_ids = [[*target, scheme.eos] for target in targets]
    source_ids, source_lengths = pad(sources, scheme.pad)
    inputs, target_lengths = pad(target_inputs, scheme.pad)
    return Batch(source_ids, source_lengths, inputs, pad(target_ids, scheme.pad)[0], target_lengths)


def pad(sequences: Sequence[Sequence[int]], filler: int = PAD) -> tuple[torch.Tensor, torch.Tensor]:
    """Sequences as one [B, longest] int64 tensor padded on the right with `filler`, and their lengths [B]."""
    lengths = np.fromiter(map(len, sequences), np.int64, len(sequences))
    ids = np.full((len(sequences), lengths.max()), filler)
    ids[np.arange(ids.shape[1]) < lengths[:, None]] = np.fromiter(itertools.chain.from_iterable(sequences), np.int64)
    return torch.from_numpy(ids), torch.from_numpy(lengths)


def _gather(
    ids: npt.NDArray[np.integer], starts: Ids, lengths: Ids, width: int, filler: int
) -> npt.NDArray[np.integer]:
    """Rows [B, width] of flat `ids` that begin at `starts` [B] and have `lengths` [B] of them, the rest `filler`."""
    columns = np.arange(width)
    inside = columns < lengths[:, None]
    # Outside of a row any place will do, as long as it exists.
    return np.where(inside, ids[np.where(inside, starts[:, None] + columns, 0)], filler)


def _complete(scheme: IdScheme, source: Ids, target: Ids, source_lengths: Ids, target_lengths: Ids) -> Batch:
    """Put BOS and EOS where room was left: before and after `target`, after `source`; the lengths [B] are without."""
    every = np.arange(len(source))
    source[every, source_lengths] = scheme.eos
    inputs = np.empty_like(target)
    inputs[:, 0] = scheme.bos
    inputs[:, 1:] = target[:, :-1]
    target[every, target_lengths] = scheme.eos
    return Batch(*map(torch.from_numpy, (source, source_lengths + 1, inputs, target, target_lengths + 1)))
