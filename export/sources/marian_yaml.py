"""The YAML that Marian writes: settings and vocabularies. Both are flat, so that a page of rules reads them."""

import re

from export.errors import ExportError

Settings = dict[str, str | list[str]]

# A vocabulary's line: a plain, 'single' or "double" quoted piece and its id. Long pieces stand on a line of their own.
_ENTRY = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s"'].*?|): (\d+)\s*""")
_LONG_KEY = re.compile(r"\? (.*)")
_LONG_VALUE = re.compile(r": (\d+)\s*")
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)")
_ESCAPED = {"0": "\0", "a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ESCAPED |= {"N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029"}


def parse_settings(text: str) -> Settings:
    """`key: value` lines; a list is `[a, b]`, or its items follow their key, each on a line that starts with a dash."""
    found: Settings = {}
    key = ""
    for line in text.split("\n"):
        stripped = line.strip()
        if stripped.startswith("- ") and key:
            items = found[key]
            found[key] = [*(items if isinstance(items, list) else []), _unquote(stripped[2:].strip())]
        elif line[:1] not in ("", " ", "#", "-") and ":" in line:
            key, _, value = line.partition(":")
            found[key.strip()] = _parse_value(value.strip())
            key = key.strip()
        elif stripped == "[]" and key:
            found[key] = []
    return found


def parse_vocabulary(text: str, name: str) -> list[str]:
    """The pieces of a vocabulary, by id.

    Raises:
        ExportError: a line that is no entry, or ids that do not count from 0 without a gap.
    """
    found: dict[int, str] = {}
    pending = ""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.startswith("#") or line in ("---", "..."):
            continue
        if long_key := _LONG_KEY.fullmatch(line):
            pending = long_key[1]
        elif (long_value := _LONG_VALUE.fullmatch(line)) and pending:
            found[int(long_value[1])] = _unquote(pending)
            pending = ""
        elif entry := _ENTRY.fullmatch(line):
            found[int(entry[2])] = _unquote(entry[1])
        else:
            raise ExportError(f"{name}, line {number}, is no entry of a vocabulary: {line[:60]!r}")
    if sorted(found) != list(range(len(found))):
        raise ExportError(f"{name} has {len(found)} entries, whose ids do not count from 0 without a gap")
    return [found[i] for i in range(len(found))]


def _parse_value(text: str) -> str | list[str]:
    if text.startswith("[") and text.endswith("]"):
        return [_unquote(item.strip()) for item in text[1:-1].split(",") if item.strip()]
    return _unquote(text)


def _unquote(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if len(text) > 1 and text[0] == text[-1] == '"':
        return _ESCAPE.sub(_unescape, text[1:-1])
    return text


def _unescape(match: re.Match[str]) -> str:
    code = match[1]
    return chr(int(code[1:], 16)) if len(code) > 1 else _ESCAPED.get(code, code)
