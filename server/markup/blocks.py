"""A source to all its tokens: tags of html and xml, the lines of plain text and what they begin with, marks in both.

A line that is structure, such as one of a fence of code, is kept; of the others the beginning is, such as the sign of a
heading or of an item in a list. Nothing is repaired: what is never closed is only text.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from server.markup.marks import may_have_marks, split_marks
from server.markup.options import Options
from server.markup.tokens import Token, tokenize
from server.text.expressions import compile_expression
from server.text.segments import LINE_ENDS, LINES

_LETTER = re.compile(r"[^\W\d_]")
_FENCE = re.compile(r"[ >]{0,8}(```+|~~~+)")
_FRONT_MATTER_KEY = re.compile(
    r"\s*(?:title|subtitle|description|summary|excerpt|abstract|caption)\s*[:=]\s*[\"']?", re.I
)
_MATTER_ENDS = ("---", "...", "+++")
_DIRECTIVE = re.compile(r"\s*\.\. (?:[\w:\-]{1,40}::|_[^:\n]{1,80}:|\[[^\]\n]{1,40}\])(?: |$)")
_CODE_DIRECTIVES = (
    "code",
    "code-block",
    "sourcecode",
    "highlight",
    "math",
    "toctree",
    "image",
    "include",
    "literalinclude",
    "raw",
)
# What a line begins with: quotes, items, headings, fields of reST, definitions of footnotes and links, keys of files.
_BEGINNING = compile_expression(
    r"""(?:\s*(?:
        (?:>[ ]?)++ | \#{1,6}\s++ | [-*+•‣◦–—]\s++(?:\[[ xX]\]\s++)? | \d{1,3}+[.)]\s++(?=\S) | [a-zA-Z]\)\s++
      | [–—]\s*+(?=[^\W\d_]) | -(?=[A-ZÄÖÜ¿¡]) | (?:\{\\[^{}\n]{1,100}\}\s*+){1,4}[-–—]\s*+(?=[^\W\d_])
      | \([a-zA-Z0-9]{1,3}\)\s++ | \[\d{1,3}\]\s++ | \\[\#*+\-]\s++
      | ={2,6}\s?(?=\S[^=]{0,200}={2,6}\s*$) | :[\w \-]{1,40}:\s++(?=\S)
      | \*?\[\^?[\w\-]{1,40}\]:\s++(?:<?(?:[a-z]{2,10}:|/|\#|\.)\S{1,300}+\s++(?=["'(]))?
      | [\w\-]{1,40}(?:\.[\w\-]{1,40})++\s?=\s? | \[\d\d:\d\d(?:[.:]\d{1,3})?\]\s*+
      | [a-z][\w.\-]{2,40}=(?=["'{%<]?[^\W\d_]{2})
      | \[![A-Z]{3,12}\][+\-]?\s++ | (?:!!!|\?\?\?\+?)\s\w{1,20}\s"?(?=[^\W\d_]) | :::+\s?\w{1,20}\s++
      | !\s++(?=[^!\n]{1,100}!!) | \\item(?:\[[^\]\n]{0,60}\])?\s++ | (?:h[1-6]|bq)\.\s++
      | (?P<rule>[-~+*=])(?P=rule){1,30}\s++(?=\S) | Dialogue:\s?\d+,(?:[^,]{0,60}+,){8}
      | "[\w.\-]{1,60}"\s?[:=]\s?(?:"(?=[^"]{1,2000}"[,;]?\s*$)|\[(?=\s?"[^\[\]]{1,2000}"\s?\][,;]?\s*$))
      | (?:msgid(?:_plural)?|msgstr(?:\[\d\])?|msgctxt)\s"(?=[^"]{1,2000}"\s*$)
      | (?:(?<=[ ]{2})[a-z]\w{0,40}|[a-z]\w{0,30}[._\-][\w.\-]{1,30}):\s(?P<quote>["'])
        (?=(?:(?!(?P=quote)).){1,2000}(?P=quote)\s*$)
    )){1,8}+""",
    re.X,
)
_STRUCTURED = re.compile(
    r"""^\s*(?:[>#*+•‣◦–—\-=~`:\[("$\\]|\.\. |\d{1,3}[.)]\s|[a-zA-Z]\)\s|[\w\-]{1,40}\.[\w.\-]{1,80}\s?="""
    r"""|msg\w{2,5}\s|[a-z][\w.\-]{0,40}:\s["']|[^,\n]{1,200},[^\s,][^,\n]{0,200},\S|[!?]{3}|Dialogue:|WEBVTT|(?:h[1-6]|bq)\.\s|[\d:.,]{6,12}\s-->)""",
    re.M,
)
# Lines that are no language at all: calls of commands, boxes of markdown, times of subtitles.
_KEPT = re.compile(
    r"\s*(?:>\s?){0,8}(?:(?:SELECT\s.{1,300}\sFROM|INSERT\sINTO|UPDATE\s\w{1,40}\sSET|DELETE\sFROM|(?:CREATE|ALTER|DROP)\s[A-Z]{4,12})\s.*"
    r"|(?:(?:if|for|while|switch)\s?\(.{1,300}\).{0,300}[;{}]|(?:const|let|var)\s\w{1,40}\s?=.*|\#include\s[<\"].*"
    r"|import\s.{1,200}\sfrom\s['\"].*|(?:def|function)\s\w{1,40}\(.*\)\s?[:{].*|return\s[^\s;]{1,80};)|\$\s\S.*|:::+\s?[\w\-]*|msg\w{2,9}(?:\[\d\])?\s\"\"|\[![A-Z]{3,12}\][+\-]?|WEBVTT(?:\s.*)?|(?:\d{1,3}:)?\d\d:\d\d[.,]\d{1,3}\s*-->.*)\s*$"
)
_ENDING = re.compile(r"\s+#{1,6}\s*$|(?<=\S)\s*={2,6}\s*$|\s*\{#[\w\-]{1,60}\}\s*$")
_END_OF_RULE = re.compile(r"(?<=\S)\s+([-~+*])\1+\s*$")
_END_OF_VALUE = re.compile(r"(?:[\"']|(?<=[\"'])\s?\])[,;]?\s*$")
# Lines that begin with one of these may end with a sign, too; those with the key of a value do.
_ENDINGS = {"#": _ENDING, "=": _ENDING, '"': _END_OF_VALUE, "!": _END_OF_VALUE} | dict.fromkeys("-~+*", _END_OF_RULE)
_KEY = re.compile(r"\s*[a-z][\w.\-\[\]]{0,40}:?\s[\"']\Z")
# A line of values: no space behind the commas, few words in each.
_VALUE = r"""(?:"[^"\n]{0,200}"|[^\s",;!?]{1,40}(?:[ ][^\s",]{1,40}){0,3}|)"""
_VALUES = compile_expression(
    rf"(?=.{{0,4000}}[^\W\d_],[^\W_])(?!.{{0,4000}}\d,\d{{3}}(?!\d)){_VALUE}(?:,{_VALUE}){{2,60}}+\Z"
)
_CELL = re.compile(r"""(?:"[^"\n]{0,200}"|[^,"])+|,""")
_MIN_COMMAS = 2
_HTML_BLOCKS = (("<!--", "-->"), ("<script", "</script>"), ("<style", "</style>"))


def read_tokens(source: str, options: Options) -> list[Token]:
    """The tokens of `source`; joined they are `source`."""
    if options.kind == "text":
        return list(
            _read_lines(source, options) if options.line_borders else split_marks(source, "text", options.unreadable)
        )
    tokens: list[Token] = []
    for token in tokenize(source, options.kind):
        tokens += split_marks(token.text, options.kind, options.unreadable) if token.kind == "text" else [token]
    return tokens


def may_be_marked(text: str) -> bool:
    """Whether plain text may have marks, or a line that begins with something that is no language; quick always."""
    return may_have_marks(text) or _STRUCTURED.search(text) is not None


@dataclass
class _Block:
    """What the lines so far have opened.

    Attributes:
        fence: what closes the fence of code; empty outside.
        closing: what closes a comment or script that goes over lines.
        indented: whether lines that begin with a space belong to a directive that is code.
        is_matter: whether the lines are front matter.
    """

    fence: str = ""
    closing: str = ""
    indented: bool = False
    is_matter: bool = False


def _read_lines(source: str, options: Options) -> Iterator[Token]:
    """Line ends and the tokens of the lines between."""
    lines = LINES.findall(source)
    block = _Block(is_matter=_has_front_matter(lines))
    last_of = {closing: _last_with(lines, closing) for _, closing in _HTML_BLOCKS}
    for number, line in enumerate(lines):
        if line[0] in LINE_ENDS:
            yield Token("border", line)
            continue
        begins, ends = _cut(line, block, number, lines, last_of)
        if begins:
            yield Token("border", line[:begins])
        for cell in _cells(line[begins:ends]):
            yield from (Token("border", ","),) if cell == "," else split_marks(cell, "text", options.unreadable)
        if ends < len(line):
            yield Token("border", line[ends:])


def _cut(line: str, block: _Block, number: int, lines: Sequence[str], last_of: dict[str, int]) -> tuple[int, int]:
    """From where to where `line` is language; from end to end if it is kept."""
    kept = len(line), len(line)
    if block.closing:
        if block.closing in line.lower():
            end = line.lower().index(block.closing) + len(block.closing)
            block.closing = ""
            return end, len(line)
        return kept
    if block.is_matter:
        if number and line.strip() in _MATTER_ENDS:
            block.is_matter = False
            return kept
        key = _FRONT_MATTER_KEY.match(line)
        return (key.end(), len(line.rstrip("\"' "))) if key and key.end() < len(line) else kept
    if not block.fence and _KEPT.match(line):
        return kept
    fence = _FENCE.match(line)
    if block.fence or fence:
        _turn(block, fence, line, number, lines)
        return kept if block.fence or fence else (0, len(line))
    if block.indented and line[0] == " ":
        return kept
    block.indented = False
    if (directive := _DIRECTIVE.match(line)) is not None:
        name = directive.group().strip(". :")
        block.indented = name in _CODE_DIRECTIVES
        return kept if block.indented else (directive.end(), len(line))
    for opening, closing in _HTML_BLOCKS:
        at = line.lower().rfind(opening) if "<" in line else -1
        if at >= 0 and closing not in line.lower()[at:] and last_of[closing] > number:
            block.closing = closing
            return kept if at == 0 else (_beginning(line), at)
    begins = _beginning(line)
    expression = _END_OF_VALUE if begins and _KEY.match(line[:begins]) else _ENDINGS.get(line.lstrip()[:1])
    expression = expression if begins else None
    ending = expression.search(line, max(begins, len(line) - 80)) if expression else None
    return begins, ending.start() if ending else len(line)


def _cells(line: str) -> Sequence[str]:
    """The values of a line of such, and the commas between them; of any other the line itself."""
    if line.count(",") < _MIN_COMMAS or not _VALUES.match(line):
        return (line,)
    return [match.group() for match in _CELL.finditer(line)]


def _beginning(line: str) -> int:
    """Where language begins in `line`: behind the sign of an item, heading or quote."""
    found = _BEGINNING.match(line)
    return found.end() if found and _LETTER.search(line, found.end()) else 0


def _turn(block: _Block, fence: "re.Match[str] | None", line: str, number: int, lines: Sequence[str]) -> None:
    """Open or close a fence, if it is one that is closed at all."""
    if not fence:
        return
    sign = fence.group(1)
    if not block.fence:
        if "`" not in line[fence.end() :] or sign[0] == "~":
            block.fence = sign
    elif sign.startswith(block.fence) and not line[fence.end() :].strip():
        block.fence = ""


def _has_front_matter(lines: Sequence[str]) -> bool:
    if len(lines) < 3 or lines[0] not in ("---", "+++") or lines[0] not in lines[2:200]:
        return False
    sign = ":" if lines[0] == "---" else "="
    return any(sign in line for line in lines[1:4])


def _last_with(lines: Sequence[str], closing: str) -> int:
    return max((number for number, line in enumerate(lines) if closing in line.lower()), default=-1)
