"""Lines of test sets changed as people's text differs, both sides alike, and what their translations must have.

The changes are those that `ferry-train` makes with `[noise]`; placeholders and names are ones that it never uses.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from export.testset import TestSet
from training.config import build
from training.data.noise.lexicon import Lexicon, learn_lexicon
from training.data.noise.noiser import Noised, Noiser
from training.settings import NoiseSettings

MAX_LINES = 200  # of each kind and direction
CHUNK = 50  # lines changed at a time: as few as find enough
PLAIN, PLACEHOLDERS, NAMES = "plain", "placeholders", "names"
# What a kind is made with, by `NoiseSettings`; the others by the change of their name.
MADE_WITH = {PLACEHOLDERS: "marks"}
KINDS = (PLAIN, PLACEHOLDERS, *NoiseSettings().shares())
# As programs write them; each stands for one mark of a line.
SHOWN = ("{name}", "%s", "{{count}}", "%(user)s", "{0}", "$1", "%d", "{file_name}")
# People who are in no corpus of ours, with letters of several alphabets.
PEOPLE = (
    "Skłodowska",
    "Dvořáček",
    "Þórðarson",
    "Nguyễn",
    "Çağlayan",
    "Ångström",
    "Quetzalcóatl",
    "Щербакова",
    "Καζαντζάκης",
)
_TOKEN = re.compile(r"[„“”\"«»]*(\S+?)[.,:;!?…„“”\"«»]*(?=\s|\Z)")
NUMBER = re.compile(r"\d(?:[\d.,:]*\d)?")


@dataclass(frozen=True)
class Changed:
    """The lines of one kind and direction; `kept[i]` are what has to be in the translation of line i."""

    kind: str
    lines: TestSet
    kept: tuple[tuple[str, ...], ...]


def change_lines(test_sets: Sequence[TestSet]) -> list[Changed]:
    """Of every direction, up to MAX_LINES lines of every kind that they can be changed in."""
    directions = dict.fromkeys((each.source, each.target) for each in test_sets)
    changed = []
    for direction in directions:
        mine = [each for each in test_sets if (each.source, each.target) == direction]
        lexicon = learn_lexicon(pair for each in mine for pair in zip(each.sources, each.references, strict=True))
        changed += [found for kind in KINDS if (found := _change(kind, mine, lexicon)).lines.sources]
    return changed


def _change(kind: str, test_sets: Sequence[TestSet], lexicon: Lexicon) -> Changed:
    quota = -(-MAX_LINES // len(test_sets))
    found: list[tuple[str, str, tuple[str, ...]]] = []
    for each in test_sets:
        mine = _change_some(kind, each, lexicon, quota)
        found += mine[: MAX_LINES - len(found)]
    sources, references, kept = (tuple(column) for column in zip(*found, strict=True)) if found else ((), (), ())
    lines = replace(test_sets[0], name=kind, sources=sources, references=references)
    return Changed(kind, lines, kept)


def _change_some(kind: str, test_set: TestSet, lexicon: Lexicon, number: int) -> list[tuple[str, str, tuple[str, ...]]]:
    """The first `number` lines of a test set that can be changed so: source, reference, and what must be kept."""
    pairs = [
        (source.replace("\t", " "), reference.replace("\t", " "))
        for source, reference in zip(test_set.sources, test_set.references, strict=True)
    ]
    settings = NoiseSettings() if kind == PLAIN else build(NoiseSettings, {MADE_WITH.get(kind, kind): 1.0})
    noiser = Noiser(settings, (test_set.source, test_set.target), lexicon, f"robustness {test_set}")
    found: list[tuple[str, str, tuple[str, ...]]] = []
    for start in range(0, len(pairs), CHUNK):
        chunk = pairs[start : start + CHUNK]
        for pair, noised in zip(chunk, noiser.change(chunk), strict=True):
            if kind == PLAIN:
                found.append((*pair, ()))
            elif noised and (kind != "typos" or noised.sources[0] != pair[0]):
                found.append(_finish(kind, pair, noised))
        if len(found) >= number:
            break
    return found[:number]


def _finish(kind: str, pair: tuple[str, str], noised: Noised) -> tuple[str, str, tuple[str, ...]]:
    """Source, reference and what must be kept, of a changed line."""
    source, reference = noised.sources[0], noised.targets[1]
    if kind == "numbers":
        return source, reference, tuple(NUMBER.findall(reference))
    new = Counter(_TOKEN.findall(reference)) - Counter(_TOKEN.findall(pair[1]))
    kept = sorted((word for word in new if word in source), key=len, reverse=True)
    if kind in (PLACEHOLDERS, NAMES):
        pool = SHOWN if kind == PLACEHOLDERS else PEOPLE
        first = len(source) % len(pool)
        chosen = [pool[(first + place) % len(pool)] for place in range(len(kept))]
        for word, other in zip(kept, chosen, strict=True):
            source, reference = source.replace(word, other), reference.replace(word, other)
        kept = chosen
    return source, reference, tuple(kept)
