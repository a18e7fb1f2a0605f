"""Entities: read for the model, and written again as the source wrote them."""

import html
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from server.markup.options import Kind, Options

REFERENCE = re.compile(r"&(?:#[0-9]{1,8}+|#[xX][0-9a-fA-F]{1,6}+|[A-Za-z][A-Za-z0-9]{0,40}+);")
_XML_NAMES = frozenset(("&amp;", "&lt;", "&gt;", "&quot;", "&apos;"))
_ALWAYS = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_UNSAFE_AFTER_LESS = re.compile(r"[\w:/!?]")

# For each character that the source wrote as an entity somewhere (and always for &, < and >): how it wrote its
# first, second, ... occurrence.
Forms = Mapping[str, Sequence[str]]


def decode(reference: str, options: Options) -> str | None:
    """The one character of text that `reference` means; None if it is to be kept as it is.

    Kept are entities that we do not know (xml's own are never expanded), what the translator cannot read, and what is
    no text: control characters and line breaks, which would not come back from the model.
    """
    if options.kind == "xml" and reference[1] != "#" and reference not in _XML_NAMES:
        return None
    char = html.unescape(reference)
    if len(char) != 1 or char == "\ufffd" or (char.isspace() and not _is_text_space(char)) or char < " ":
        return None
    if char in options.unreadable:
        return None
    return char


def is_known(reference: str) -> bool:
    """Whether `reference` is one of html's, and not only a word between `&` and `;`."""
    return reference[1] == "#" or html.unescape(reference) != reference


def _is_text_space(char: str) -> bool:
    return char == "\xa0" or "\u2000" <= char <= "\u200a" or char in "\u202f\u205f\u3000"


def find_forms(literals_and_references: Sequence[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """The forms in a text given as (raw, decoded) pieces, in order."""
    chars = {decoded for raw, decoded in literals_and_references if raw != decoded} | set(_ALWAYS)
    forms: dict[str, list[str]] = {}
    for raw, decoded in literals_and_references:
        if decoded in chars:
            forms.setdefault(decoded, []).append(raw)
        else:
            for char in decoded:
                if char in chars:
                    forms.setdefault(char, []).append(char)
    return {char: tuple(written) for char, written in forms.items()}


class Escaper:
    """Writes the text of one chunk, run by run; the n-th `"` is written as the source wrote its n-th.

    A character that the source wrote both ways thus keeps both where nothing moved, and no other than the source's
    way of writing appears. `strict` writes &, < and > as entities, whatever the source did.
    """

    def __init__(self, forms: Forms, kind: Kind, strict: bool = False) -> None:
        self.forms = forms
        self.strict = strict
        self.seen: Counter[str] = Counter()
        # Plain text has entities only where the source wrote some.
        plain = (char for char, written in forms.items() if any(form != char for form in written))
        chars = "".join(plain if kind == "text" else {*_ALWAYS, *forms})
        self.special = re.compile(f"[{re.escape(chars)}]") if chars else None

    def escape(self, run: str) -> str:
        """`run` as markup; what follows it is a tag, a placeholder or the end."""
        return self.special.sub(self._write, run) if self.special else run

    def _write(self, match: re.Match[str]) -> str:
        char = match.group()
        forms = self.forms.get(char) or (_ALWAYS.get(char, char),)
        form = forms[min(self.seen[char], len(forms) - 1)]
        self.seen[char] += 1
        if form == char and char in _ALWAYS and (self.strict or _is_unsafe(match.string, match.start())):
            return _ALWAYS[char]
        return form


def _is_unsafe(run: str, at: int) -> bool:
    """Whether the bare `<` or `&` at `at` might be read as the beginning of a tag or an entity."""
    if run[at] == "<":
        return at + 1 == len(run) or _UNSAFE_AFTER_LESS.match(run, at + 1) is not None
    if run[at] == "&":
        return at + 1 == len(run) or REFERENCE.match(run, at) is not None
    return False
