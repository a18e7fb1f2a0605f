"""From attention over ids to characters and words: which of a text its translation's come from."""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np

from server.engine.types import Hypothesis
from server.markup import Alignment
from server.markup.alignment import AlignedMass
from server.markup.marks import find_marks
from server.text.tokenizer import Tokenizer
from server.text.words import expression_of, split_words
from server.translation.plan import Part

Span = tuple[int, int]

# Of a word's cross-attention, the share from which it is said to come from a source word.
MIN_SHARE = 0.3


class Edit(NamedTuple):
    """Characters from `start` to `end` of a text that `new` is written for."""

    start: int
    end: int
    new: str


@dataclass(frozen=True)
class Told:
    """A translation that was made in another way than from the ids of its part, and its alignment, if one is known."""

    text: str
    alignment: Alignment | None


def align_parts(
    tokenizer: Tokenizer,
    parts: Sequence[Part],
    ranked: Sequence[tuple[Hypothesis, ...] | tuple[Told, ...]],
    rank: int = 0,
) -> list[Alignment]:
    """One alignment for each part of a text that says what it was made from; spans are of the whole text.

    Args:
        tokenizer: of the texts' model.
        parts: of the text, in order.
        ranked: the hypotheses of those that have ids, in order, or what is told in their place.
        rank: of the hypotheses, 0 is the best; a sentence with fewer gives its last.
    """
    waiting = iter(ranked)
    alignments: list[Alignment] = []
    source_start = target_start = 0
    for part in parts:
        text = part.segment.text
        if part.source_ids:
            hypotheses = next(waiting)
            chosen = hypotheses[min(rank, len(hypotheses) - 1)]
            if isinstance(chosen, Told):
                if chosen.alignment is not None:
                    alignments.append(move(chosen.alignment, source_start, target_start))
                source_start += len(text) + len(part.segment.after)
                target_start += len(chosen.text) + len(part.segment.after)
                continue
            spans = tokenizer.source_spans(part.reading.text)
            decoded = tokenizer.decode(chosen.ids)
            length = len(part.reading.write(decoded))  # its last signs may be others
            ends = tokenizer.target_ends(chosen.ids)
            targets = move_past(list(pairwise([0, *ends])), [Edit(*each) for each in part.reading.edits(decoded)])
            num_prefix = len(part.source_ids) - len(spans) - 1
            # Without a span for each id (text that the tokenizer saw otherwise) nothing is said of this part.
            if chosen.alignment is not None and num_prefix >= 0:
                alignments.append(
                    Alignment(
                        [(target_start + min(a, length), target_start + min(b, length)) for a, b in targets],
                        chosen.alignment[:, num_prefix:-1].astype(float),
                        [(source_start + a, source_start + b) for a, b in spans],
                    )
                )
            target_start += length
        else:
            target_start += len(text)
        source_start += len(text) + len(part.segment.after)
        target_start += len(part.segment.after)
    return alignments


def around_placeholders(
    alignments: Sequence[Alignment],
    seen: tuple[str, str],
    whole: tuple[str, str],
    unreadable: frozenset[str],
    stand_ins: Collection[str] = (),
) -> list[Alignment]:
    """The same alignments for the texts that have the placeholders too; none if the texts differ otherwise.

    Args:
        alignments: of what the model saw and said.
        seen: source and translation without placeholders, of which `alignments` tell.
        whole: the same with them.
        unreadable: as for `server.markup.marks.split_marks`.
        stand_ins: words that stand for some of them in `seen`.
    """
    places = [_places(*texts, unreadable, stand_ins) for texts in zip(seen, whole, strict=True)]
    if any(found is None for found in places):
        return []
    source, target = (found or {} for found in places)
    return [
        Alignment(_moved(each.target_spans, target), each.weights, _moved(each.source_spans, source))
        for each in alignments
    ]


def move_around(
    alignment: Alignment, seen: tuple[str, str], whole: tuple[str, str], words: Collection[str]
) -> Alignment | None:
    """`alignment` of two texts, for those that have `words` besides; None if they differ in more.

    Args:
        alignment: of the texts in `seen`.
        seen: source and translation without `words`.
        whole: source and translation with them.
        words: what stands in `whole` alone.
    """
    places = [_match(seen[side], whole[side], _standing(words, whole[side])) for side in (0, 1)]
    source, target = places
    if source is None or target is None:
        return None
    return Alignment(_moved(alignment.target_spans, target), alignment.weights, _moved(alignment.source_spans, source))


def edit(text: str, edits: Sequence[Edit]) -> str:
    """`text` with all of `edits`, which ascend and do not overlap."""
    pieces: list[str] = []
    done = 0
    for start, end, new in edits:
        pieces += (text[done:start], new)
        done = end
    return "".join((*pieces, text[done:]))


def move_past(spans: Sequence[Span], edits: Sequence[Edit]) -> list[Span]:
    """Where `spans` of a text are after `edits`; the first of those within one has all that is new."""
    starts = [each.start for each in edits]
    grown = list(accumulate((len(new) - (end - start) for start, end, new in edits), initial=0))

    def moved(at: int) -> int:
        number = bisect_left(starts, at)  # the edits that begin before
        if number and at < edits[number - 1].end:
            at = edits[number - 1].end
        return at + grown[number]

    return [(moved(start), moved(end)) for start, end in spans]


def move(alignment: Alignment, source_start: int, target_start: int) -> Alignment:
    """`alignment` of two texts that begin there in longer ones, for those.

    Args:
        alignment: of two texts.
        source_start: where the source begins in the longer one, in characters.
        target_start: where the translation begins in its longer one.
    """
    return Alignment(
        [(start + target_start, end + target_start) for start, end in alignment.target_spans],
        alignment.weights,
        [(start + source_start, end + source_start) for start, end in alignment.source_spans],
    )


def _places(seen: str, whole: str, unreadable: frozenset[str], stand_ins: Collection[str]) -> dict[int, int] | None:
    """Where each character of `seen` that is no space and of no stand-in stands in `whole`; None if that has others."""
    kept = {index for span in find_marks(whole, "text", unreadable) for index in range(*span)}
    return _match(seen, whole, kept, _standing(stand_ins, seen))


def _standing(words: Collection[str], text: str) -> set[int]:
    """Where the characters of `words` are in `text`."""
    found = expression_of(words).finditer(text) if words else ()
    return {index for word in found for index in range(*word.span())}


def _match(seen: str, whole: str, kept: Set[int], standing: Set[int] = frozenset()) -> dict[int, int] | None:
    """Where each character of `seen`, but for spaces and those `standing`, is in `whole` without those `kept`."""
    inside = [index for index, char in enumerate(seen) if not char.isspace() and index not in standing]
    outside = [index for index, char in enumerate(whole) if not char.isspace() and index not in kept]
    if [seen[index] for index in inside] != [whole[index] for index in outside]:
        return None
    return dict(zip(inside, outside, strict=True))


def _moved(spans: Sequence[Span], places: dict[int, int]) -> list[Span]:
    """Each of `spans` from its first character to its last; what has none is empty, behind the one before it."""
    moved: list[Span] = []
    for span in spans:
        found = [places[index] for index in range(*span) if index in places]
        behind = moved[-1][1] if moved else 0
        moved.append((found[0], found[-1] + 1) if found else (behind, behind))
    return moved


def link_words(source: str, target: str, alignments: Sequence[Alignment]) -> list[tuple[Span, Span]]:
    """Which words belong together by `alignments`: (span in `source`, span in `target`), ascending in the target.

    A word of the translation goes with every source word that had at least `MIN_SHARE` in it, if there is one.
    """
    source_words, target_words = _Words(source), _Words(target)
    links: list[tuple[Span, Span]] = []
    for alignment in alignments:
        if not alignment.source_spans or not alignment.target_spans:
            continue
        sources = source_words.within(alignment.source_spans)
        targets = target_words.within(alignment.target_spans)
        masses = AlignedMass(targets, [alignment], source, target)
        shares = np.array([masses.mass(*word) for word in sources]).reshape(len(sources), len(targets))
        links += [(sources[i], targets[j]) for j, i in np.argwhere(shares.T >= MIN_SHARE)]
    return links


class _Words:
    """The words of a text, found by where they are."""

    def __init__(self, text: str) -> None:
        self._spans = split_words(text)
        self._starts = [start for start, _ in self._spans]
        self._ends = [end for _, end in self._spans]

    def within(self, spans: Sequence[Span]) -> list[Span]:
        """Those between the first and the last of `spans`, which ascend."""
        return self._spans[bisect_right(self._ends, spans[0][0]) : bisect_left(self._starts, spans[-1][1])]
