"""Glossaries: a source term becomes the target term that was given for it, surely and literally.

Each occurrence is taken out, and an element stands for it that tells the term. `server.markup` shows the term to the
model, so that the sentence is translated as it would be without a glossary, and the element takes the place of what
the term became (`server.translation.exchange`). Where that place is not sure the model is shown a stand-in for it, a
word that it copies, or at last a sentence with a hole. Afterwards the target term takes the element's place: so it is
there once for each of its occurrences, whatever the model would have written, in the case that its place asks for.
Pure functions.
"""

import html
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate

from server.markup import Options
from server.markup.rules import is_ignored
from server.markup.tokens import pair_tags, tokenize
from server.text.articles import choose_article
from server.text.casing import capitalise, is_shouted, shout
from server.text.expressions import compile_expression

# A word, an entity, or any other character.
_WORD = re.compile(r"&(?:#?\w++);|\w++|\W")
_LETTER = re.compile(r"\w")
# What a sentence begins behind: the end of one with its space, or of a tag, and quotes. Before a full stop is a word of
# some length, or it might be that of an abbreviation.
_BEGINNING = compile_expression(r"""(?:\A|(?:\w{3}|>)[.!?…]["'”’)]?\s+)(?:<[^<>]*+>|["'(“„‚‘¿¡])*+\Z""")
_NEAR = 300
_NAME = "ferry-term"
# An element, and an article before it.
_ELEMENT = compile_expression(
    rf"""(?:(?<![\w'’-])(?P<article>[Aa]n?|AN) (?P<between>(?:<(?!{_NAME})[^<>]*+>|["'“‘(])*+))?"""
    rf"""(?P<element><{_NAME} n="(?P<number>\d+)" reads="(?P<written>[^"<>]*+)"></{_NAME}>)"""
)
_TAG = re.compile(r"<[^<>]*>")
_SENTENCE_END = re.compile(r"[.!?…:]\s|\n")


@dataclass(frozen=True)
class Prepared:
    """A text whose terms are in elements.

    Attributes:
        text: markup of `options`.
        targets: what stands for element n in the end, one for each occurrence.
        is_plain: whether the text was plain, and shall be again.
        is_capital: whether the text begins with a capital letter.
    """

    text: str
    options: Options
    targets: tuple[str, ...]
    is_plain: bool
    is_capital: bool = False

    def restore(self, translated: str, language: str = "") -> str:
        """The translation of `text` with the target terms in it.

        The first word of a sentence has a capital letter, one in capitals has capitals; in English an article fits.

        Args:
            translated: with an element for each term.
            language: that it is in; empty where that is not known.
        """
        filled = self._fill(translated, language, partial(html.escape, quote=False))
        return html.unescape(filled) if self.is_plain else filled

    def restore_sentence(self, translated: str, language: str = "") -> str:
        """The same of one sentence, as it is read: without tags but those of terms, its entities decoded."""
        return self._fill(translated, language, str)

    def show_source(self, sentence: str) -> str:
        """A sentence of `text`, as it is read, with the source terms in it."""

        def source(match: re.Match[str]) -> str:
            if int(match["number"][:9]) >= len(self.targets):
                return match.group()
            before = match.string[match.start() : match.start("element")]
            return before + html.unescape(match["written"])

        return _ELEMENT.sub(source, sentence)

    def _fill(self, translated: str, language: str, write: Callable[[str], str]) -> str:
        """`translated` with the target terms in it, as `write` writes them."""

        def target(match: re.Match[str]) -> str:
            number = int(match["number"][:9])
            if number >= len(self.targets):  # the caller's own text may hold such an element, which then stays
                return match.group()
            found = self._in_its_case(self.targets[number], match)
            article, between = match["article"] or "", match["between"] or ""
            if article and language.lower().startswith("en"):
                article = choose_article(article, found)
            found = write(found)
            return f"{article} {between}{found}" if article else found

        return _ELEMENT.sub(target, translated)

    def _in_its_case(self, target: str, match: re.Match[str]) -> str:
        start, end = match.span("element")
        if match["written"].isupper() and is_shouted(_sentence_around(match.string, start, end, match["written"])):
            return shout(target)
        if self.is_capital and _BEGINNING.search(match.string, max(start - _NEAR, 0), start):
            return capitalise(target)
        return target


def _sentence_around(text: str, start: int, end: int, written: str) -> str:
    """The sentence of `text` with `written` for what is from `start` to `end`, without tags."""
    before = _SENTENCE_END.split(_TAG.sub("", text[max(start - _NEAR, 0) : start]))[-1]
    behind = _SENTENCE_END.split(_TAG.sub("", text[end : end + _NEAR]))[0]
    return html.unescape(before + written + behind)


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

    def take_out(self, text: str, element: Callable[[str, str], str]) -> str:
        """`text` with `element(as written, target)` for each source term in it, the longest where several begin."""
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
                    pieces.append(element("".join(words[number:end]), target))
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
    numbers: dict[str, int] = {}

    def element(written: str, target: str) -> str:
        number = numbers.setdefault(written, len(found))  # what is written alike stands for the same
        found.append(target)
        reads = written.replace('"', "&quot;")
        return f'<{_NAME} n="{number}" reads="{reads}"></{_NAME}>'

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
    kept = replace(options, ignore_tags=options.ignore_tags | {_NAME}, term_tags=frozenset({_NAME}))
    first = next((char for token in tokens if token.kind == "text" for char in token.text if char.isalpha()), "")
    return Prepared("".join(pieces), kept, tuple(found), is_plain, first.isupper())
