"""The promise, checked: every tag and placeholder of the source is in the output once, unchanged, and in its place.

Written without the code that takes documents apart and places marks; only the tokens, the table of marks
and the rule of what is kept are shared.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from server.markup.blocks import read_tokens
from server.markup.entities import REFERENCE, decode
from server.markup.options import Options
from server.markup.rules import is_ignored
from server.markup.tokens import Token
from server.text.segments import LINE_ENDS

# Of these borders none may be added: lines, and cells.
_COUNTED = frozenset(LINE_ENDS + "|")


def verify(source: str, output: str, options: Options) -> bool:
    """Whether `output` has the markup of `source`.

    That is: the same tags, comments and placeholders, byte for byte, each as often; each inside the same elements
    as in the source; every element that is to be kept in one piece; and if tags of the source do not pair, the same
    ones do not, in the same order. So `output` is well-formed if `source` is. A part of a document will do as well.
    """
    before, after = _read(source, options), _read(output, options)
    # What the translation has besides, such as a name of a file that the model wrote, or a dash between two words that
    # parts others, was not in the source.
    words = Counter({word: count for word, count in after.words.items() if word in before.words})
    return before == replace(after, words=words)


@dataclass(frozen=True)
class _Facts:
    """What must be equal."""

    items: Counter[tuple[int, str]]
    words: Counter[tuple[int, str]]
    kept: Counter[str]
    unpaired: tuple[str, ...]


def _read(source: str, options: Options) -> _Facts:
    tokens = read_tokens(source, options)
    # A path is a number that stands for the start tags around a place.
    paths: list[int] = [0]
    open_tags: list[Token] = []
    unpaired: list[str] = []
    items: list[tuple[int, str]] = []
    words: list[tuple[int, str]] = []
    for token in tokens:
        if token.kind == "text":
            items += ((paths[-1], each) for each in _unknown_entities(token.text, options))
        elif token.kind == "mark" and token.text[0].isalnum():
            words.append((paths[-1], token.text))
        elif token.kind == "border" and token.text[0] not in _COUNTED:
            # What is around a border is not its own: ` | ` parts as `|` does.
            words.append((paths[-1], token.text.strip(" ")))
        elif token.kind == "end":
            if open_tags and open_tags[-1].name == token.name:
                open_tags.pop()
                paths.pop()
            else:
                unpaired.append(token.text)
            items.append((paths[-1], token.text))
        else:
            items.append((paths[-1], token.text))
            if token.kind == "start":
                open_tags.append(token)
                paths.append(hash((paths[-1], token.text)))
    unpaired += (token.text for token in open_tags)
    return _Facts(Counter(items), Counter(words), Counter(_find_kept(tokens, options)), tuple(unpaired))


def _unknown_entities(raw: str, options: Options) -> list[str]:
    """Those that are not ours to read."""
    if options.kind == "text":
        return []
    return [found for found in REFERENCE.findall(raw) if decode(found, options) is None]


def _find_kept(tokens: Sequence[Token], options: Options) -> Iterable[str]:
    """The elements that are to be kept, whole; an end tag closes one if as many of its name were opened inside."""
    begin, name, depth = -1, "", 0
    for index, token in enumerate(tokens):
        if begin < 0 and token.kind == "start" and is_ignored(token, options):
            begin, name, depth = index, token.name, 1
        elif begin >= 0 and token.name == name:
            depth += {"start": 1, "end": -1}.get(token.kind, 0)
            if depth == 0:
                yield "".join(each.text for each in tokens[begin : index + 1])
                begin = -1
