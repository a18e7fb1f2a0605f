"""What the tags mean: which are kept with their content, which end a sentence, which belong together."""

import re
from collections.abc import Sequence

from server.markup.options import Options
from server.markup.tokens import BLOCK_ELEMENTS, KNOWN_ELEMENTS, Token

# What is shown but not language.
_NOT_LANGUAGE = frozenset(("code", "kbd", "samp", "var", "math", "svg", "script", "style", "[code"))
_NEVER_SHOWN = frozenset(("script", "style"))
_INLINE_SHORTCODES = frozenset(
    ("[b", "[i", "[u", "[s", "[url", "[color", "[size", "[font", "[em", "[strong", "[email", "[link")
)
_SHOWN_EMPTY = frozenset(("img", "input", "embed"))
_BREAKS = frozenset(("br", "lb", "pb", "hr", "tab"))
_PREFORMATTED = frozenset(("pre", "textarea"))

_ATTRIBUTE = re.compile(r"""([^\s"'<>/=]++)(?:\s*+=\s*+("[^"]*+"|'[^']*+'|[^\s"'>]++))?""")


def is_ignored(token: Token, options: Options) -> bool:
    """Whether the element that starts here is kept as it is."""
    if token.kind not in ("start", "empty"):
        return False
    if token.name in options.ignore_tags:
        return True
    if token.name == "mlang":
        return bool(options.target) and options.target.lower() in token.text.lower().split("mlang")[1]
    return options.kind != "xml" and (token.name in _NOT_LANGUAGE or _says_no(token.text, options.target))


def is_preformatted(token: Token, options: Options) -> bool:
    """Whether white space inside this element means something; in xml it always may."""
    return options.kind != "xml" and token.name in _PREFORMATTED


def is_shown(token: Token, options: Options) -> bool:
    """Whether a tag or an element without text of ours takes a place in the sentence as a word does.

    An element with nothing in it does: xml's placeholders are written so, and html's icons.
    """
    if token.kind in ("raw", "other", "doctype", "border") or (token.kind == "kept" and token.name in _NEVER_SHOWN):
        return False
    if token.kind in ("mark", "message"):
        return True
    return token.kind != "empty" or token.name in _SHOWN_EMPTY or _is_placeholder(token, options)


def is_noun(token: Token, options: Options) -> bool:
    """Whether the model had better read a word for what is shown here: a name, or something with one.

    Pictures and icons of html stand beside their words, and say nothing that a sentence would lack without them.
    """
    if token.kind in ("kept", "mark", "message"):
        return True
    return token.name not in _BREAKS and (options.kind == "xml" or _is_placeholder(token, options))


def _is_placeholder(token: Token, options: Options) -> bool:
    """Whether an empty element may stand for a word: any of xml; in plain text those that html has not, as `<ph/>`."""
    is_unknown = token.kind == "empty" and token.name not in KNOWN_ELEMENTS
    return options.kind == "xml" or (options.kind == "text" and is_unknown)


def splitting_names(tokens: Sequence[Token], partner: dict[int, int], options: Options) -> frozenset[str]:
    """The names of the tags in `tokens` that end a sentence; `partner` is from `pair_tags`."""
    names = {token.name for token in tokens if token.name}
    chosen = names & options.splitting_tags
    shortcodes = {name for name in names if name[0] == "["}
    if options.kind != "xml":
        chosen |= names & BLOCK_ELEMENTS
    elif options.outline_detection:
        kept = {token.name for token in tokens if token.kind == "kept"}
        chosen |= names - kept - shortcodes - _names_beside_text(tokens, partner)
    chosen |= (shortcodes - _INLINE_SHORTCODES) | (names & {"mlang"})
    return frozenset(chosen - options.non_splitting_tags)


def _names_beside_text(tokens: Sequence[Token], partner: dict[int, int]) -> set[str]:
    """The names of elements that have text before or after them within the same parent, once at least."""
    inside: list[tuple[set[str], bool]] = [(set(), False)]
    beside: set[str] = set()
    for index, token in enumerate(tokens):
        names, has_text = inside[-1]
        if token.kind in ("text", "cdata", "mark", "message"):
            inside[-1] = names, has_text or bool(token.text.strip())
        elif token.kind in ("start", "empty", "hollow"):
            names.add(token.name)
            if index in partner and token.kind == "start":
                inside.append((set(), False))
        elif token.kind == "end" and index in partner:
            if has_text:
                beside |= names
            inside.pop()
        elif token.kind == "end":
            names.add(token.name)
    for names, has_text in inside:
        if has_text:
            beside |= names
    return beside


def _says_no(tag: str, target: str) -> bool:
    """Whether html's tag says that its element is not to be translated, or that it is in the `target` language."""
    lower = tag.lower()
    if "translate" not in lower and "lang" not in lower:
        return False
    for name, value in _ATTRIBUTE.findall(lower):
        plain = value.strip("\"'")
        if (name == "translate" and plain == "no") or (name == "class" and "notranslate" in plain.split()):
            return True
        if name in ("lang", "xml:lang") and target and plain.partition("-")[0] == target.lower().partition("-")[0]:
            return not lower.startswith("<html")
    return False
