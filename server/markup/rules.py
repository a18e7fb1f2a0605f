"""What the tags mean: which are kept with their content, which end a sentence, which belong together."""

import re
from collections import Counter
from collections.abc import Sequence

from server.markup.options import Options
from server.markup.tokens import Token

# What ends a sentence in html, and what is shown but not language.
_BLOCK_NAMES = (
    "address article aside audio base blockquote body br button canvas caption center col colgroup dd details "
    "dialog dir div dl dt fieldset figcaption figure footer form frame frameset h1 h2 h3 h4 h5 h6 head header "
    "hgroup hr html iframe legend li link main menu meta nav noembed noframes noscript object ol optgroup "
    "option p param picture pre section select source summary table tbody td template textarea tfoot th thead "
    "title tr track ul video xmp"
)
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_NOT_LANGUAGE = frozenset(("code", "kbd", "samp", "var", "math", "svg"))
_SHOWN_EMPTY = frozenset(("img", "input", "embed"))
_BREAKS = frozenset(("br", "lb", "pb", "hr", "tab"))
_PREFORMATTED = frozenset(("pre", "textarea"))

_ATTRIBUTE = re.compile(r"""([^\s"'<>/=]++)(?:\s*+=\s*+("[^"]*+"|'[^']*+'|[^\s"'>]++))?+""")


def is_ignored(token: Token, options: Options) -> bool:
    """Whether the element that starts here is kept as it is."""
    if token.kind not in ("start", "empty"):
        return False
    if token.name in options.ignore_tags:
        return True
    return options.kind == "html" and (token.name in _NOT_LANGUAGE or _says_no(token.text))


def is_preformatted(token: Token, options: Options) -> bool:
    """Whether white space inside this element means something; in xml it always may."""
    return options.kind == "html" and token.name in _PREFORMATTED


def is_shown(token: Token, options: Options) -> bool:
    """Whether a tag or an element without text of ours takes a place in the sentence as a word does.

    An element with nothing in it does: xml's placeholders are written so, and html's icons.
    """
    if token.kind in ("raw", "other", "doctype"):
        return False
    return options.kind == "xml" or token.kind != "empty" or token.name in _SHOWN_EMPTY


def is_noun(token: Token, options: Options) -> bool:
    """Whether the model had better read a word for what is shown here: a name, or something with one.

    Pictures and icons of html stand beside their words, and say nothing that a sentence would lack without them.
    """
    return token.kind == "kept" or (options.kind == "xml" and token.name not in _BREAKS)


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


def splitting_names(tokens: Sequence[Token], partner: dict[int, int], options: Options) -> frozenset[str]:
    """The names of the tags in `tokens` that end a sentence; `partner` is from `pair_tags`."""
    names = {token.name for token in tokens if token.name}
    chosen = names & options.splitting_tags
    if options.kind == "html":
        chosen |= names & _BLOCKS
    elif options.outline_detection:
        kept = {token.name for token in tokens if token.kind == "kept"}
        chosen |= names - kept - _names_beside_text(tokens, partner)
    return frozenset(chosen - options.non_splitting_tags)


def _names_beside_text(tokens: Sequence[Token], partner: dict[int, int]) -> set[str]:
    """The names of elements that have text before or after them within the same parent, once at least."""
    inside: list[tuple[set[str], bool]] = [(set(), False)]
    beside: set[str] = set()
    for index, token in enumerate(tokens):
        names, has_text = inside[-1]
        if token.kind in ("text", "cdata"):
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


def _says_no(tag: str) -> bool:
    """Whether html's tag says that its element is not to be translated."""
    lower = tag.lower()
    if "translate" not in lower:
        return False
    for name, value in _ATTRIBUTE.findall(lower):
        plain = value.strip("\"'")
        if (name == "translate" and plain == "no") or (name == "class" and "notranslate" in plain.split()):
            return True
    return False
