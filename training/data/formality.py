"""How a text addresses its reader, told by its own words; and marked in the source, so that a request can ask for it.

A source that is to be translated formally begins, after the language's tag, with BOS, and informally with UNK: ids that
no text has, so that a vocabulary need not grow for it.
"""

import re
from collections.abc import Sequence
from random import Random
from typing import Literal

from training.data.tokenizer import BOS, UNK

Form = Literal["formal", "informal"]
MARKS: dict[Form, int] = {"formal": BOS, "informal": UNK}
# Where a sentence begins, "Sie" may be any she or they: it tells nothing there.
_BEGINNING = r"(?:\A|[.!?:…–\"„“”»«(•]|- )\s*"
_FORMAL_DE = re.compile(r"\b(?:Sie|Ihnen|Ihr(?:e[nmrs]?)?)\b")
_BEGUN_DE = re.compile(_BEGINNING + _FORMAL_DE.pattern)
_INFORMAL_DE = re.compile(r"\b(?:[Dd]u|[Dd]ich|[Dd]ir|[Dd]ein(?:e[nmrs]?)?|[Ee]uch|[Ee]uer|[Ee]ure[nmrs]?)\b")
# Imperatives that are no other form of their verb, or seldom.
_COMMANDS = (
    *("Bleib", "Bring", "Fahr", "Frag", "Geh", "Gib", "Halt", "Hilf", "Hol", "Hör", "Iss", "Komm", "Lass", "Lauf"),
    *("Leg", "Lies", "Mach", "Nimm", "Ruf", "Sag", "Schau", "Schreib", "Sei", "Setz", "Sieh", "Sprich", "Stell"),
    *("Trink", "Vergiss", "Versprich", "Versuch", "Wirf", "Zeig", "Zieh"),
)
_COMMAND_DE = re.compile(_BEGINNING + rf"(?:{'|'.join(_COMMANDS)})\b(?! (?:Sie|ich)\b)")


def find_form(language: str, text: str) -> Form | None:
    """How `text` addresses its reader; None if it does not, or in both ways, or if the `language` tells nothing."""
    if language not in FINDERS:
        return None
    formal, informal = FINDERS[language](text)
    if formal == informal:
        return None
    return "formal" if formal else "informal"


def _find_german(text: str) -> tuple[bool, bool]:
    formal = len(_FORMAL_DE.findall(text)) > len(_BEGUN_DE.findall(text))
    return formal, bool(_INFORMAL_DE.search(text) or _COMMAND_DE.search(text))


# Languages whose forms are known: whether a text is formal, and whether it is informal.
FINDERS = {"de": _find_german}


class FormMarker:
    """Marks rows that are read with the form of what they are translated into.

    A `share` of the rows whose form is known is marked: without a mark the model is to choose as it always did.
    `languages` are those of the two sides, `targets` those into which a form can be asked for; all follows from `seed`.
    """

    def __init__(self, languages: tuple[str, str], targets: Sequence[str], share: float, seed: str) -> None:
        self.languages, self.targets, self.share = languages, targets, share
        self.rng = Random(seed)

    def mark(
        self, rows: Sequence[list[list[int]]], texts: Sequence[tuple[str, str]], max_ids: int
    ) -> list[list[list[int]]]:
        """The rows of both sides, as they are read, with their marks.

        Args:
            rows: of both sides.
            texts: what each row's sides say.
            max_ids: rows that would be longer are not marked.
        """
        return [
            [self._mark(row, side, text, max_ids) for row, text in zip(mine, texts, strict=True)]
            for side, mine in enumerate(rows)
        ]

    def _mark(self, row: list[int], side: int, text: tuple[str, str], max_ids: int) -> list[int]:
        target = 1 - side
        if self.languages[target] not in self.targets or len(row) >= max_ids:
            return row
        form = find_form(self.languages[target], text[target])
        return [MARKS[form], *row] if form and self.rng.random() < self.share else row
