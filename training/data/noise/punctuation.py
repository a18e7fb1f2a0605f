"""How lines end, and which quotes they have."""

import re
from random import Random

from training.data.noise.pair import Edit, Linker, Pair, Span, edit

# Opening and closing, as printed in a language; others keep theirs.
PRINTED = {"de": ("„", "“"), "en": ("“", "”")}
PLAIN = ('"', '"')
_QUOTE = re.compile('["„“”«»]')
_END = re.compile(r"[.!?]\Z")
_DOUBLED = {".": ("...", "!", "…", "!!", ".."), "!": ("!!", "!!!", "."), "?": ("??", "?!", "???")}
_ADDED = (".", "!", ":", "...", ",")


def change_ending(pair: Pair, _linker: Linker, rng: Random) -> Pair | None:
    """The mark that both lines end with left out, doubled or another one; one added where neither has any."""
    one, other = pair.texts
    ends = _END.search(one), _END.search(other)
    if not ends[0] and not ends[1] and one[-1:].isalnum() and other[-1:].isalnum():
        added = rng.choice(_ADDED)
        return pair.each(lambda text: text + added)
    if not ends[0] or not ends[1] or ends[0][0] != ends[1][0] or one[-2:-1] in ".!?" or other[-2:-1] in ".!?":
        return None
    new = "" if rng.random() < 0.5 else rng.choice(_DOUBLED[ends[0][0]])
    return pair.each(lambda text: text[:-1] + new)


def change_quotes(pair: Pair, linker: Linker, rng: Random) -> Pair | None:
    """Quotes of both lines printed or plain; where there are none, around words that stand for each other."""
    printed = rng.random() < 0.6
    styles = [PRINTED.get(language, PLAIN) if printed else PLAIN for language in pair.languages]
    counts = [len(_QUOTE.findall(text)) for text in pair.texts]
    if any(counts):
        if counts[0] != counts[1] or counts[0] % 2:
            return None
        return pair.having(*(_restyle(text, style) for text, style in zip(pair.texts, styles, strict=True)))
    links = linker.links(pair) if rng.random() < 0.8 else []
    spans = (lambda link: (link.one, link.other))(rng.choice(links)) if links else [(0, len(t)) for t in pair.texts]
    return pair.edit(*(_wrap(span, style) for span, style in zip(spans, styles, strict=True)))


def _restyle(text: str, style: tuple[str, str]) -> str:
    places = [match.span() for match in _QUOTE.finditer(text)]
    return edit(text, [(*place, style[number % 2]) for number, place in enumerate(places)])


def _wrap(span: Span, style: tuple[str, str]) -> list[Edit]:
    return [(span[0], span[0], style[0]), (span[1], span[1], style[1])]
