"""Languages as this dialect lists them, and its words for one that there is not."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from server.bundle import LanguagePair
from server.dialects.codes import match_code, show_code
from server.errors import InvalidRequestError
from server.text.language_names import language_name

MAX_SHOWN_CHARS = 20


class LanguageAnswer(Struct):
    """One language, and what is translated from it."""

    code: str
    name: str
    targets: list[str]


def find_language(code: str, served: Iterable[str]) -> str:
    """The served code that `code` means.

    Raises:
        InvalidRequestError: none does.
    """
    found = match_code(code, served)
    if found is not None:
        return found
    shown = code if len(code) <= MAX_SHOWN_CHARS else code[: MAX_SHOWN_CHARS - 3] + "..."
    # In these very words, which its clients compare; /languages has what there is.
    raise InvalidRequestError(f"{shown} is not supported")


def list_languages(pairs: Sequence[LanguagePair]) -> list[LanguageAnswer]:
    """All languages, also those that are only translated into: clients take the list for both."""
    codes = dict.fromkeys(code for pair in pairs for code in (pair.source, pair.target))
    return [
        LanguageAnswer(
            show_code(code),
            language_name(show_code(code)),
            [show_code(target) for target in dict.fromkeys(p.target for p in pairs if p.source == code)],
        )
        for code in sorted(codes)
    ]
