"""Text to segments and back, exactly: what is translated, and what stands between.

A segment is a sentence and whatever follows it up to the next one: white space, line breaks, emoji. Joining
`text + after` of all segments gives the text back, character for character. Knows nothing of ids or models.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from sentencex import segment as split_sentences

# sentencex takes time quadratic in some runs (4.4 s for 100,000 opening quotes, 7 ms for 4,000), holding the lock
# of the interpreter; so it never sees more than this many characters at once.
MAX_WINDOW = 4000

# A tab ends a line as well: it stands between the cells of a table, and would come out of the model as a space.
LINE_ENDS = "\t\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
# Ends of lines, and the lines between them, in turn.
LINES = re.compile(f"[{LINE_ENDS}]+|[^{LINE_ENDS}]+")
_SURROGATES = re.compile("[\ud800-\udfff]")
# sentencex takes these for one byte and panics, in most languages: "Plan B\u00a0."
_WIDE_SPACE_BEFORE_STOP = re.compile(r"[^\S\x00-\x7f](?=\.)")
# Where a sentence ends, as far as can be told without sentencex.
_PLAIN_END = re.compile(r"(?<=[.!?…])\s+")

_LOWER_BEGINNING = re.compile(r"(?<=[.!?…])\s+[^\W\d_]")

# Emoji, arrows, bullets and their joiners: kept as they are at either end of a sentence, not shown to the model.
_SYMBOL_RANGES = (
    *((0x2022, 0x2023), (0x2190, 0x21FF), (0x2300, 0x23FF), (0x25A0, 0x27BF), (0x2B00, 0x2BFF)),
    *((0x200B, 0x200B), (0x200D, 0x200F), (0x20E3, 0x20E3), (0x2060, 0x2060), (0xFE0E, 0xFE0F), (0xFEFF, 0xFEFF)),
    *((0x1F000, 0x1FAFF), (0xE0020, 0xE007F)),
)
_SYMBOLS = "".join(chr(code) for first, last in _SYMBOL_RANGES for code in range(first, last + 1))
_SPACES = "".join(chr(code) for code in range(0x3001) if chr(code).isspace())
_EDGES = _SYMBOLS + _SPACES

# After these a sentence hardly ever ends. Small on purpose: sentencex has its own lists, this adds what it misses.
_ABBREVIATIONS = {
    "de": (
        "abb abs allg anm art aufl bd bspw bzgl bzw ca dgl dr ebd ehem einschl etc evtl exkl fa fr geb gegr gest ggf "
        "ggfs hl hr hrsg inkl insb jahrh max mind mio mrd nr orig prof sog sogen st str tab tel tsd univ urspr usw "
        "verh verw vgl zzgl"
    ),
    "en": (
        "approx capt cf corp dept dr eq eqs esp est etc excl fig figs gen gov incl inc jr lt max min mr mrs ms "
        "orig prof rep resp rev sen sgt sr st temp univ vs"
    ),
    "fr": "av dr env ex fig m me mgr mlle mm mme no pr st ste",
}
# Before a number, in any language: page, number, article, month.
_BEFORE_NUMBER = (
    "no nr p pp vol art abs fig abb tab eq kap ch sec jan feb mar mär apr jun jul aug sep sept okt oct nov dez dec "
    "janv févr avr juil déc std min abt anl ziff nrn rn anh bl"
)
_SYMBOL_CLASS = "".join(f"{chr(first)}-{chr(last)}" for first, last in _SYMBOL_RANGES)
# Behind a word of some length a full stop is one, whatever follows; sentencex wants a capital letter. A small letter
# behind other signs goes on as in `Stop! he said`.
_PLAIN_WORD_END = re.compile(r"(?<=[a-zäöüß]{3}[.!?])\s+(?=\d)|(?<=[a-zäöüß]{3}\.)\s+(?=[a-zäöü])")
_SYMBOLS_AFTER_END = re.compile(rf"(?<=[.!?…])\s*[{_SYMBOL_CLASS}][{_SYMBOL_CLASS}\s]*")
_ENDS_PLAINLY = re.compile(r"[a-zäöüß]{3}\.\s*\Z")
_LAST_WORD = re.compile(r"(\w+)\.$")
_INITIAL = re.compile(r"(?:^|[\s(.\-])[^\W\d_]\.$")
_GERMAN_ORDINAL = re.compile(r"\b(?:im|am|vom|zum|zur|beim|der|die|das|dem|den|des|seit|bis)\s+\d{1,3}\.$", re.I)


# Where a text is cut. `sentences`: at ends of sentences and at line breaks. `across_lines`: at ends of sentences alone,
# a line break is as good as a space. `nothing`: nowhere, the text is one sentence (as far as the model can read it).
Split = Literal["sentences", "across_lines", "nothing"]


@dataclass(frozen=True)
class Segment:
    """A sentence and what stands between it and the next one; `text` has no white space at either end."""

    text: str
    after: str


def split_text(text: str, language: str, split: Split = "sentences") -> tuple[Segment, ...]:
    """The segments of `text`. `language` is a code such as `de`."""
    segments: list[Segment] = []
    between = ""
    for piece in _pieces(text, language, split):
        body = piece.lstrip(_EDGES)
        between += piece[: len(piece) - len(body)]
        core = body.rstrip(_EDGES)
        if not core:
            continue
        _close(segments, between)
        segments.append(Segment(core, ""))
        between = body[len(core) :]
    _close(segments, between)
    return tuple(segments)


def are_symbols(text: str) -> bool:
    """Whether `text` is only emoji, arrows and the like, which stand apart at either end of a sentence."""
    return not text.strip(_EDGES)


def join_text(segments: tuple[Segment, ...]) -> str:
    """The text that `split_text` took apart."""
    return "".join(segment.text + segment.after for segment in segments)


def halve(segment: Segment) -> tuple[Segment, Segment] | None:
    """Two parts of a sentence that is too long; None if it is a single character.

    The cut is the one nearest to the middle: after clause punctuation in the middle half, else at white space
    there, else at any white space, else between two characters.
    """
    text = segment.text
    if len(text) < 2:
        return None
    quarter = len(text) // 4
    cut = (
        _nearest(_CLAUSE_END, text, quarter)
        or _nearest(_WHITE_SPACE, text, quarter)
        or _nearest(_WHITE_SPACE, text, 0)
        or len(text) // 2
    )
    left = text[:cut].rstrip()
    right = text[cut:].lstrip()
    return Segment(left, text[len(left) : len(text) - len(right)]), Segment(right, segment.after)


_CLAUSE_END = re.compile(r"[,;:–—)\]](?=\s)|[，；：、。]")
_WHITE_SPACE = re.compile(r"\s")


def _nearest(pattern: re.Pattern[str], text: str, margin: int) -> int | None:
    """End of the match nearest to the middle of `text`, at least `margin` from both ends."""
    ends = [match.end() for match in pattern.finditer(text, margin, len(text) - margin)]
    inner = [end for end in ends if 0 < end < len(text)]
    return min(inner, key=lambda end: abs(2 * end - len(text)), default=None)


def _close(segments: list[Segment], between: str) -> None:
    """Put what stands between two sentences after the last segment, or into one of its own at the start."""
    if segments:
        last = segments.pop()
        segments.append(Segment(last.text, last.after + between))
    elif between:
        segments.append(Segment("", between))


def _pieces(text: str, language: str, split: Split) -> Iterator[str]:
    """Line ends and sentences in turn; together they are `text`."""
    if split == "nothing":
        yield text
        return
    if split == "across_lines":
        yield from _merge([part for each in _split_line(text, language) for part in _cut_at_ends(each)], language)
        return
    for match in LINES.finditer(text):
        line = match.group()
        if line[0] in LINE_ENDS:
            yield line
        else:
            sentences = [part for sentence in _split_line(line, language) for part in _cut_at_ends(sentence)]
            yield from _merge(sentences, language)


def _split_line(line: str, language: str) -> list[str]:
    """The sentences of one line by sentencex, which is shown a window that moves on by whole sentences."""
    sentences: list[str] = []
    start = 0
    while start < len(line):
        window = line[start : start + MAX_WINDOW]
        found = _split_window(window, language)
        if start + len(window) < len(line):
            found = found[:-1] or [window[: _last_space(window)]]
        sentences += found
        start += sum(map(len, found))
    return sentences


def _last_space(window: str) -> int:
    spaces = [match.end() for match in _WHITE_SPACE.finditer(window)]
    return spaces[-1] if spaces else len(window)


def _split_window(window: str, language: str) -> list[str]:
    # Lengths are all that is taken from the answer.
    lengths = [len(sentence) for sentence in _ask_sentencex(window, language) if sentence]
    if sum(lengths) != len(window):
        return [window]
    sentences, start = [], 0
    for length in lengths:
        sentences.append(window[start : start + length])
        start += length
    return sentences


def _ask_sentencex(window: str, language: str) -> list[str]:
    """What sentencex makes of `window`, with other characters for those that it cannot handle.

    Where there is no capital at all it would see no sentence begin, so it is shown some.
    """
    shown = _WIDE_SPACE_BEFORE_STOP.sub(" ", _SURROGATES.sub("\ufffd", window))
    if shown.islower():
        shown = _LOWER_BEGINNING.sub(_capitalise, shown)
    try:
        return list(split_sentences(language, shown))
    except Exception:
        raise
    except BaseException as error:
        # A panic in Rust is not an Exception; let through, one text could end the task that all documents depend on.
        if type(error).__name__ != "PanicException":
            raise
        ends = [0, *(match.end() for match in _PLAIN_END.finditer(window)), len(window)]
        return [window[start:end] for start, end in pairwise(ends)]


def _capitalise(beginning: re.Match[str]) -> str:
    """White space and a letter with the letter in capitals, if it stays one letter."""
    shown = beginning.group().upper()
    return shown if len(shown) == len(beginning.group()) else beginning.group()


def _cut_at_ends(sentence: str) -> Iterator[str]:
    """`sentence`, cut after each emoji that follows a full stop, and where a plain word ends with one.

    sentencex sees no boundary in some of them.
    """
    ends = {match.end() for each in (_SYMBOLS_AFTER_END, _PLAIN_WORD_END) for match in each.finditer(sentence)}
    start = 0
    for end in sorted(ends):
        yield sentence[start:end]
        start = end
    if start < len(sentence):
        yield sentence[start:]


def _merge(sentences: list[str], language: str) -> list[str]:
    """`sentences` with the false boundaries of sentencex taken out."""
    all_lower = not any(map(str.isupper, "".join(sentences)))
    merged: list[str] = []
    for sentence in sentences:
        if merged and len(merged[-1]) + len(sentence) <= MAX_WINDOW:
            lower = sentence.lstrip()[:1].islower() and not all_lower and not _ENDS_PLAINLY.search(merged[-1])
            if lower or _goes_on(merged[-1].rstrip(), sentence, language):
                merged[-1] += sentence
                continue
        merged.append(sentence)
    return merged


def _goes_on(previous: str, following: str, language: str) -> bool:
    """Whether the full stop at the end of `previous` belongs to an abbreviation, an initial or an ordinal."""
    tail = previous[-40:]
    word = _LAST_WORD.search(tail)
    if word is None:
        return False
    last = word.group(1).lower()
    if last in _ABBREVIATIONS.get(language, "").split() or (language == "de" and last.endswith("str")):
        return True
    if last in _BEFORE_NUMBER.split() and following.lstrip(" (")[:1].isdigit():
        return True
    if language == "de" and _GERMAN_ORDINAL.search(tail):
        return True
    return _INITIAL.search(tail) is not None and not (language == "en" and last == "i")
