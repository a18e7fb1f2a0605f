"""Html as this dialect's clients get it back: what of the text could be read as markup is written as references."""

import re

from server.markup.entities import REFERENCE
from server.markup.tokens import tokenize

_SPECIAL = re.compile(rf"{REFERENCE.pattern}|[&<>'\"]")
_REFERENCES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "'": "&#39;", '"': "&quot;"}


def escape_text(html: str) -> str:
    """`html` with references for quotes and all else that is special in its text; tags, and references, stay."""
    tokens = tokenize(html, "html")
    return "".join(_SPECIAL.sub(_escape, each.text) if each.kind == "text" else each.text for each in tokens)


def _escape(found: re.Match[str]) -> str:
    return _REFERENCES.get(found[0], found[0])
