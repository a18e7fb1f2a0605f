"""How a sentence is shown to the model, and how its translation is written back.

A sentence in capitals is shown as people write, and its translation put into capitals: models have seen hardly any,
and copy them. What begins with a capital letter is translated to what does: a label has no full stop to say so.
Punctuation that the vocabulary lacks is shown as its plain counterpart. No length ever changes, so what is said of
characters holds for the text as it was. Knows nothing of ids, parts or models.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from server.text.tokenizer import Tokenizer
from server.text.words import expression_of, is_of_word

# Names in capitals (IKEA, BMW AG) are left alone; a sentence has a long word or several.
_LONG_WORD, _MANY_WORDS = 5, 3
_WORD = re.compile(r"(?<!\w)[^\W\d_]+(?!\w)")
# The word that a sentence begins with, behind quotes and brackets.
_FIRST_WORD = re.compile(r"[\"'(\[«»„“”‚‘’‹›¿¡ ]*([^\W\d_][\w'’-]*)")
# What may be stressed: three letters at least, since shorter ones are abbreviations mostly; and "NO".
_CAPITALS = re.compile(r"(?<![\w\-.&/])(?:[A-ZÄÖÜ]{3,30}|NO)(?![\w\-&/])")
_WITH_SMALL = re.compile(r"(?<!\w)\w{0,30}[^\W\d_A-ZÄÖÜ]\w{0,30}")
_MIN_SMALL_WORDS = 2
_LONG_STRESSED = 7
_ACRONYM_NAMES = (
    "WHO AIDS MIT LED PIN RAM ROM SIM CAT GAP BIP ARD TOP ISS NASA UNO IBAN DAX SEK PLZ GEZ TAN GEO CIA FBI USA GPS "
    "MAN SAT ICE MAP BIT ERA ACT TUI HUK FIT SPD CDU FDP ADAC DIN ISO"
)
_ACRONYMS = frozenset(_ACRONYM_NAMES.split())
_ENGLISH_I = re.compile(r"(?<![^\W\d_])i(?![^\W\d_])")
# What a sentence ends in, before quotes and brackets.
_LAST_SIGNS, _CLOSERS = ".!?…,;:", "\"'”“’»)]"
_ENDS_IN_WORD = re.compile(r"[\w%€$]\Z")
_DOTS = re.compile(r"(?<!\.)\.{2,3}(?!\.)")
_GLUED_COMMA = re.compile(r"(?<=[^\W\d_]),(?=[^\W\d_])")
_NO_BREAK_SPACES = "\xa0\u202f"
_MAX_NO_BREAK_SPACES = 100
_DASHES = "\u2014\u2015\u2012"
_COUNTERPARTS = {"–": _DASHES, "-": "\u2010\u2011", '"': "«»„“”″", "'": "‹›‘’‚´′"}
_COUNTERPART_OF = {char: plain for plain, chars in _COUNTERPARTS.items() for char in chars}

_DIGITS = frozenset("0123456789")
_PUNCTUATION = frozenset(".,;:!?…'\"()/&%-– \t\n")
_LATIN = re.compile("[0-9A-Za-z\u00aa\u00ba\u00c0-\u024f\u1e00-\u1eff]")


@dataclass(frozen=True)
class Reading:
    """How the model reads a sentence, and what it had better not read of it.

    Attributes:
        text: as long as the sentence.
        is_shouted: whether the sentence is in capitals, as its translation then is.
        is_capital: whether the sentence begins with a capital letter, as its translation then does.
        unreadable: what the vocabulary lacks and a placeholder can stand for: signs, and letters, which make their
            words such as the model cannot spell.
        stand_ins: words that have no case of their own and keep what they have.
        stressed: words in capitals among others, which are no names, each with how the model is to read it.
        dash: the one of the sentence for which the model is shown another.
    """

    text: str
    is_shouted: bool
    is_capital: bool = False
    unreadable: frozenset[str] = frozenset()
    stand_ins: tuple[str, ...] = ()
    stressed: frozenset[tuple[str, str]] = frozenset()
    dash: str = ""

    def edits(self, target: str) -> list[tuple[int, int, str]]:
        """(start, end, what for it) of what `write` writes in another length, but for the end of `target`; ascending.

        Three dots are one sign again where the source has it, which the vocabulary reads as three; and a comma has
        the space behind it that the model left out.
        """
        found: list[tuple[int, int, str]] = []
        if "…" in self.text and ".." not in self.text:
            found += ((match.start(), match.end(), "…") for match in _DOTS.finditer(target))
        if "," in target and not _GLUED_COMMA.search(self.text):
            found += ((match.end(), match.end(), " ") for match in _GLUED_COMMA.finditer(target))
        return sorted(found)

    def write(self, target: str) -> str:
        """`target` in the case of its source, with its dashes and spaces, and with its last signs.

        As long as `target` is after `edits`, but for what changes at its end.
        """
        for start, end, new in reversed(self.edits(target)):
            target = target[:start] + new + target[end:]
        target = keep_no_break_spaces(self.text, _end_alike(self.text, target))
        if self.dash:
            target = target.replace("–", self.dash)
        if self.is_shouted:
            return _restored(shout(target), target, self.stand_ins)
        return _restored(capitalise(target), target, self.stand_ins) if self.is_capital else target


# The reading of what no model is shown.
PLAIN_READING = Reading("", False)


def read_sentence(tokenizer: Tokenizer, text: str, stand_ins: tuple[str, ...] = ()) -> Reading:
    """`text`, in which `stand_ins` stand for something else, as the model is to read it."""
    words = expression_of(stand_ins).sub("", text) if stand_ins else text
    in_capitals = is_shouted(words)
    lacking = tokenizer.find_lacking(text)
    unreadable = _find_unreadable(lacking, text) if lacking else frozenset[str]()
    dashes = [] if "–" in text else sorted(lacking.intersection(_DASHES), key=_DASHES.index)
    for char in lacking & _COUNTERPART_OF.keys():
        text, words = (each.replace(char, _COUNTERPART_OF[char]) for each in (text, words))
    first = _FIRST_WORD.match(text)
    is_capital = first is not None and first.group(1)[0].isupper() and first.group(1) not in stand_ins
    shown = _restored(_calm(text), text, stand_ins) if in_capitals else text
    capitals = frozenset[str]() if in_capitals else frozenset(_CAPITALS.findall(words)) - _ACRONYMS
    may_stress = capitals and len(_WITH_SMALL.findall(words)) >= _MIN_SMALL_WORDS
    stressed = _find_stressed(tokenizer, capitals) if may_stress else frozenset[tuple[str, str]]()
    return Reading(shown, in_capitals, is_capital, unreadable, stand_ins, stressed, "".join(dashes[:1]))


def _find_unreadable(lacking: set[str], text: str) -> frozenset[str]:
    """What of the characters `lacking` in the vocabulary a placeholder can stand for."""
    signs = {
        char for char in lacking if not is_of_word(char) and char not in _PUNCTUATION and char not in _COUNTERPART_OF
    }
    return frozenset(signs).union(char for char in lacking if is_of_word(char) and char not in _DIGITS)


def is_latin(char: str) -> bool:
    """Whether `char` is a letter or digit of words that are shown where nothing can stand for them."""
    return _LATIN.match(char) is not None


def _find_stressed(tokenizer: Tokenizer, capitals: frozenset[str]) -> frozenset[tuple[str, str]]:
    """Those of the words `capitals` that are so for stress: such as the vocabulary knows well in small letters."""
    forms = ((word, _read_stressed(tokenizer, word)) for word in capitals)
    return frozenset((word, form) for word, form in forms if form)


def _read_stressed(tokenizer: Tokenizer, word: str) -> str:
    """`word` in small letters or as a noun of German, whichever the vocabulary knows better; empty for a name."""
    num_pieces, form = min((len(tokenizer.encode(form)), form) for form in (word.lower(), word.capitalize()))
    num_lower = len(tokenizer.encode(word.lower()))
    is_known = num_pieces == 1 or (len(word) >= _LONG_STRESSED and len(word) >= 3 * num_pieces)
    if not is_known or len(tokenizer.encode(word)) == 1:
        return ""
    return word.lower() if num_lower == num_pieces else form


def is_shouted(text: str) -> bool:
    """Whether `text` is a sentence in capitals, and no name that is written so."""
    return text.isupper() and _is_language(text)


def shout(text: str) -> str:
    """`text` in capitals, as long as it is."""
    return _map_chars(str.upper, text.replace("ß", "ẞ"))


def _is_language(text: str) -> bool:
    """Whether `text`, all in capitals, is more than a name."""
    words = _WORD.findall(text)
    return len(words) >= _MANY_WORDS or any(len(word) >= _LONG_WORD for word in words)


def _end_alike(source: str, target: str) -> str:
    """`target` that ends in the signs that `source` ends in: models write a full stop where they have seen one mostly.

    A full stop that the source has not goes, what is said more strongly or goes on stays so, and no full stop is added.
    """
    start, end = _last_signs(source)
    wanted = source[start:end]
    if not source[:start] or (not wanted and not _ENDS_IN_WORD.search(source[:end])):
        return target
    if wanted.strip(".!?…") and source[start - 1].isspace():  # a face, or a sign by itself
        return target
    first, last = _last_signs(target)
    found = target[first:last]
    if not wanted:
        is_abbreviation = "." in target[:first].rpartition(" ")[2]
        return target if found != "." or is_abbreviation or target[last:].strip() else target[:first]
    if wanted == "." or wanted == found:
        return target
    if found.strip(".!?…") and not set(found) & set(wanted):
        return target
    stands_elsewhere = target.count(wanted) >= source.count(wanted)
    if not found and (stands_elsewhere or not _ENDS_IN_WORD.search(target[:last])):
        return target
    return target[:first] + wanted + target[last:]


def _last_signs(text: str) -> tuple[int, int]:
    """From where to where the signs are that `text` ends in, before quotes and brackets."""
    body = text.rstrip().rstrip(_CLOSERS)
    return len(body.rstrip(_LAST_SIGNS)), len(body)


def keep_no_break_spaces(source: str, target: str) -> str:
    """`target` with the no-break spaces of `source` where the two words beside them are the same: `10 km`.

    Models write a plain space for them.
    """
    for space in _NO_BREAK_SPACES:
        pieces = source.split(space)[: _MAX_NO_BREAK_SPACES + 1] if space in source else ()
        for left, right in pairwise(pieces):
            first, last = left.split(), right.split()
            if first and last and not left[-1].isspace() and not right[0].isspace():
                target = target.replace(f"{first[-1]} {last[0]}", f"{first[-1]}{space}{last[0]}", 1)
    return target


def capitalise(target: str) -> str:
    """`target` with a capital first letter, unless its first word has one inside, as names like iPhone have."""
    first = _FIRST_WORD.match(target)
    if first is None or not first.group(1).islower():
        return target
    at = first.start(1)
    return target[:at] + _map_chars(str.upper, target[at]) + target[at + 1 :]


def _calm(text: str) -> str:
    """`text` in lower case, but for its first letter and the English I."""
    calm = _ENGLISH_I.sub("I", _map_chars(str.lower, text))
    first = next(index for index, char in enumerate(calm) if char.isalpha())
    return calm[:first] + text[first] + calm[first + 1 :]


def _restored(changed: str, text: str, words: tuple[str, ...]) -> str:
    """`changed` with `words` as they are in `text`, which is as long."""
    for found in expression_of(words).finditer(text) if words else ():
        changed = changed[: found.start()] + found.group() + changed[found.end() :]
    return changed


def _map_chars(change: Callable[[str], str], text: str) -> str:
    """`text` with each character changed, but for those that would become several."""
    return "".join(new if len(new := change(char)) == 1 else char for char in text)
