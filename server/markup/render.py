"""The words of a translation and its marks as one string, with spaces where the source had them.

White space between two words goes after end tags and before start tags, so that tags stand at their words.
"""

import re
from collections.abc import Iterator, Sequence

from server.markup.document import CLOSING, Chunk, Mark, Side
from server.markup.entities import Escaper
from server.markup.held import split_held
from server.markup.layout import Layout

# Of xml; words on both sides of it are apart without a space.
_BREAK = re.compile(r"<(?:br|lb|pb|tab)[\s/>]")


def render(chunk: Chunk, target: str, words: Sequence[tuple[int, int]], layout: Layout, escaper: Escaper) -> str:
    """The chunk's markup around `target`, whose words are `words`."""
    written: list[str] = []
    run: list[str] = []
    num_stressed = 0

    def write_run() -> None:
        for held, text in split_held(chunk.held, "".join(run)):
            written.append(held or escaper.escape(text.upper() if num_stressed else text))
        run.clear()

    for piece in _pieces(chunk, target, words, layout):
        if isinstance(piece, str):
            run.append(piece)
            continue
        write_run()
        written.append(piece.raw)
        if not piece.raw:  # around a word that is stressed
            num_stressed += {"start": 1, "end": -1}.get(piece.kind, 0)
    write_run()
    return "".join(written)


def _pieces(chunk: Chunk, target: str, words: Sequence[tuple[int, int]], layout: Layout) -> Iterator[str | Mark]:
    """Strings of text, and marks, in order."""
    at = 0
    for boundary in range(len(words) + 1):
        marks: list[Mark] = []
        while at < len(layout) and layout[at][0] == boundary:
            marks.append(chunk.marks[layout[at][1]])
            at += 1
        before = target[slice(*words[boundary - 1])] if boundary else ""
        after = target[slice(*words[boundary])] if boundary < len(words) else ""
        gap = target[words[boundary - 1][1] : words[boundary][0]] if before and after else ""
        yield from _space(marks, before, after, gap)
        if after:
            yield after


def _space(marks: Sequence[Mark], before: str, after: str, gap: str) -> Iterator[str | Mark]:
    """The marks at one boundary with the spaces between them, and between them and the words beside them."""
    runs = _runs(marks)
    shown = [run[0] for run in runs[1:]]
    spaces: list[bool] = []
    for left, right in zip([None, *shown], [*shown, None], strict=True):
        spaces.append(_is_spaced(left, right, before, after, gap))
    is_broken = bool(shown) and all(_BREAK.match(mark.raw) and mark.left == mark.right == "word" for mark in shown)
    if gap and not any(spaces) and not is_broken:
        # The two words must not become one; the space goes where the mark is not written together with a word.
        spaces[0 if shown and shown[-1].right == "word" and shown[0].left != "word" else -1] = True
    space = gap
    for run, spaced in zip(runs, spaces, strict=True):
        slot = _slot(run)
        yield from run[:slot]
        if spaced or (not gap and before and _stood_apart(run[slot:])):
            yield space or " "
            space = " "
        yield from run[slot:]


def _runs(marks: Sequence[Mark]) -> list[list[Mark]]:
    """`marks`, cut before each one that is shown; the first run holds those before any."""
    runs: list[list[Mark]] = [[]]
    for mark in marks:
        if mark.kind == "point" and mark.shown:
            runs.append([])
        runs[-1].append(mark)
    return runs


def _slot(run: Sequence[Mark]) -> int:
    """Where white space goes in `run`: behind what belongs to the left."""
    for index, mark in enumerate(run):
        belongs_left = mark.kind == "end" or (
            mark.kind == "point" and (mark.shown or mark.left in ("word", "punctuation"))
        )
        if not belongs_left:
            return index
    return len(run)


def _stood_apart(run: Sequence[Mark]) -> bool:
    """Whether `run` begins with what takes no place, but stood between a space and punctuation: `as told [3].`."""
    if not run or run[0].kind != "point" or run[0].shown:
        return False
    return run[0].left == "space" and run[0].right in ("punctuation", "edge")


def _is_spaced(left: Mark | None, right: Mark | None, before: str, after: str, gap: str) -> bool:
    """Whether there is a space between two neighbours, either of them a shown mark or (None) the word or edge there."""
    if left and right:
        return not (left.right == "point" and right.left == "point")
    if right:
        return _at_word(before, right.left, gap, closes=False)
    if left:
        return _at_word(after, left.right, gap, closes=True)
    return bool(gap)


def _at_word(word: str, side: Side, gap: str, closes: bool) -> bool:
    """Whether there is a space between a shown mark and `word`; `closes` if the word comes after it."""
    if not word:
        return False
    if word[0].isalnum():
        return side != "word"
    if gap:
        return True
    return side == "space" and (word in CLOSING) != closes
