"""The rows of ids that are stored of a line: its best segmentation, sampled ones, and those of changed text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from training.data.formality import FormMarker
from training.data.noise.noiser import Noiser
from training.data.sampling import Sampler
from training.data.tokenizer import Side, Tokenizer
from training.settings import CorpusSettings

Rows = list[list[int]]


@dataclass(frozen=True)
class Roles:
    """With which side's tokenizer each of a corpus' two languages is cut, where it is written and where it is read."""

    written: tuple[Side, Side] = ("target", "target")
    read: tuple[Side, Side] = ("target", "target")

    @property
    def differ(self) -> bool:
        """Whether a line has other ids where it is read."""
        return self.written != self.read


def choose_roles(tokenizer: Tokenizer, corpus: CorpusSettings) -> Roles:
    """Those that the directions of `corpus` ask for; a language that is only read is not cut as if it were written."""
    if tokenizer.target_path is None:
        return Roles()
    sources, targets = map(set, zip(*corpus.pairs(), strict=True))
    one, other = corpus.languages
    written = {name: "target" if name in targets else "source" for name in corpus.languages}
    read = {name: "source" if name in sources else "target" for name in corpus.languages}
    return Roles((written[one], written[other]), (read[one], read[other]))  # type: ignore[arg-type]


class Cutter:
    """Cuts lines into the rows that are stored of them, `num_rows` of each.

    Rows have at most `max_ids`: what is longer gives way to the line as it was, cut by the `tokenizer` with
    `num_threads`. The `samplers` of both sides cut the rows after the first, `variants` of them, and the others are cut
    best; `noisers` change the text of all. There may be none of either. A `marker` says in rows that are read what form
    is asked for. `roles` say which tokenizer cuts what.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        samplers: Mapping[Side, Sampler],
        variants: int,
        noisers: Sequence[Noiser],
        marker: FormMarker | None,
        max_ids: int,
        num_threads: int,
        roles: Roles,
    ) -> None:
        self.tokenizer, self.samplers, self.variants = tokenizer, samplers, variants
        self.noisers, self.marker, self.roles = noisers, marker, roles
        self.max_ids, self.num_threads = max_ids, num_threads
        self.num_rows = max(1 + variants, len(noisers))

    @property
    def reads_apart(self) -> bool:
        """Whether rows as they are read may differ from those that are translated into."""
        return bool(self.noisers or self.marker or self.roles.differ)

    def encode(self, lines: Sequence[list[str]]) -> list[Rows]:
        """The best segmentation of the lines of either side; and, where that differs, as they are read."""
        sides = [*self.roles.written, *(self.roles.read if self.roles.differ else ())]
        texts = [*lines, *(lines if self.roles.differ else ())]
        return [self.tokenizer.encode(text, self.num_threads, side) for text, side in zip(texts, sides, strict=True)]

    def cut(self, lines: Sequence[list[str]], best: Sequence[Rows]) -> list[Rows]:
        """All rows, line by line: of both sides as translated into and, if they are apart, of both as they are read.

        Args:
            lines: of either side.
            best: their ids, as `encode` gave them.
        """
        sides = [*self.roles.written, *self.roles.read][: len(best)]
        texts = [*lines, *lines][: len(best)]
        plain = [self._cut_plain(*each) for each in zip(texts, best, sides, strict=True)]
        pairs = list(zip(*lines, strict=True))
        copies = [self._cut_copy(pairs, [side[k] for side in plain], k) for k in range(self.num_rows)]
        return [[row for rows in zip(*side, strict=True) for row in rows] for side in zip(*copies, strict=True)]

    def _cut_copy(self, pairs: list[tuple[str, str]], plain: list[Rows], number: int) -> list[Rows]:
        """Row `number` of every line, of each side.

        Args:
            pairs: the lines.
            plain: their rows without noise, of either side and perhaps as they are read.
            number: of the row.
        """
        if not self.reads_apart:
            return plain
        plain = plain if self.roles.differ else [*plain, *plain]
        sides, texts = self._cut_noised(pairs, plain, number) if self.noisers else (plain, pairs)
        return [*sides[:2], *self.marker.mark(sides[2:], texts, self.max_ids)] if self.marker else sides

    def _cut_plain(self, lines: list[str], best: Rows, side: Side) -> list[Rows]:
        """Each row of `lines`, without noise."""
        drawn = [self.samplers[side].sample(lines) for _ in range(self.variants)]
        fitting = [[self._or_else(row, short) for row, short in zip(rows, best, strict=True)] for rows in drawn]
        return [best, *fitting, *[best] * (self.num_rows - 1 - len(fitting))]

    def _cut_noised(
        self, pairs: list[tuple[str, str]], plain: list[Rows], number: int
    ) -> tuple[list[Rows], list[tuple[str, str]]]:
        """As `_cut_copy`, without marks; and what each line then says."""
        changed = {place: line for place, line in enumerate(self.noisers[number].change(pairs)) if line}
        texts = zip(*((*line.targets, *line.sources) for line in changed.values()), strict=True)
        sides, said = [list(side) for side in plain], list(pairs)
        roles = (*self.roles.written, *self.roles.read)
        rows = [self._encode(list(text), number, side) for text, side in zip(texts, roles, strict=False)]
        for place, *row in zip(changed, *rows, strict=True):
            if all(0 < len(ids) <= self.max_ids for ids in row):
                said[place] = changed[place].targets
                for side, ids in zip(sides, row, strict=True):
                    side[place] = ids
        return sides, said

    def _encode(self, lines: list[str], number: int, side: Side) -> Rows:
        if 1 <= number <= self.variants:
            return self.samplers[side].sample(lines)
        return self.tokenizer.encode(lines, self.num_threads, side)

    def _or_else(self, row: list[int], short: list[int]) -> list[int]:
        return row if len(row) <= self.max_ids else short
