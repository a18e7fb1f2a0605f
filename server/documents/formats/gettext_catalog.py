"""Po: the messages of a catalogue that have no translation yet, or a doubtful one, are translated into `msgstr`.

Lines are read by what they begin with and only those of such a `msgstr` are written anew, so comments, order, wrapping
and line ends stay. Of a message with plural forms the first is made from `msgid`, the others from `msgid_plural`.
A message that is marked fuzzy gets a new translation and stays marked; obsolete ones (`#~`) are left.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from server.documents.formats.charsets import decode_text
from server.documents.formats.messages import cut_message, fill_message
from server.errors import InvalidDocumentError
from server.text.expressions import compile_expression

_LINES = re.compile(r"[^\n]*\n|[^\n]+\Z")
_KEYWORD = compile_expression(
    r'\s*(msgctxt|msgid_plural|msgid|msgstr(?:\[(\d{1,3})\])?)\s*"((?:[^"\\]|\\.)*+)"\s*\Z', re.S
)
_MORE = compile_expression(r'\s*"((?:[^"\\]|\\.)*+)"\s*\Z', re.S)
_FLAGS = re.compile(r"#,.*\bfuzzy\b")
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{1,2}|[0-7]{1,3}|.)", re.S)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_WRITTEN = {value: f"\\{key}" for key, value in _ESCAPED.items()} | {'"': '\\"', "\\": "\\\\"}
_LANGUAGE = re.compile(r'("Language:)[ \t]*(\\n")')


@dataclass
class _String:
    """The string of a keyword: what is between its quotes, and its lines from `first` to before `end`."""

    pieces: list[str]
    first: int
    end: int

    @property
    def text(self) -> str:
        """What it says."""
        return _unescape("".join(self.pieces))


@dataclass
class _Message:
    is_fuzzy: bool
    ids: dict[str, _String] = field(default_factory=dict)
    forms: dict[int, _String] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Whether it is to be translated: no header, all its ids known, and no translation without doubt."""
        said = self.ids.get("msgid")
        has_plural = "msgid_plural" in self.ids
        if said is None or not said.text or not self.forms or has_plural != (set(self.forms) != {-1}):
            return False
        return self.is_fuzzy or not any(form.text for form in self.forms.values())

    def source(self, form: int) -> str:
        """What the form of this number is made from; -1 is the only one."""
        return self.ids["msgid" if form <= 0 else "msgid_plural"].text


def read_po(data: bytes) -> list[str]:
    """The sources of the forms that are to be translated.

    Raises:
        InvalidDocumentError: it is not text in UTF-8 or marked UTF-16, or no catalogue.
    """
    lines = _LINES.findall(decode_text(data).text)
    return [text for message, form in _open_forms(lines) for text in cut_message(message.source(form))]


def write_po(data: bytes, texts: Sequence[str]) -> bytes:
    """`data` with these translations.

    Raises:
        InvalidDocumentError: it is not text in UTF-8 or marked UTF-16, or no catalogue.
    """
    decoded = decode_text(data)
    lines = _LINES.findall(decoded.text)
    waiting = iter(texts)
    for message, form in _open_forms(lines):
        text = fill_message(message.source(form), waiting)
        string = message.forms[form]
        line_end = "\r\n" if lines[string.first].endswith("\r\n") else "\n"
        keyword = lines[string.first].partition('"')[0].rstrip()
        written = line_end.join(f'"{each}"' for each in _quoted(_like(text, message.source(form))))
        last = "" if not lines[string.end - 1].endswith("\n") else line_end
        # Its other lines become empty, so that the numbers of all lines stay.
        lines[string.first : string.end] = [f"{keyword} {written}{last}", *[""] * (string.end - string.first - 1)]
    return decoded.encode("".join(lines))


def declare_po(data: bytes, target: str) -> bytes:
    """`data` with its language in the header, where that is there and empty."""
    decoded = decode_text(data)
    return decoded.encode(_LANGUAGE.sub(lambda match: f"{match[1]} {target}{match[2]}", decoded.text, count=1))


def _open_forms(lines: Sequence[str]) -> list[tuple[_Message, int]]:
    return [
        (message, form)
        for message in list(_messages(lines))
        if message.is_open
        for form in message.forms
        if any(map(str.isalpha, message.source(form)))
    ]


def _messages(lines: Sequence[str]) -> Iterator[_Message]:
    message = _Message(is_fuzzy=False)
    current: _String | None = None
    for number, line in enumerate(lines):
        if match := _KEYWORD.match(line):
            keyword = match[1]
            if message.forms and not keyword.startswith("msgstr"):
                yield message
                message = _Message(is_fuzzy=False)
            current = _String([match[3]], number, number + 1)
            if keyword.startswith("msgstr"):
                message.forms[int(match[2]) if match[2] else -1] = current
            else:
                message.ids[keyword] = current
        elif match := _MORE.match(line):
            if current is None:
                raise _damaged(number)
            current.pieces.append(match[1])
            current.end = number + 1
        elif not line.strip() or line.lstrip().startswith("#"):
            current = None
            if message.forms:
                yield message
                message = _Message(is_fuzzy=False)
            if _FLAGS.match(line):
                message.is_fuzzy = True
        else:
            raise _damaged(number)
    if message.forms:
        yield message


def _unescape(text: str) -> str:
    def read(match: re.Match[str]) -> str:
        said = match[1]
        if said[0] == "x" and len(said) > 1:
            return chr(int(said[1:], 16))
        return chr(int(said, 8)) if said.isdecimal() and said.isascii() else _ESCAPED.get(said, said)

    return _ESCAPE.sub(read, text)


def _quoted(text: str) -> list[str]:
    """The strings that `text` is written as: one, or a line each behind an empty one, as gettext does."""
    lines = re.findall(r"[^\n]*\n|[^\n]+\Z", text)
    written = ["".join(_WRITTEN.get(char, char) for char in line) for line in lines]
    return written if len(written) == 1 else ["", *written]


def _like(text: str, source: str) -> str:
    """`text` with a line's end at either end where the source has one: programs want both alike."""
    bare = text.strip("\n")
    return "\n" * source.startswith("\n") + bare + "\n" * source.endswith("\n")


def _damaged(number: int) -> InvalidDocumentError:
    return InvalidDocumentError(
        f"The file is no catalogue of gettext: line {number + 1} is neither string nor comment."
    )
