"""Languages as this dialect writes them, `zh-Hans` or `pt-BR`, and as the models have them."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from server.bundle import LanguagePair
from server.errors import InvalidRequestError
from server.text.language_names import language_name

# What each group's members are called in answers, and all names under which it may be asked for.
_GROUPS = {
    "zh-Hans": ("zh", "zh-hans", "zh-cn", "zh-sg"),
    "zh-Hant": ("zt", "zh-hant", "zh-tw", "zh-hk", "zh-mo"),
    "pt-BR": ("pb", "pt-br"),
}
_GROUP_OF = {code: group for group, codes in _GROUPS.items() for code in codes}
MAX_SHOWN_CHARS = 20


class LanguageAnswer(Struct):
    """One language, and what is translated from it."""

    code: str
    name: str
    targets: list[str]


def show_code(code: str) -> str:
    """A model's code as clients of this dialect know it."""
    return _GROUP_OF.get(code, code)


def find_language(code: str, served: Iterable[str]) -> str:
    """The served code that `code` means, whatever its case: itself, another name of it, or it without its region.

    Traditional Chinese is never taken for simplified: those who read the one may not read the other.

    Raises:
        InvalidRequestError: naming the languages that there are.
    """
    known = list(dict.fromkeys(served))
    wanted = code.lower().replace("_", "-")
    group = _GROUP_OF.get(wanted)
    base = wanted.partition("-")[0]
    names = [wanted, *_GROUPS.get(group or "", ())]
    if base != "zh":
        names.append("pt" if group == "pt-BR" else base)
    for name in names:
        if name in known:
            return name
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
