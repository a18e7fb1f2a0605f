"""Text to tokens by the table of marks: what is language, and what must come out as it is.

Marks are searched in the raw text, where entities are still written out; joined, the tokens are the text. Linear in the
text: the table says why an expression is, and a message that is never closed is looked at for a bounded length only.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from heapq import heappop, heapreplace

from server.markup.kinds import HAZARDS, KINDS, MarkKind
from server.markup.messages import find_end
from server.markup.options import Kind
from server.markup.tokens import KNOWN_ELEMENTS, VOID_ELEMENTS, Token, pair_tags
from server.text.expressions import compile_expression
from server.text.words import is_of_word

# A text without any of these has no mark: signs, digits, and what stands together as in no sentence.
_TRIGGER = re.compile(
    rf"""[^\w\s.,;:!?'"()…–—„“”‚‘’-]|[\d_{HAZARDS}]|[a-z][A-Z]|[A-Z]{{8}}|"""
    r"""\w[.:;]\w|:\w|--|''| !! |[ ]{3}|[.]{5}|\(\)|\.\w|!\d"""
)
_AFTER_ADDRESS = ".,;:!?…'*)]}_"
_AFTER_CONTENT = ("[/", "](", "~~")  # of pairs around an address
_ADDRESSES = ("address", "address without a scheme", "path", "path with backslashes", "file")
# What says in which direction is read.
_COMBINING = "\u0300-\u036f"  # accents and the like, written behind their letters
_DIRECTIONS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_JOINERS = "\u200d\ufe0e\ufe0f"  # of emoji, to others and to their looks


def split_marks(text: str, kind: Kind, unreadable: frozenset[str] = frozenset()) -> list[Token]:
    """The tokens of `text`, which has no line end that counts.

    Args:
        text: plain, or what stands between two tags.
        kind: what the text is of.
        unreadable: signs, each run of which is a mark too, and letters, as is every word of them.
    """
    tokens: list[Token] = []
    done = 0
    open_names: set[str] = set()
    for start, end, (found, match) in _find(text, kind):
        tokens += _plain(text[done:start], unreadable)
        raw = text[start:end]
        tokens.append(
            _emphasis(match, found.pair, open_names) if found.role == "emphasis" else _token(raw, found, match)
        )
        done = end
    tokens += _plain(text[done:], unreadable)
    return _settle(tokens)


def find_marks(text: str, kind: Kind = "text", unreadable: frozenset[str] = frozenset()) -> Iterator[tuple[int, int]]:
    """The (start, end) of every mark in `text`, in order.

    Args:
        text: as for `split_marks`.
        kind: what the text is of.
        unreadable: as for `split_marks`.
    """
    at = 0
    for token in split_marks(text, kind, unreadable):
        if token.kind != "text":
            yield at, at + len(token.text)
        at += len(token.text)


def may_have_marks(text: str) -> bool:
    """Whether there is anything in plain text that marks are made of; quick always."""
    return _TRIGGER.search(text) is not None


# How a mark was found: its kind, and the match.
_Found = tuple[MarkKind, "re.Match[str]"]


def _find(text: str, kind: Kind) -> Iterator[tuple[int, int, _Found]]:
    if not may_have_marks(text):
        return
    search = _Search(text, kind == "text")
    at = 0
    while (first := search.find(at)) is not None:
        found, match = first
        start, end = match.span()
        if found.name in _ADDRESSES:
            end = start + len(_without_tail(match.group()))
        elif found.role == "message":
            end = find_end(text, start)
        if end <= start:
            at = start + 1
            continue
        yield start, end, (found, match)
        at = end


class _Search:
    """The first mark of any kind from a place on.

    Each kind whose characters are there searches by itself and is asked again only when its mark lies behind, so that
    a line is read once for each kind that it may have, and not for all of them at each of its characters.
    """

    def __init__(self, text: str, is_plain: bool) -> None:
        self.text = text
        # (place of its next mark, rank in the table, kind, expression, that mark), the first one first.
        self.waiting: list[tuple[int, int, MarkKind, re.Pattern[str], re.Match[str] | None]] = [
            (-1, rank, kind, expression, None)
            for rank, (kind, is_possible, expression) in enumerate(_expressions(is_plain))
            if is_possible(text)
        ]

    def find(self, at: int) -> _Found | None:
        """The first mark that begins at `at` or later, of two that begin together that of the kind that comes first."""
        while self.waiting:
            start, rank, kind, expression, match = self.waiting[0]
            if start >= at:
                assert match is not None
                return kind, match
            match = expression.search(self.text, at)
            if match is None:
                heappop(self.waiting)
            else:
                heapreplace(self.waiting, (match.start(), rank, kind, expression, match))
        return None


@lru_cache(maxsize=2)
def _expressions(is_plain: bool) -> tuple[tuple[MarkKind, Callable[[str], object], re.Pattern[str]], ...]:
    """Each kind that is looked for with what tells whether a line may have it, and its expression."""
    return tuple(
        (kind, _condition(kind), compile_expression(kind.pattern, re.X))
        for kind in KINDS
        if is_plain or not kind.only_plain
    )


def _condition(kind: MarkKind) -> Callable[[str], object]:
    """What tells whether a line may have a mark of `kind`."""
    needs = kind.needs
    if isinstance(needs, re.Pattern):
        return needs.search
    if kind.never_with:
        return lambda line: _has_any(needs.split(), line) and not _has_any(kind.never_with, line)
    if not needs:
        return lambda line: True
    [first, *others] = needs.split()
    if not others:
        return lambda line: first in line
    return lambda line: first in line or _has_any(others, line)


def _has_any(wanted: Iterable[str], line: str) -> bool:
    return any(each in line for each in wanted)


def _without_tail(address: str) -> str:
    """`address` without the punctuation of the sentence around it, and the end of what it stands in."""
    for end in _AFTER_CONTENT:
        address = address.partition(end)[0] or address
    tail = len(address.rstrip(_AFTER_ADDRESS))
    if address[tail : tail + 1] == ")" and address.count("(", 0, tail) > address.count(")", 0, tail):
        tail += 1
    return address[:tail]


def _token(raw: str, kind: MarkKind, match: "re.Match[str]") -> Token:
    if kind.role == "tag":
        return _tag(raw, kind, match)
    if kind.role in ("start", "end"):
        return Token(
            "start" if kind.role == "start" else "end", raw, kind.pair or kind.name.partition(" of a ")[2], True
        )
    if kind.role == "hidden":
        return Token("other", raw)
    return Token("border" if kind.role == "border" else "message" if kind.role == "message" else "mark", raw)


def _emphasis(match: "re.Match[str]", name: str, open_names: set[str]) -> Token:
    """The token of a sign that opens and closes alike; `open_names` are those that are open, and is kept so."""
    before, after = match.string[: match.start()][-1:], match.string[match.end() : match.end() + 1]
    if name in open_names and before and not before.isspace() and not is_of_word(after or " "):
        open_names.discard(name)
        return Token("end", match.group(), name, True)
    if after and not after.isspace() and not is_of_word(before or " "):
        open_names.add(name)
        return Token("start", match.group(), name, True)
    return Token("text", match.group())


def _tag(raw: str, kind: MarkKind, match: "re.Match[str]") -> Token:
    groups = {key[:-2]: value for key, value in match.groupdict().items() if value is not None and key[-2:-1] == "_"}
    name = groups["name"]
    if kind.name == "shortcode":
        has_attributes = match.group("attributes") is not None
        if groups.get("empty"):
            return Token("mark", raw)
        return Token("end" if groups.get("close") else "start", raw, "[" + name.lower(), not has_attributes)
    if kind.name == "language of Moodle":
        return Token("end" if "close" in groups else "start", raw, name)
    if kind.name == "escaped tag":
        return Token("end" if groups["close"] else "other" if groups["empty"] else "start", raw, "&" + name.lower())
    name = name.lower()
    if groups["close"]:
        return Token("end", raw, name)
    if groups["empty"] or name in VOID_ELEMENTS:
        return Token("empty", raw, name)
    is_certain = name in KNOWN_ELEMENTS or name.isdecimal() or "=" in raw
    return Token("start", raw, name, not is_certain)


def _settle(tokens: Sequence[Token]) -> list[Token]:
    """`tokens` where what has no partner is only text, if it may be: a star, a bracket, a name in angles."""
    if not any(token.is_soft for token in tokens):
        return list(tokens)
    partner = pair_tags(tokens)
    settled: list[Token] = []
    for index, token in enumerate(tokens):
        if token.is_soft and index not in partner:
            is_name = token.text[0] == "<" and not any(map(str.isspace, token.text))
            token = Token("mark" if is_name else "text", token.text)
        if token.kind == "text" and settled and settled[-1].kind == "text":
            token = Token("text", settled.pop().text + token.text)
        settled.append(token)
    return settled


def _plain(text: str, unreadable: frozenset[str]) -> Iterator[Token]:
    """The tokens of `text` without marks of the table."""
    done = 0
    for run in _runs_of(unreadable).finditer(text) if unreadable and text else ():
        if run.start() > done:
            yield Token("text", text[done : run.start()])
        yield Token("mark", run.group())
        done = run.end()
    if done < len(text):
        yield Token("text", text[done:])


@lru_cache(maxsize=256)
def _runs_of(unreadable: frozenset[str]) -> re.Pattern[str]:
    # An expression of its own: to compile it together with the other takes half a millisecond for every new set.
    signs = re.escape("".join(sorted(char for char in unreadable if not is_of_word(char))))
    letters = re.escape("".join(sorted(filter(is_of_word, unreadable))))
    ways = [rf"[{signs}][{signs}{_JOINERS}]*+"] * bool(signs)
    # A word with one such letter is one that the translator cannot spell, with what is joined to it, unless that is a
    # word of its own behind a Greek letter or two.
    greek = rf"[{_DIRECTIONS}]*+(?<!\w)[\u0370-\u03ff]{{1,2}}+(?=-[^\W{letters}]{{3}})"
    start = rf"[{_DIRECTIONS}]*+(?<![\w{_COMBINING}])(?:[^\W{letters}]|(?![{letters}])[{_COMBINING}])*+[{letters}]"
    word = rf"{start}(?:[\w{letters}{_COMBINING}]|[{_DIRECTIONS}'’\-](?=\w))*+[{_DIRECTIONS}]*+"
    ways += [greek, word] * bool(letters)
    return compile_expression("|".join(ways))
