"""How a sentence is shown to the model, and how its translation is written back.

A sentence in capitals is shown as people write, and its translation put into capitals: models have seen hardly any,
and copy them. Punctuation that the vocabulary lacks is shown as its plain counterpart. No length ever changes, so
what is said of characters holds for the text as it was. Knows nothing of ids, parts or models.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby

from server.text.tokenizer import Tokenizer
from server.text.words import is_of_word

# Names in capitals (IKEA, BMW AG) are left alone; a sentence has a long word or several.
_LONG_WORD, _MANY_WORDS = 5, 3
_WORD = re.compile(r"(?<!\w)[^\W\d_]+(?!\w)")
_ENGLISH_I = re.compile(r"(?<![^\W\d_])i(?![^\W\d_])")
_COUNTERPARTS = {"–": "\u2014\u2015\u2012", "-": "\u2010\u2011", '"': "«»„“”″", "'": "‹›‘’‚´′"}
_COUNTERPART_OF = {char: plain for plain, chars in _COUNTERPARTS.items() for char in chars}

_PUNCTUATION = frozenset(".,;:!?…'\"()/&%-– \t\n")
_LATIN = re.compile("[0-9A-Za-z\u00aa\u00ba\u00c0-\u024f\u1e00-\u1eff]")


@dataclass(frozen=True)
class Reading:
    """How the model reads a sentence, and what it had better not read of it.

    Attributes:
        text: as long as the sentence.
        is_shouted: whether the sentence is in capitals, as its translation then is.
        unreadable: what the vocabulary lacks and a placeholder can stand for: signs, and letters of words in another
            script. A word of Latin letters of which it lacks one is shown, so that what is around it agrees with it.
    """

    text: str
    is_shouted: bool
    unreadable: frozenset[str] = frozenset()

    def write(self, target: str) -> str:
        """`target` in capitals if its source is, of the same length."""
        return _map_chars(str.upper, target.replace("ß", "ẞ")) if self.is_shouted else target


# The reading of what no model is shown.
PLAIN_READING = Reading("", False)


def read_sentence(tokenizer: Tokenizer, text: str) -> Reading:
    """`text` as the model is to read it."""
    lacking = tokenizer.find_lacking(text)
    unreadable = _find_unreadable(lacking, text) if lacking else frozenset[str]()
    for char in lacking & _COUNTERPART_OF.keys():
        text = text.replace(char, _COUNTERPART_OF[char])
    is_shouted = _is_shouted(text)
    return Reading(_calm(text) if is_shouted else text, is_shouted, unreadable)


def _find_unreadable(lacking: set[str], text: str) -> frozenset[str]:
    """What of the characters `lacking` in the vocabulary a placeholder can stand for."""
    signs = {
        char for char in lacking if not is_of_word(char) and char not in _PUNCTUATION and char not in _COUNTERPART_OF
    }
    words = ("".join(group) for of_word, group in groupby(text, is_of_word) if of_word)
    return frozenset(signs).union(*(word for word in words if lacking.issuperset(word) and not _LATIN.search(word)))


def _is_shouted(text: str) -> bool:
    """Whether `text` is language in capitals, and more than a name."""
    if not text.isupper():
        return False
    words = _WORD.findall(text)
    return len(words) >= _MANY_WORDS or any(len(word) >= _LONG_WORD for word in words)


def _calm(text: str) -> str:
    """`text` in lower case, but for its first letter and the English I."""
    calm = _ENGLISH_I.sub("I", _map_chars(str.lower, text))
    first = next(index for index, char in enumerate(calm) if char.isalpha())
    return calm[:first] + text[first] + calm[first + 1 :]


def _map_chars(change: Callable[[str], str], text: str) -> str:
    """`text` with each character changed, but for those that would become several."""
    return "".join(new if len(new := change(char)) == 1 else char for char in text)
