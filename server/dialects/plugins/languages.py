"""Languages as plug-ins write them: codes, or English names."""

from collections.abc import Sequence

from server.bundle import LanguagePair
from server.dialects.codes import match_code, show_code
from server.errors import InvalidRequestError
from server.text.language_names import language_name

# How Kiss Translator writes that the language is to be detected: a code or, in some versions, words.
_AUTO = ("", "auto", "auto-detect")
_NAMES = {"simplified chinese": "zh-hans", "traditional chinese": "zh-hant"}


def find_source(code: str, pairs: Sequence[LanguagePair]) -> str | None:
    """The model's code that `code` means; None where it is to be detected.

    Raises:
        InvalidRequestError: naming the languages that there are.
    """
    return None if code.strip().lower() in _AUTO else _find(code, [pair.source for pair in pairs], "source")


def find_target(code: str, pairs: Sequence[LanguagePair]) -> str:
    """The model's code that `code` means.

    Raises:
        InvalidRequestError: naming the languages that there are.
    """
    return _find(code, [pair.target for pair in pairs], "target")


def _find(code: str, served: Sequence[str], role: str) -> str:
    names = _NAMES | {language_name(show_code(each)).lower(): each for each in served}
    found = match_code(names.get(code.strip().lower(), code), served)
    if found is None:
        shown = ", ".join(dict.fromkeys(map(show_code, served)))
        raise InvalidRequestError(f"The {role} language is none of those served: {shown}.")
    return found
