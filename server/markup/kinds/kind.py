"""What a kind of mark is, and what the tables of kinds have in common.

No expression reads a character more than a few hundred times, whatever the text: repetitions are possessive or bounded,
and looks ahead are bounded.
"""

import re
from dataclasses import dataclass
from typing import Literal

# word: takes the place of a noun in its sentence. hidden: takes none. tag: opens, closes or stands alone, by the
# groups `close`, `name` and `empty`. start, end: around language. emphasis: start and end look alike. message: a word
# with language inside, which is translated by itself. border: no sentence goes across it.
Role = Literal["word", "hidden", "tag", "start", "end", "emphasis", "message", "border"]


@dataclass(frozen=True)
class MarkKind:
    """A kind of mark.

    Attributes:
        pattern: a verbose expression, read in the raw text, where entities are still written out.
        examples: texts that are one mark of this kind, or for starts and ends have one at their start or end.
        only_plain: whether it is looked for in plain text alone, not between the tags of html and xml.
        pair: of starts, ends and emphasis: only marks of the same name belong together.
        needs: strings with spaces between, or an expression; one of them, or what matches it, is in every such mark.
            A line without is not searched for it, which is what makes most lines quick. Empty if there is nothing.
        never_with: characters of which none is in a line with such a mark, since it would be something else then.
    """

    name: str
    role: Role
    pattern: str
    examples: tuple[str, ...]
    only_plain: bool = False
    pair: str = ""
    needs: str | re.Pattern[str] = ""
    never_with: str = ""


NO_SPACE = r"[^\s<>\"&]"
NUMBER = r"\d{1,20}+(?:[.,]\d{1,20}+){0,5}+"
SUFFIXES = (
    "pdf|docx?|xlsx?|pptx?|odt|ods|txt|csv|tsv|json|ya?ml|toml|xml|html?|css|jsx?|tsx?|py|rb|rs|java|cpp|cs|php|"
    "sh|bat|exe|dll|zip|tar|gz|png|jpe?g|gif|svg|webp|mp3|mp4|wav|avi|mkv|srt|vtt|md|rst|ini|cfg|conf|log|sql|db|apk|iso"
)
# What the normalisation of a vocabulary turns into other signs: superscripts, subscripts, fractions, circled numbers,
# letters of formulas, units in one square.
HAZARDS = (
    "²³¹ªºµ¼½¾™\u2070-\u209c\u2100-\u2125\u2128-\u2129\u212c-\u2138\u213c-\u214f\u2150-\u218b\u2460-\u24ff"
    "\u1d2c-\u1d6a\u3250-\u327f\u32b1-\u33ff\U0001d400-\U0001d7ff"
)
