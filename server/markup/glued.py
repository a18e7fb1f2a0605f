"""Tags inside words, and words that only a tag parts: what is a formula is one word, what is two sentences is cut.

Tokens in, tokens out, joined the same. `CO<sub>2</sub>` is one name, held whole; the number of a footnote goes with the
word that it stands behind; `<span>Yes</span><span>No</span>` are two texts.
"""

import re
from collections.abc import Sequence

from server.markup.options import Options
from server.markup.tokens import BLOCK_ELEMENTS, Token

_SMALL_NAMES = frozenset(("sub", "sup"))
# An amount belongs to its unit.
_WORD_BEFORE = re.compile(r"(?<![^\W_])(?:\d[\d.,]{0,12}\s(?=[^\W\d_]{1,2}\Z))?([^\W_]{1,12})\Z")
_WORD_BEHIND = re.compile(r"[^\W_]{1,6}(?![^\W_])")
_SMALL = re.compile(r"[^\s<>]{1,8}")
_NUMBER = re.compile(r"[\d\[\]()+\-−–*†‡§,.]{1,6}")
_FORMULA = re.compile(r"[^\W_]{1,2}|\d+|(?:[A-Z][a-z]?\d{0,3}){1,6}|[kcdmµ]m|[Mm]ol|log|lim|max|min")
# An element that shows only the name of an account or a tag.
_OWN_NAME = re.compile(r"[@#]\w[\w.@\-]{0,100}")
_MAX_TOKENS = 12


def join_glued(tokens: Sequence[Token], options: Options) -> list[Token]:
    """`tokens` with formulas as one, footnotes without place, and a border between two elements of the same name."""
    joined: list[Token] = []
    index = 0
    while index < len(tokens):
        small = _find_small(tokens, index)
        if small is None or not joined or joined[-1].kind not in ("text", "mark"):
            if options.kind != "xml" and _parts_texts(tokens, index):
                joined += [tokens[index], Token("border", "")]
            else:
                joined.append(tokens[index])
            index += 1
            continue
        _append_small(joined, tokens[index], small)
        index += 3
        if joined[-1].kind == "mark" and index < len(tokens) and tokens[index].kind == "text":
            behind = _WORD_BEHIND.match(tokens[index].text)
            cut = behind.end() if behind else 0
            joined[-1] = Token("mark", joined[-1].text + tokens[index].text[:cut])
            if tokens[index].text[cut:]:
                joined.append(Token("text", tokens[index].text[cut:]))
            index += 1
    return joined


def shows_name(tokens: Sequence[Token], first: int, last: int) -> bool:
    """Whether the element of tokens `first` to `last` shows nothing but `@name` or `#tag`.

    Args:
        tokens: of the document.
        first: the start of the element.
        last: its end.
    """
    if not 1 < last - first < _MAX_TOKENS:
        return False
    text = "".join(token.text for token in tokens[first:last] if token.kind in ("text", "mark"))
    return _OWN_NAME.fullmatch(text.strip()) is not None


def _find_small(tokens: Sequence[Token], index: int) -> str | None:
    """What is in the element that begins at `index`, if that is one short piece of text behind a word."""
    if tokens[index].kind != "start" or index + 2 >= len(tokens) or index == 0:
        return None
    start, inside, end = tokens[index : index + 3]
    if end.kind != "end" or end.name != start.name or inside.kind not in ("text", "mark", "other"):
        return None
    is_small = start.name in _SMALL_NAMES and _SMALL.fullmatch(inside.text)
    is_number = start.name not in BLOCK_ELEMENTS and _NUMBER.fullmatch(inside.text) and inside.text[0] not in ",."
    behind_word = tokens[index - 1].text[-1:].isalnum() or tokens[index - 1].text[-1:] == ")"
    raw = start.text + inside.text + end.text
    return raw if (is_small or is_number) and behind_word and start.text[0] == "<" else None


def _append_small(joined: list[Token], start: Token, raw: str) -> None:
    """Put a small element behind the last token: into the name that this ends with, or beside a word."""
    before = joined[-1]
    if before.kind == "mark":
        joined[-1] = Token("mark", before.text + raw)
        return
    word = _WORD_BEFORE.search(before.text[-20:])
    if word is None or not _FORMULA.fullmatch(word.group(1)):
        joined.append(Token("other", raw))
        return
    joined.pop()
    rest = before.text[: len(before.text) - len(word.group())]
    joined += [Token("text", rest)] if rest else []
    joined.append(Token("mark", word.group() + raw))


def _parts_texts(tokens: Sequence[Token], index: int) -> bool:
    """Whether the end tag at `index` and the start tag behind it part two texts, and not a word."""
    if not 0 < index < len(tokens) - 2 or tokens[index].kind != "end" or tokens[index + 1].kind != "start":
        return False
    left, right = tokens[index - 1], tokens[index + 2]
    if tokens[index].name != tokens[index + 1].name or left.kind != "text" or right.kind != "text":
        return False
    is_glued = not left.text[-1].isspace() and right.text[0].isalnum()
    return is_glued and (right.text[0].isupper() or " " in left.text.strip() + right.text.strip())
