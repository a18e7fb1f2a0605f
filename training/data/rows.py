"""The rows of ids that are stored of a line: its best segmentation, sampled ones, and those of changed text."""

from collections.abc import Sequence

from training.data.formality import FormMarker
from training.data.noise.noiser import Noiser
from training.data.sampling import Sampler
from training.data.tokenizer import Tokenizer

Rows = list[list[int]]


class Cutter:
    """Cuts lines into the rows that are stored of them, `num_rows` of each.

    Rows have at most `max_ids`: what is longer gives way to the line as it was, cut by the `tokenizer` with
    `num_threads`. `samplers` cut the rows after the first, and the others are cut best; `noisers` change the text of
    all. There may be none of either. A `marker` says in rows that are read what form is asked for.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        samplers: Sequence[Sampler],
        noisers: Sequence[Noiser],
        marker: FormMarker | None,
        max_ids: int,
        num_threads: int,
    ) -> None:
        self.tokenizer, self.samplers, self.noisers, self.marker = tokenizer, samplers, noisers, marker
        self.max_ids, self.num_threads = max_ids, num_threads
        self.num_rows = max(1 + len(samplers), len(noisers))

    @property
    def reads_apart(self) -> bool:
        """Whether rows as they are read may differ from those that are translated into."""
        return bool(self.noisers or self.marker)

    def cut(self, lines: Sequence[list[str]], best: Sequence[Rows]) -> list[Rows]:
        """All rows, line by line: of both sides as translated into and, if they are apart, of both as they are read.

        Args:
            lines: of either side.
            best: their ids.
        """
        plain = [self._cut_plain(side, rows) for side, rows in zip(lines, best, strict=True)]
        pairs = list(zip(*lines, strict=True))
        copies = [self._cut_copy(pairs, [side[k] for side in plain], k) for k in range(self.num_rows)]
        return [[row for rows in zip(*side, strict=True) for row in rows] for side in zip(*copies, strict=True)]

    def _cut_copy(self, pairs: list[tuple[str, str]], plain: list[Rows], number: int) -> list[Rows]:
        """Row `number` of every line, of each side.

        Args:
            pairs: the lines.
            plain: their rows without noise, of either side.
            number: of the row.
        """
        if not self.reads_apart:
            return plain
        sides, texts = self._cut_noised(pairs, plain, number) if self.noisers else ([*plain, *plain], pairs)
        return [*sides[:2], *self.marker.mark(sides[2:], texts, self.max_ids)] if self.marker else sides

    def _cut_plain(self, lines: list[str], best: Rows) -> list[Rows]:
        """Each row of the lines of a side, without noise."""
        drawn = [sampler.sample(lines) for sampler in self.samplers]
        fitting = [[self._or_else(row, short) for row, short in zip(rows, best, strict=True)] for rows in drawn]
        return [best, *fitting, *[best] * (self.num_rows - 1 - len(fitting))]

    def _cut_noised(
        self, pairs: list[tuple[str, str]], plain: list[Rows], number: int
    ) -> tuple[list[Rows], list[tuple[str, str]]]:
        """As `_cut_copy`, without marks; and what each line then says."""
        changed = {place: line for place, line in enumerate(self.noisers[number].change(pairs)) if line}
        texts = zip(*((*line.targets, *line.sources) for line in changed.values()), strict=True)
        sides, said = [list(side) for side in (*plain, *plain)], list(pairs)
        rows = [self._encode(list(text), number) for text in texts]
        for place, *row in zip(changed, *rows, strict=True):
            if all(0 < len(ids) <= self.max_ids for ids in row):
                said[place] = changed[place].targets
                for side, ids in zip(sides, row, strict=True):
                    side[place] = ids
        return sides, said

    def _encode(self, lines: list[str], number: int) -> Rows:
        if 1 <= number <= len(self.samplers):
            return self.samplers[number - 1].sample(lines)
        return self.tokenizer.encode(lines, self.num_threads)

    def _or_else(self, row: list[int], short: list[int]) -> list[int]:
        return row if len(row) <= self.max_ids else short
