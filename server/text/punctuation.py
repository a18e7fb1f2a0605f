"""Moses' rules for punctuation, which OPUS-MT's script goes through before it makes tokens.

Those are `sacremoses`'; here they are followed with an eye on where each character came from.
"""

import re
import unicodedata
from itertools import takewhile

# Characters of format and for private use, which say nothing by themselves. What Python does not know yet, the newest
# emoji, stays.
_SILENT = ("Cc", "Cf", "Co")


class Punctuation:
    """The rules of `language`.

    Raises:
        ImportError: `sacremoses` is not installed.
    """

    def __init__(self, language: str) -> None:
        from sacremoses import MosesPunctNormalizer

        normalizer = MosesPunctNormalizer(language, perl_parity=True)
        self._signs = _compile(normalizer.REPLACE_UNICODE_PUNCTUATION)
        self._rules = _compile(normalizer.substitutions)

    def normalise(self, text: str) -> tuple[str, list[int]]:
        """`text` as Moses' scripts write it, and where in `text` each character of that was."""
        places = list(range(len(text)))
        for rule in self._signs:
            text, places = _substitute(*rule, text, places)
        text = "".join(" " if unicodedata.category(char) in _SILENT else char for char in text)
        for rule in self._rules:
            text, places = _substitute(*rule, text, places)
        return text, places


def _compile(rules: list[tuple[str, str]]) -> list[tuple[re.Pattern[str], str]]:
    return [(re.compile(expression), template) for expression, template in rules]


def _substitute(expression: re.Pattern[str], template: str, text: str, places: list[int]) -> tuple[str, list[int]]:
    """`expression.sub(template, text)`, with the place of each character."""
    done, parts, moved = 0, [], []
    for match in expression.finditer(text):
        old, new = match.group(), match.expand(template)
        first = _num_shared(old, new)
        last = _num_shared(old[first:][::-1], new[first:][::-1])
        parts += [text[done : match.start()], new]
        moved += places[done : match.start()]
        # What stays is where it was, and what is written for others where the first of these were.
        between = range(first, len(new) - last)
        at = [*range(first), *(min(i, len(old) - 1) for i in between), *range(len(old) - last, len(old))]
        moved += [places[match.start() + i] for i in at]
        done = match.end()
    if not done:
        return text, places
    return "".join((*parts, text[done:])), moved + places[done:]


def _num_shared(first: str, second: str) -> int:
    """How many characters two texts begin with together."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False)))
