"""Html and xml to a stream of tokens that joins to the source, character for character.

Where a tag begins and ends is as in browsers (quotes around values count, `1 < 2` is text), but nothing is repaired
or dropped, xml is read by the same rules, and entities are not looked at. Every scan is linear in the source: a
search that failed once is not repeated from a later place.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from server.markup.options import Kind
from server.text.expressions import compile_expression

# raw: an element whose content is no text, such as script, from tag to tag. kept: one that a request wants left alone.
# hollow: a start tag and its end tag with nothing between. other: comments and processing instructions. mark: a
# placeholder, address or the like, in text. message: a mark with language inside. border: what no sentence goes across.
TokenKind = Literal[
    "text", "start", "end", "empty", "hollow", "raw", "kept", "cdata", "doctype", "other", "mark", "message", "border"
]

_VOID_NAMES = "area base br col embed hr img input link meta param source track wbr"
VOID_ELEMENTS = frozenset(_VOID_NAMES.split())
_RAW_ELEMENTS = frozenset(("script", "style", "xmp", "iframe", "noembed", "noframes"))
_TEXT_ONLY_ELEMENTS = frozenset(("title", "textarea"))
_INLINE_NAMES = (
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark math meter output progress q rp "
    "rt ruby s samp small span strike strong sub sup svg template time tt u var c v lang"
)
_BLOCK_NAMES = (
    "address article aside audio base blockquote body br button canvas caption center col colgroup dd details "
    "dialog dir div dl dt fieldset figcaption figure footer form frame frameset h1 h2 h3 h4 h5 h6 head header "
    "hgroup hr html iframe legend li link main menu meta nav noembed noframes noscript object ol optgroup "
    "option p param picture pre script section select source style summary table tbody td template textarea tfoot th "
    "thead title tr track ul video xmp"
)
INLINE_ELEMENTS = frozenset(_INLINE_NAMES.split())
BLOCK_ELEMENTS = frozenset(_BLOCK_NAMES.split()) - {"script", "style"}
KNOWN_ELEMENTS = frozenset((*_INLINE_NAMES.split(), *_BLOCK_NAMES.split(), *_VOID_NAMES.split()))

# Digits are no names in a browser and in xml, but i18next writes `<0>`.
_NAME = {"html": r"(?:[A-Za-z]|\d{1,3}(?=[\s/>]))", "xml": r"(?:[A-Za-z_:\u0080-\U0010ffff]|\d{1,3}(?=[\s/>]))"}
_MARKUP = {kind: re.compile(rf"<(?:/?{first}|[!?]|/>)") for kind, first in _NAME.items()}
# A quote that is never closed is no quote: otherwise one of them would swallow the document.
_TAG = {
    kind: compile_expression(rf"""<(/?)({first}[^\s/>]*+)(?:[^>=]++|=\s*+(?:"[^"]*+"|'[^']*+')?+)*+>""")
    for kind, first in _NAME.items()
}
# Used once the other has failed, so that no character is read once for each `<` before it.
_SIMPLE_TAG = {kind: re.compile(rf"<(/?)({first}[^\s/<>]*+)[^<>]*+>") for kind, first in _NAME.items()}
_INTERNAL_SUBSET = compile_expression(r"""[^\[>]*+\[(?:[^\]"']++|"[^"]*+"|'[^']*+')*+\]\s*+>""")
_SUBSET_END = re.compile(r"\]\s*+>")


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the source; `name` is that of a tag or raw element, in lower case for html.

    Attributes:
        is_soft: whether a start or end without a partner is only text.
    """

    kind: TokenKind
    text: str
    name: str = ""
    is_soft: bool = False


def pair_tags(tokens: Sequence[Token]) -> dict[int, int]:
    """The index of each start tag to that of its end tag and back; tags that cross others or are alone have none."""
    partner: dict[int, int] = {}
    open_tags: list[int] = []
    num_open: Counter[str] = Counter()
    for index, token in enumerate(tokens):
        if token.kind == "start":
            open_tags.append(index)
            num_open[token.name] += 1
        elif token.kind == "end" and num_open[token.name]:
            start = open_tags.pop()
            while tokens[start].name != token.name:
                num_open[tokens[start].name] -= 1
                start = open_tags.pop()
            num_open[token.name] -= 1
            partner[start], partner[index] = index, start
    return partner


def tokenize(source: str, kind: Kind) -> list[Token]:
    """The tokens of `source`; joined they are `source`."""
    if kind == "text":
        return [Token("text", source)] if source else []
    return _Scanner(source, kind).scan()


class _Scanner:
    """One pass over a source."""

    def __init__(self, source: str, kind: Kind) -> None:
        self.source = source
        self.kind = kind
        self.tag = _TAG[kind]
        self.missing: set[str] = set()

    def scan(self) -> list[Token]:
        tokens: list[Token] = []
        done = at = 0
        while (begin := _MARKUP[self.kind].search(self.source, at)) is not None:
            found = self._token(begin.start())
            if found is None:
                at = begin.start() + 1
                continue
            if begin.start() > done:
                tokens.append(Token("text", self.source[done : begin.start()]))
            tokens.append(found)
            done = at = begin.start() + len(found.text)
        if done < len(self.source):
            tokens.append(Token("text", self.source[done:]))
        return tokens

    def _token(self, at: int) -> Token | None:
        """The token that begins with the `<` at `at`; None if that is only text."""
        source = self.source
        if source.startswith("<!--", at):
            # `<!-->` is a whole comment in html.
            return Token("other", source[at : self._end("-->", at + (2 if self.kind == "html" else 4))])
        if source.startswith("<![CDATA[", at):
            return Token("cdata", source[at : self._end("]]>", at + 9)])
        if source.startswith("<?", at):
            # In html it ends at the first `>`, but nobody who sends PHP code means that.
            needle = "?>" if self.kind == "xml" or source.startswith(("<?php", "<?="), at) else ">"
            return Token("other", source[at : self._end(needle, at + 2)])
        if source[at : at + 9].upper() == "<!DOCTYPE":
            return Token("doctype", source[at : self._doctype_end(at + 9)])
        if source.startswith(("<!", "</>"), at):
            return Token("other", source[at : self._end(">", at + 2)])
        return self._tag(at)

    def _tag(self, at: int) -> Token | None:
        match = self.tag.match(self.source, at)
        if match is None and self.tag is _TAG[self.kind]:
            self.tag = _SIMPLE_TAG[self.kind]
            match = self.tag.match(self.source, at)
        if match is None:
            return None
        text, name = match.group(), match.group(2)
        name = name.lower() if self.kind == "html" else name
        if match.group(1):
            return Token("end", text, name)
        if text.endswith("/>") or (self.kind == "html" and name in VOID_ELEMENTS):
            return Token("empty", text, name)
        if self.kind == "html" and (name in _RAW_ELEMENTS or name in _TEXT_ONLY_ELEMENTS):
            return self._element(at, match.end(), name)
        return Token("start", text, name)

    def _element(self, at: int, content: int, name: str) -> Token:
        """The whole element if its content is not for us: a script, or a title with something like a tag in it."""
        close = re.compile(rf"</{name}(?=[\s/>])", re.I).search(self.source, content)
        if name in _TEXT_ONLY_ELEMENTS and close and "<" not in self.source[content : close.start()]:
            return Token("start", self.source[at:content], name)
        end = self._end(">", close.end()) if close else len(self.source)
        return Token("raw", self.source[at:end], name)

    def _doctype_end(self, at: int) -> int:
        subset = self.source.find("[", at, self._end(">", at))
        if subset < 0:
            return self._end(">", at)
        match = _INTERNAL_SUBSET.match(self.source, at) or _SUBSET_END.search(self.source, subset)
        return match.end() if match else len(self.source)

    def _end(self, needle: str, at: int) -> int:
        """Where `needle`, searched for from `at`, ends; the end of the source if it is not there."""
        found = self._find(needle, at)
        return len(self.source) if found < 0 else found + len(needle)

    def _find(self, needle: str, at: int) -> int:
        if needle in self.missing:
            return -1
        found = self.source.find(needle, at)
        if found < 0:
            self.missing.add(needle)
        return found
