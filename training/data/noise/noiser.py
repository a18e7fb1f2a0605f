"""All changes together, each on its share of the lines."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from training.data.noise.casing import set_capitals, set_lower, set_title
from training.data.noise.marks import emphasise, put_emoji, put_marks
from training.data.noise.names import rename
from training.data.noise.numbers import change_numbers
from training.data.noise.pair import Change, Linker, Pair
from training.data.noise.punctuation import change_ending, change_quotes
from training.data.noise.typos import slip
from training.settings import NoiseSettings

# In this order: what is put in first is then written like the rest of the line.
CHANGES: dict[str, Change] = {
    "names": rename,
    "numbers": change_numbers,
    "marks": put_marks,
    "emoji": put_emoji,
    "quotes": change_quotes,
    "emphasis": emphasise,
    "ending": change_ending,
    "capitals": set_capitals,
    "title": set_title,
    "lower": set_lower,
}
_CASES = ("capitals", "title", "lower")
MAX_MERGED = 4  # lines in one
MIN_LABEL_CHARS = 4


@dataclass(frozen=True)
class Noised:
    """A line of a copy: both sides as they are translated into, and as they are read; None if it stays as it was."""

    targets: tuple[str, str]
    sources: tuple[str, str]


class Noiser:
    """Changes lines; the same lines in the same order, with the same `seed`, give the same.

    `languages` are those of the two sides, `linker` knows which of their words translate which.
    """

    def __init__(self, settings: NoiseSettings, languages: tuple[str, str], linker: Linker, seed: str) -> None:
        self.settings = settings
        self.languages = languages
        self.linker = linker
        self.rng = Random(seed)

    def change(self, lines: Sequence[tuple[str, str]]) -> list[Noised | None]:
        """What becomes of each of `lines`; those that follow it may be joined to a line."""
        return [self._line(lines, place) for place in range(len(lines))]

    def _line(self, lines: Sequence[tuple[str, str]], place: int) -> Noised | None:
        clean = pair = Pair(lines[place], self.languages)
        if self._wins(self.settings.words):
            pair = self._label(pair) or pair
        elif self._wins(self.settings.merged):
            pair = self._merge(lines, place) or pair
        cased = False
        for name, change in CHANGES.items():
            if self._wins(getattr(self.settings, name)) and not (cased and name in _CASES):
                changed = change(pair, self.linker, self.rng)
                cased |= changed is not None and name in _CASES
                pair = changed or pair
        sources = pair.texts
        if self._wins(self.settings.typos):
            one, other = sources
            sources = slip(one, self.rng) or one, slip(other, self.rng) or other
        return None if sources == clean.texts else Noised(pair.texts, sources)

    def _wins(self, share: float) -> bool:
        return share > 0 and self.rng.random() < share

    def _merge(self, lines: Sequence[tuple[str, str]], place: int) -> Pair | None:
        """The line and those that follow it, as long as they are sentences that end."""
        number = self.rng.randint(2, MAX_MERGED)
        joined = list(itertools.takewhile(_ends, itertools.islice(lines, place, place + number)))
        if len(joined) < 2:
            return None
        one, other = zip(*joined, strict=True)
        return Pair((" ".join(one), " ".join(other)), self.languages)

    def _label(self, pair: Pair) -> Pair | None:
        """A single word with its translation, as on a button."""
        one, other = pair.texts
        links = [each for each in self.linker.links(pair) if not each.copied and each.shortest() >= MIN_LABEL_CHARS]
        if not links:
            return None
        link = self.rng.choice(links)
        label = pair.having(one[slice(*link.one)], other[slice(*link.other)])
        if self.rng.random() < 0.5:
            return label.having(*(word[0].upper() + word[1:] for word in label.texts))
        return label


def _ends(pair: tuple[str, str]) -> bool:
    return all(line.endswith((".", "!", "?")) for line in pair)
