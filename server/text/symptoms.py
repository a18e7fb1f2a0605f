"""Signs that a translation is not one: loops, nothing, a length far off, the source again, other numbers or names.

Pure functions of ids and text; what is done about a sign is decided elsewhere. They are meant to be rarely wrong: a
good translation that is called bad costs time, and a warning that nobody believes.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from server.text.slips import find_slips, leaves_words

Symptom = Literal["empty", "loop", "too_long", "too_short", "copied", "untranslated", "numbers", "names"]

# A run of ids that is repeated this many times over its next occurrences in the source is a loop.
_MAX_PERIOD = 12
_LOOP_TIMES = 4
# The same in ids written as characters: an expression finds that there is none in a fifth of the time.
_LOOP = re.compile(rf"(.{{1,{_MAX_PERIOD}}})\1{{{_LOOP_TIMES - 1}}}", re.DOTALL)
# Translations between European languages hardly ever pass these; short ones may, so a few ids are free. Of 7,751
# references of the development sets none is shorter than `too_short` allows.
_LONGEST, _FREE_IDS = 3.0, 10
_SHORTEST, _FREE_IDS_SHORT = 0.5, 4
_MIN_COPIED_WORDS = 4
_WORD = re.compile(r"[^\W\d_]{2,}")
# Digits grouped by points, commas, apostrophes, or by spaces in threes.
_NUMBER = re.compile(r"\d+(?:[.,'’]\d+|[ \u00a0\u202f]\d{3}(?!\d))*")
_SEPARATORS = re.compile(r"\D")
_NO_NUMBERS: Counter[str] = Counter()
# "9 pm", "9:30 p.m.": hours after noon, which other languages count on from 12.
_AFTERNOON = re.compile(r"(?<![\d.,:])(1[0-2]|[1-9])(?:[:.]\d\d)?\s?p\.?m\b", re.IGNORECASE)


def find_symptoms(
    source: str, target: str, source_ids: Sequence[int], target_ids: Sequence[int]
) -> tuple[Symptom, ...]:
    """What is wrong with `target` as a translation of the sentence `source`.

    Args:
        source: the sentence.
        target: its translation.
        source_ids: without specials.
        target_ids: without specials.
    """
    serious = find_serious(target, source_ids, target_ids)
    if "empty" in serious:
        return serious
    is_copy = _is_copy(source, target)
    found: dict[Symptom, bool] = {
        "copied": is_copy,
        "numbers": changes_numbers(source, target),
        "untranslated": not is_copy and leaves_words(source, target),
        "names": bool(find_slips(source, target)),
    }
    return (*serious, *(symptom for symptom, is_there in found.items() if is_there))


def find_serious(target: str, source_ids: Sequence[int], target_ids: Sequence[int]) -> tuple[Symptom, ...]:
    """The serious symptoms of `target`, which decoding again may mend: in microseconds, every sentence is looked at.

    `source_ids` and `target_ids` are as for `find_symptoms`. Copies are not among them, since the second try at a copy
    is a copy with a slip; nor are numbers, which have a function of their own, since "10:30" may rightly become "half
    past ten".
    """
    if not any(map(str.isalnum, target)):
        return ("empty",)
    found: list[Symptom] = []
    times = _longest_loop(target_ids)
    if times >= _LOOP_TIMES and times > _longest_loop(source_ids):
        found.append("loop")
    if len(target_ids) > _LONGEST * len(source_ids) + _FREE_IDS:
        found.append("too_long")
    if len(target_ids) + _FREE_IDS_SHORT < _SHORTEST * len(source_ids):
        found.append("too_short")
    return tuple(found)


def _longest_loop(ids: Sequence[int]) -> int:
    """How many times the same run of up to `_MAX_PERIOD` ids follows itself at most, at least 1.

    Fewer than `_LOOP_TIMES` may be told as 1. A single id is counted by halves: dots and dashes stand in rows.
    """
    longest = 1
    # As nearly always: in what is repeated so often, each id comes that often.
    if len(ids) - len(set(ids)) < _LOOP_TIMES - 1 or not _LOOP.search("".join(map(chr, ids))):
        return longest
    for period in range(1, min(_MAX_PERIOD, len(ids) // 2) + 1):
        matched = best = 0
        for i in range(period, len(ids)):
            matched = matched + 1 if ids[i] == ids[i - period] else 0
            best = max(best, matched)
        times = best // period + 1
        longest = max(longest, times if period > 1 else (times + 1) // 2)
    return longest


def _is_copy(source: str, target: str) -> bool:
    words = _WORD.findall(source.casefold())
    # Names are the same in every language; a copied sentence has words that begin in lower case.
    ordinary = [word for word in _WORD.findall(source) if word[0].islower()]
    return len(words) >= _MIN_COPIED_WORDS and len(ordinary) >= 2 and words == _WORD.findall(target.casefold())


def changes_numbers(source: str, target: str) -> bool:
    """Whether `target` has other numbers than `source`; where it has, decoding again may find the right ones.

    An hour after noon may be told from midnight or from noon: "21:00" is as good as "9 pm".
    """
    before, after = _numbers(source), _numbers(target)
    if before == after:
        return False
    lost, new = before - after, after - before
    return bool(_without_hours(lost, source, target) or _without_hours(new, target, source))


def _without_hours(numbers: Counter[str], text: str, other: str) -> Counter[str]:
    """`numbers` of `text` without hours that `other` tells, or `text` itself, as hours after noon."""
    mine = [hour for hour in _AFTERNOON.findall(text) if len(hour) > 1]
    return numbers - Counter(mine) - Counter(str(int(hour) % 12 + 12) for hour in _AFTERNOON.findall(other))


def _numbers(text: str) -> Counter[str]:
    """The numbers of two digits or more, as digits alone: what groups them or marks a fraction differs by language.

    Single digits are left out, they may be written out, and so are two of which the first is 0: a day, month or hour.
    """
    written = _NUMBER.findall(text)
    if not written:
        return _NO_NUMBERS
    found = (_SEPARATORS.sub("", number) for number in written)
    return Counter(number for number in found if len(number) > 2 or (len(number) == 2 and number[0] != "0"))
