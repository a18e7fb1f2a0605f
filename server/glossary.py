"""Glossaries: a source term becomes the target term that was given for it, surely and literally.

Each occurrence is taken out of the text before translation and an empty element stands for it, which the rules of
`server.markup` put at the place that the alignment tells; afterwards the target term takes the element's place. So the
term is there once for each of its occurrences, whatever the model would have written. The price: the model does not see
the word, so what stands around it may agree less well with it. Pure functions.
"""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from server.markup import Options
from server.markup.rules import is_ignored, pair_tags
from server.markup.tokens import tokenize

_ELEMENT = re.compile(r'<ferry-term n="(\d+)"></ferry-term>')


@dataclass(frozen=True)
class Prepared:
    """A text whose terms are taken out.

    Attributes:
        text: markup of `options`.
        targets: what stands for element n in the end.
        is_plain: whether the text was plain, and shall be again.
    """

    text: str
    options: Options
    targets: tuple[str, ...]
    is_plain: bool

    def restore(self, translated: str) -> str:
        """The translation of `text` with the target terms in it."""

        def target(match: re.Match[str]) -> str:
            number = int(match.group(1)[:9])
            # The caller's own text may hold such an element, which then stays.
            return html.escape(self.targets[number], quote=False) if number < len(self.targets) else match.group()

        filled = _ELEMENT.sub(target, translated)
        return html.unescape(filled) if self.is_plain else filled


def take_out_terms(text: str, options: Options | None, terms: Mapping[str, str]) -> Prepared:
    """`text` with an element for every occurrence of a source term of `terms`, the longest where several begin.

    Terms are found as whole words, in any case, and never inside tags or what is not to be translated.

    Args:
        options: of the text's markup; None for plain text.
    """
    is_plain = options is None
    if options is None:
        text, options = html.escape(text, quote=False), Options(kind="xml", outline_detection=False)
    found: list[str] = []
    by_folded = {source.casefold(): target for source, target in terms.items()}
    pattern = _pattern(terms)

    def element(match: re.Match[str]) -> str:
        found.append(by_folded[html.unescape(match.group()).casefold()])
        return f'<ferry-term n="{len(found) - 1}"></ferry-term>'

    tokens = tokenize(text, options.kind)
    partner = pair_tags(tokens)
    pieces: list[str] = []
    kept_until = -1
    for index, token in enumerate(tokens):
        if token.kind == "start" and is_ignored(token, options):
            kept_until = max(kept_until, partner.get(index, -1))
        is_language = token.kind == "text" and index > kept_until
        pieces.append(pattern.sub(element, token.text) if is_language else token.text)
    # Kept in one piece, it takes the place of a word, with spaces where the word had them.
    kept = replace(options, ignore_tags=options.ignore_tags | {"ferry-term"})
    return Prepared("".join(pieces), kept, tuple(found), is_plain)


def _pattern(terms: Mapping[str, str]) -> re.Pattern[str]:
    """Any of the source terms as whole words; in markup, their escaped form."""
    longest_first = sorted((html.escape(term, quote=False) for term in terms), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)
