"""Yaml of translations: every string that readers see; keys, comments, anchors and order stay, byte for byte.

The file is read as a stream of events, so that nothing is built of it and no anchor is expanded. A string is written in
the style that it had if that can say it, else between double quotes.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import yaml

from server.documents.formats.charsets import decode_text
from server.documents.formats.localisation import is_chosen, is_language
from server.documents.formats.messages import cut_message, fill_message
from server.errors import InvalidDocumentError

# More than any program says. The library takes time that grows with the depth of each sign.
MAX_CHARS = 1 << 20
MAX_DEPTH = 40
_ESCAPED = {"\n": "\\n", "\t": "\\t", '"': '\\"', "\\": "\\\\"}
_STARTS = (
    *(yaml.BlockMappingStartToken, yaml.BlockSequenceStartToken),
    *(yaml.FlowMappingStartToken, yaml.FlowSequenceStartToken),
)
_ENDS = (yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)
_STRING = "tag:yaml.org,2002:str"
# What a plain scalar may be: no sign of yaml at its beginning, none with a space in it, and one line.
_PLAIN = re.compile(r"(?![\s\-?:,\[\]{}#&*!|>'\"%@`=~])(?:[^:#,\[\]{}\n\r]|:(?=\S)(?![,\[\]{}])|(?<=\S)#)*(?<![\s:])")
_END = re.compile(r"\s*\Z")
_HEADER = re.compile(r"[|>][+\-0-9]*[ \t]*(?:#[^\n]*)?\r?\n")


@dataclass(frozen=True)
class _Scalar:
    start: int
    end: int
    style: str
    text: str
    is_text: bool


# From how a scalar stood in the file, the scalar, and the text that it gets, to how it stands there then.
_Write = Callable[[str, _Scalar, str], str]


def read_yaml(data: bytes) -> list[str]:
    """The strings that are language, in order.

    Raises:
        InvalidDocumentError: it is no yaml, or nested too deep.
    """
    text = decode_text(data).text
    if len(text) > MAX_CHARS:
        raise InvalidDocumentError(f"The file has {len(text)} characters; {MAX_CHARS} is the most that yaml may have.")
    return [each for scalar in _scalars(text) if scalar.is_text for each in cut_message(scalar.text)]


def write_yaml(data: bytes, texts: Sequence[str]) -> bytes:
    """`data` with other strings.

    Raises:
        InvalidDocumentError: it is no yaml, or nested too deep.
    """
    decoded = decode_text(data)
    scalars = _scalars(decoded.text)
    waiting = iter(texts)
    filled = [fill_message(each.text, waiting) if each.is_text else each.text for each in scalars]
    wanted = [each.encode("utf-8", "replace").decode() for each in filled]
    written = _replaced(decoded.text, scalars, wanted, _written)
    if [each.text for each in _scalars(written)] != wanted:  # such as what begins with a space in a block
        written = _replaced(decoded.text, scalars, wanted, _quote)
    return decoded.encode(written)


def _replaced(text: str, scalars: Sequence[_Scalar], wanted: Sequence[str], write: _Write) -> str:
    pieces: list[str] = []
    done = 0
    for each, new in zip(scalars, wanted, strict=True):
        if new != each.text:
            pieces += [text[done : each.start], write(text[each.start : each.end], each, new)]
            done = each.end
    return "".join((*pieces, text[done:]))


def _scalars(text: str) -> list[_Scalar]:
    try:
        return list(_read(text))
    except yaml.MarkedYAMLError as error:
        line = f" behind line {error.problem_mark.line}" if error.problem_mark else ""
        raise InvalidDocumentError(f"The file is damaged: it is no yaml{line}.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidDocumentError("The file is damaged: it is no yaml.") from error


def _read(text: str) -> Iterator[_Scalar]:
    # The event of a scalar begins with its anchor or tag; its token does not.
    starts = _find_starts(text)
    resolver = yaml.resolver.Resolver()
    levels: list[list[str | int | None]] = []  # what the next thing is of each mapping or list; None if it is a key
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            levels.append([None if isinstance(event, yaml.MappingStartEvent) else 0])
        elif isinstance(event, yaml.CollectionEndEvent):
            levels.pop()
            _step(levels, "")
        elif isinstance(event, yaml.ScalarEvent):
            path = tuple(each[0] for each in levels)
            tag = event.tag or resolver.resolve(yaml.ScalarNode, event.value, event.implicit)
            tag = _STRING if tag == "!" else tag
            start = starts.get(event.end_mark.index)
            is_text = tag == _STRING and None not in path and is_language(event.value)
            if start is not None:
                is_text = is_text and is_chosen(tuple(key for key in path if key is not None))
                yield _Scalar(start, event.end_mark.index, event.style or "", event.value, is_text)
            _step(levels, event.value)
        elif isinstance(event, yaml.AliasEvent):
            _step(levels, "")


def _find_starts(text: str) -> dict[int, int]:
    """Where each scalar begins, by where it ends.

    Tokens are read one by one and counted: the library takes time that grows with the square of the depth.
    """
    starts: dict[int, int] = {}
    depth = 0
    for token in yaml.scan(text, Loader=yaml.CSafeLoader):
        if isinstance(token, _STARTS):
            depth += 1
        elif isinstance(token, _ENDS):
            depth -= 1
        elif isinstance(token, yaml.ScalarToken):
            starts[token.end_mark.index] = token.start_mark.index
        if depth > MAX_DEPTH:
            raise InvalidDocumentError(f"The file is nested deeper than {MAX_DEPTH}; simplify it.")
    return starts


def _step(levels: list[list[str | int | None]], said: str) -> None:
    """Something has ended that was a key, a value or an item of the last of `levels`."""
    if not levels:
        return
    current = levels[-1][0]
    if isinstance(current, int):
        levels[-1][0] = current + 1
    else:
        levels[-1][0] = said if current is None else None


def _written(raw: str, scalar: _Scalar, text: str) -> str:
    if scalar.style in ("|", ">") and (block := _block(raw, scalar.style, text)) is not None:
        return block
    if scalar.style == "'" and "\n" not in text and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    is_string = yaml.resolver.Resolver().resolve(yaml.ScalarNode, text, (True, False)) == _STRING
    if not scalar.style and is_string and text.isprintable() and _PLAIN.fullmatch(text):
        return text
    return _quote(raw, scalar, text)


def _quote(raw: str, scalar: _Scalar, text: str) -> str:
    quoted = f'"{"".join(map(_escape, text))}"'
    return quoted + _space_at_end(raw) if scalar.style in ("|", ">") else quoted  # a block ends with its last line


def _escape(char: str) -> str:
    if char in _ESCAPED or char.isprintable():
        return _ESCAPED.get(char, char)
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def _block(raw: str, style: str, text: str) -> str | None:
    """A text as a block of lines, indented as this one was; None if its lines could not be read so."""
    header = _HEADER.match(raw)
    lines = raw[header.end() :].splitlines() if header else []
    first = next((line for line in lines if line.strip()), "")
    indent = first[: len(first) - len(first.lstrip(" "))]
    said = text.rstrip("\n")
    if header is None or not indent or said[:1].isspace() or not text.replace("\n", "").isprintable():
        return None
    if style == ">":  # one line is a paragraph, and an empty one between two of them is the end of a line
        said = re.sub(r"\n+", lambda match: match[0] + "\n", said)
    body = "\n".join(indent + line if line else "" for line in said.split("\n"))
    line_end = "\r\n" if "\r\n" in header[0] else "\n"
    return header[0] + body.replace("\n", line_end) + _space_at_end(raw)


def _space_at_end(raw: str) -> str:
    end = _END.search(raw)
    assert end is not None
    return end[0]
