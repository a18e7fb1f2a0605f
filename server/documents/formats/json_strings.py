"""Json of translations: every string that readers see, wherever it is; keys, numbers, order and white space stay.

The file is read by the standard library's parser, to be sure that it is json, and then token by token for the places.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from server.documents.formats.charsets import decode_text
from server.documents.formats.localisation import is_chosen, is_language
from server.documents.formats.messages import cut_message, fill_message
from server.errors import InvalidDocumentError
from server.text.expressions import compile_expression

# What is nested deeper is made to harm.
MAX_DEPTH = 200
_TOKEN = compile_expression(r'"(?:[^"\\]|\\.)*+"|[{}\[\],:]')


@dataclass
class _Level:
    """An object or list that is open: the key or number of what comes next, and the strings right in it."""

    is_object: bool
    key: str | int = 0
    expects_key: bool = False
    keys: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class _String:
    path: tuple[str | int, ...]
    holder: _Level
    start: int
    end: int
    text: str

    @property
    def is_text(self) -> bool:
        """Whether it is translated."""
        siblings = frozenset(self.holder.keys) if len(self.path) > 1 and len(self.holder.keys) < 5 else frozenset()
        return is_chosen(self.path, siblings) and is_language(self.text)


def read_json(data: bytes) -> list[str]:
    """The strings that are language, in order.

    Raises:
        InvalidDocumentError: it is no json, or nested too deep.
    """
    strings = _strings(decode_text(data).text)
    return [text for each in strings if each.is_text for text in cut_message(each.text)]


def write_json(data: bytes, texts: Sequence[str]) -> bytes:
    """`data` with other strings; a file that writes all letters beyond ASCII as escapes goes on to do so.

    Raises:
        InvalidDocumentError: it is no json, or nested too deep.
    """
    decoded = decode_text(data)
    is_ascii = decoded.text.isascii() and "\\u" in decoded.text
    pieces: list[str] = []
    done = 0
    waiting = iter(texts)
    for each in _strings(decoded.text):
        text = fill_message(each.text, waiting) if each.is_text else each.text
        if text != each.text:
            pieces += [decoded.text[done : each.start], _quote(text, is_ascii)]
            done = each.end
    return decoded.encode("".join((*pieces, decoded.text[done:])))


def _quote(text: str, is_ascii: bool) -> str:
    return json.dumps(text.encode("utf-8", "replace").decode(), ensure_ascii=is_ascii)


def _strings(text: str) -> list[_String]:
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidDocumentError("The file is damaged: it is no json.") from error
    return list(_read(text))


def _read(text: str) -> Iterator[_String]:
    """The strings of a text that is json, without keys."""
    levels: list[_Level] = []
    for match in _TOKEN.finditer(text):
        sign = match[0]
        if sign in "{[":
            if len(levels) == MAX_DEPTH:
                raise InvalidDocumentError(f"The file is nested deeper than {MAX_DEPTH}; simplify it.")
            levels.append(_Level(sign == "{", expects_key=sign == "{"))
        elif sign in "}]":
            levels.pop()
        elif sign == ",":
            levels[-1].expects_key = levels[-1].is_object
            if isinstance(levels[-1].key, int):
                levels[-1].key += 1
        elif sign == ":":
            levels[-1].expects_key = False
        elif levels and levels[-1].expects_key:
            levels[-1].key = str(json.loads(sign))
            levels[-1].keys.add(levels[-1].key)
        else:
            path = tuple(level.key for level in levels)
            yield _String(path, levels[-1] if levels else _Level(False), *match.span(), str(json.loads(sign)))
