r"""Subtitles: numbers, times and marks stay as they are; what one speaker says in a cue is one text.

A cue's lines are joined for the translator, since sentences run across them, and its translation is broken into as
many lines again; `\N`, as ASS has it, ends a line too. What is heard beside speech, in brackets, is a text of its own.
Srt and vtt differ in which blocks are cues and in entities, which vtt has.
"""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice, zip_longest

from server.documents.formats.charsets import decode_text
from server.documents.formats.inline import (
    Piece,
    Point,
    Span,
    escape,
    find_things,
    from_xml,
    to_xml,
    without_tags,
)
from server.documents.formats.wrapping import wrap
from server.text.expressions import compile_expression

_END = r"\r\n|\n|\r|\\N"
_LINES = re.compile(rf"(?:[^\r\n\\]|\\(?!N))*(?:{_END})|(?:[^\r\n\\]|\\(?!N))+\Z")
_CLOCK = r"(?:\d{1,4}:)?\d{1,2}:\d{1,2}(?:[.,:]\d{1,3})?"
TIMING = re.compile(rf"\s*{_CLOCK}\s*-->\s*{_CLOCK}")
# All repetitions are possessive: a line of 10 MiB may be made to have them tried again from every character.
_MARK = re.compile(r"<(?P<close>/?)(?P<name>[A-Za-z]\w*+)[^<>]*+>|<[\d:.]++>|\{\\[^{}]*+\}")
# A dash before what one says, or a name in capitals, which stays.
_NAME = r"[A-ZÄÖÜ](?:[A-ZÄÖÜ0-9 \xa0.'’\-]|&nbsp;){0,30}+(?:\([^()]{1,30}\))?:\s++"
_SOUND = re.compile(r"\s*(?:\[[^\[\]]*\]|\([^()]*\))\s*\Z")
_SPEAKER = compile_expression(rf"(?:<[^<>]*+>|\{{\\[^{{}}]*+\}}|\s)*+(?:[-–—]\s*+[^\s\-–—]|{_NAME})")
# Around what is said: places on the screen, dashes before a speaker, notes around a song.
_BEFORE = compile_expression(rf"(?:\{{\\[^{{}}]*+\}}|[\s\-–—♪♫])*+(?:{_NAME})?+")
_AFTER = compile_expression(r"(?:\{\\[^{}]*+\}|\\N|[\s♪♫])++")
# Written as the source wrote them, since in an editor they would not be seen.
_REFERENCES = ("&nbsp;", "&lrm;", "&rlm;")
_BREAKABLE = re.compile(r"[ \t\r\n]+")
# Deeper ones are kept one by one, as tags without a partner are.
MAX_DEPTH = 50


@dataclass(frozen=True)
class _Speech:
    """What stands around a text, the text as it stood there, and as pieces."""

    before: str
    raw: str
    after: str
    pieces: list[Piece]


def read_srt(data: bytes) -> list[str]:
    """The texts of an srt file.

    Raises:
        InvalidDocumentError: it is not text in UTF-8 or marked UTF-16.
    """
    return [to_xml(part.pieces) for part in _read(data, is_vtt=False) if isinstance(part, _Speech)]


def write_srt(data: bytes, texts: Sequence[str]) -> bytes:
    """`data` with other texts."""
    return _write(data, texts, is_vtt=False)


def read_vtt(data: bytes) -> list[str]:
    """The texts of a vtt file.

    Raises:
        InvalidDocumentError: it is not text in UTF-8 or marked UTF-16.
    """
    return [to_xml(part.pieces) for part in _read(data, is_vtt=True) if isinstance(part, _Speech)]


def write_vtt(data: bytes, texts: Sequence[str]) -> bytes:
    """`data` with other texts."""
    return _write(data, texts, is_vtt=True)


def _write(data: bytes, texts: Sequence[str], is_vtt: bool) -> bytes:
    waiting = iter(texts)
    written = (part if isinstance(part, str) else _written(part, next(waiting), is_vtt) for part in _read(data, is_vtt))
    return decode_text(data).encode("".join(written))


def _read(data: bytes, is_vtt: bool) -> Iterator[str | _Speech]:
    """What is kept, and what is said; together they are the text of `data`."""
    lines = _LINES.findall(decode_text(data).text)
    kinds = _kinds(lines, is_vtt)
    for (kind, _), group in groupby(zip(kinds, lines, strict=True), key=lambda each: each[0]):
        block = "".join(line for _, line in group)
        if kind == "kept":
            yield block
        else:
            yield from _speech(block, is_vtt)


def _kinds(lines: Sequence[str], is_vtt: bool) -> list[tuple[str, int]]:
    """For each line whether it is `kept` or `said`, and a number that is the same for the lines of one speech."""
    kinds: list[tuple[str, int]] = []
    number = 0
    in_cue = after_sound = False
    for index, line in enumerate(lines):
        if TIMING.match(line):
            in_cue = True
        elif in_cue and line.strip() and not _is_number(lines, index):
            is_sound = _is_sound(line)
            if is_sound or after_sound or _SPEAKER.match(line) or not kinds or kinds[-1][0] == "kept":
                number += 1
            after_sound = is_sound
            kinds.append(("said", number))
            continue
        elif not line.strip() and is_vtt:
            in_cue = False  # what follows may be a note; in srt an empty line may stand inside a cue
        kinds.append(("kept", 0))
    return kinds


def _is_sound(line: str) -> bool:
    return _SOUND.match(_MARK.sub("", re.sub(_END, "", line))) is not None


def _is_number(lines: Sequence[str], index: int) -> bool:
    """Whether this is the line with a cue's number: digits, and the next line is its time."""
    return lines[index].strip().isdecimal() and index + 1 < len(lines) and TIMING.match(lines[index + 1]) is not None


def _speech(block: str, is_vtt: bool) -> Iterator[str | _Speech]:
    start = _match_end(_BEFORE, block)
    # Not one search for what ends the block: it would begin anew within every run of spaces.
    *_, last = (0, 0), *(found.span() for found in _AFTER.finditer(block, start))
    end = last[0] if last[1] == len(block) else len(block)
    raw = block[start:end]
    if any(map(str.isalnum, raw)):
        yield _Speech(block[:start], raw, block[end:], _pieces(" ".join(map(str.strip, _split(raw))), is_vtt))
    else:
        yield block


def _match_end(pattern: re.Pattern[str], text: str) -> int:
    match = pattern.match(text)
    return match.end() if match else 0


def _split(raw: str) -> list[str]:
    return re.split(_END, raw)


def _pieces(text: str, is_vtt: bool) -> list[Piece]:
    """A text with its marks: a tag and its end around what they hold, the others as points."""
    stack: list[tuple[str, str, list[Piece]]] = [("", "", [])]
    done = 0
    for match in _MARK.finditer(text):
        _append_text(stack[-1][2], text[done : match.start()], is_vtt)
        done = match.end()
        name = (match.group("name") or "").lower()
        if name and not match.group("close") and len(stack) <= MAX_DEPTH:
            stack.append((name, match.group(), []))
        elif name and match.group("close") and stack[-1][0] == name:
            _, opening, inside = stack.pop()
            stack[-1][2].append(Span((opening, match.group()), inside))
        else:
            stack[-1][2].append(Point(match.group(), "hidden"))
    _append_text(stack[-1][2], text[done:], is_vtt)
    pieces = stack[0][2]
    for _, opening, inside in stack[1:]:  # never closed
        pieces += [Point(opening, "hidden"), *inside]
    return pieces


def _append_text(pieces: list[Piece], text: str, is_vtt: bool) -> None:
    if text:
        # References are html's in vtt; srt has none.
        pieces.append(html.unescape(text) if is_vtt else text)


def _written(speech: _Speech, translated: str, is_vtt: bool) -> str:
    """A speech with its translation; as it stood if that lacks something."""
    pieces = from_xml(translated, find_things(speech.pieces))
    if pieces is None or translated == to_xml(speech.pieces):
        return speech.before + speech.raw + speech.after
    num_lines = len(_split(speech.raw))
    wrapped = _wrapped(translated, num_lines, re.findall(_END, speech.raw))
    pieces = from_xml(wrapped, find_things(speech.pieces))
    assert pieces is not None
    written = "".join(_raw(pieces, is_vtt))
    for reference in _REFERENCES if is_vtt else ():
        if reference in speech.raw:
            written = written.replace(html.unescape(reference), reference)
    return speech.before + written + speech.after


def _wrapped(xml: str, num_lines: int, line_ends: Sequence[str]) -> str:
    words = list(filter(None, _BREAKABLE.split(xml)))
    counts = wrap([len(without_tags(word)) for word in words], num_lines)
    waiting = iter(words)
    lines = [" ".join(islice(waiting, count)) for count in counts]
    return "".join(line + end for line, end in zip_longest(lines, line_ends[: len(lines) - 1], fillvalue=""))


def _raw(pieces: Sequence[Piece], is_vtt: bool) -> Iterator[str]:
    for piece in pieces:
        if isinstance(piece, str):
            yield escape(piece) if is_vtt else piece
        elif isinstance(piece, Point):
            yield piece.what
        else:
            opening, closing = piece.what
            yield opening
            yield from _raw(piece.pieces, is_vtt)
            yield closing
