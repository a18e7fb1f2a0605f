"""Glossaries: a source term becomes the target term that was given for it, surely and literally.

Each occurrence is taken out of the text before translation and an empty element stands for it, which `server.markup`
shows to the model as a stand-in, a word that it copies, or puts where the alignment says; afterwards the target term
takes the element's place. So the term is there once for each of its occurrences, whatever the model would have written.
The price: the model does not see the word, so what stands around it may agree less well with it. Pure functions.
"""

import html
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from server.markup import Options
from server.markup.rules import is_ignored
from server.markup.tokens import pair_tags, tokenize
from server.text.casing import capitalise
from server.text.expressions import compile_expression

# A word, an entity, or any other character.
_WORD = re.compile(r"&(?:#?\w++);|\w++|\W")
_LETTER = re.compile(r"\w")
# What a sentence begins behind: the end of one with its space, or of a tag, and quotes. Before a full stop is a word of
# some length, or it might be that of an abbreviation.
_BEGINNING = compile_expression(r"""(?:\A|(?:\w{3}|>)[.!?…]["'”’)]?\s+)(?:<[^<>]*+>|["'(“„‚‘¿¡])*+\Z""")
_NEAR = 300
_ELEMENT = re.compile(r'<ferry-term n="(\d+)"></ferry-term>')


@dataclass(frozen=True)
class Prepared:
    """A text whose terms are taken out.

    Attributes:
        text: markup of `options`.
        targets: what stands for element n in the end.
        is_plain: whether the text was plain, and shall be again.
        is_capital: whether the text begins with a capital letter.
    """

    text: str
    options: Options
    targets: tuple[str, ...]
    is_plain: bool
    is_capital: bool = False

    def restore(self, translated: str) -> str:
        """The translation of `text` with the target terms in it, a first word with the capital letter it needs."""

        def target(match: re.Match[str]) -> str:
            number = int(match.group(1)[:9])
            if number >= len(self.targets):  # the caller's own text may hold such an element, which then stays
                return match.group()
            found = self.targets[number]
            if self.is_capital and _BEGINNING.search(match.string, max(match.start() - _NEAR, 0), match.start()):
                found = capitalise(found)
            return html.escape(found, quote=False)

        filled = _ELEMENT.sub(target, translated)
        return html.unescape(filled) if self.is_plain else filled


class Terms:
    """Source terms and what they must become, found by their words: more of them hardly take longer."""

    def __init__(self, terms: Mapping[str, str]) -> None:
        """Terms that differ in nothing but case are one; the last counts."""
        # In markup, a text has them escaped.
        self._targets = {html.escape(source, quote=False).casefold(): target for source, target in terms.items()}
        lengths: dict[str, set[int]] = {}
        for source in self._targets:
            lengths.setdefault(_WORD.findall(source)[0], set()).add(len(source))
        self._lengths = {word: sorted(each, reverse=True) for word, each in lengths.items()}

    def take_out(self, text: str, element: Callable[[str], str]) -> str:
        """`text` with `element(target)` for each source term in it, the longest where several begin."""
        words = _WORD.findall(text)
        folded = [word.casefold() for word in words]
        whole = "".join(folded)
        starts = list(accumulate(map(len, folded), initial=0))
        number_at = {start: number for number, start in enumerate(starts)}
        pieces: list[str] = []
        number = 0
        while number < len(words):
            for length in self._lengths.get(folded[number], ()):
                end = number_at.get(starts[number] + length)
                target = self._targets.get(whole[starts[number] : starts[number] + length])
                if end is not None and target is not None and _stand_alone(words, number, end):
                    pieces.append(element(target))
                    number = end
                    break
            else:
                pieces.append(words[number])
                number += 1
        return "".join(pieces)


def _stand_alone(words: Sequence[str], first: int, end: int) -> bool:
    """Whether there is no letter or digit right before or behind these words."""
    before = words[first - 1][-1] if first else ""
    behind = words[end][0] if end < len(words) else ""
    return _LETTER.search(before + behind) is None


def take_out_terms(text: str, options: Options | None, terms: Terms) -> Prepared:
    """`text` with an element for every occurrence of a source term, the longest where several begin.

    Terms are found as whole words, in any case, and never inside tags or what is not to be translated.

    Args:
        text: plain, or markup of `options`.
        options: of the text's markup; None for plain text.
        terms: to look for.
    """
    is_plain = options is None
    if options is None:
        text, options = html.escape(text, quote=False), Options(kind="xml", outline_detection=False)
    found: list[str] = []

    def element(target: str) -> str:
        found.append(target)
        return f'<ferry-term n="{len(found) - 1}"></ferry-term>'

    tokens = tokenize(text, options.kind)
    partner = pair_tags(tokens)
    pieces: list[str] = []
    kept_until = -1
    for index, token in enumerate(tokens):
        if token.kind == "start" and is_ignored(token, options):
            kept_until = max(kept_until, partner.get(index, -1))
        is_language = token.kind == "text" and index > kept_until
        pieces.append(terms.take_out(token.text, element) if is_language else token.text)
    # Kept in one piece, it takes the place of a word, with spaces where the word had them.
    kept = replace(options, ignore_tags=options.ignore_tags | {"ferry-term"})
    first = next((char for token in tokens if token.kind == "text" for char in token.text if char.isalpha()), "")
    return Prepared("".join(pieces), kept, tuple(found), is_plain, first.isupper())
