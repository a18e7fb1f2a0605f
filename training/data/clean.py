"""Which pairs are worth training on, and why the others are not: the gate that each pair passes on its own."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from training.settings import DataSettings

# Letters by script, enough to tell text of the wrong script; languages not named here are written in Latin script.
_LATIN = r"A-Za-z\u00aa\u00b5\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff"
_SCRIPTS = {
    "el": r"\u0370-\u03ff\u1f00-\u1fff",
    **dict.fromkeys(("ru", "uk", "bg", "be", "mk"), r"\u0400-\u052f"),
    **dict.fromkeys(("ar", "fa", "ur"), r"\u0600-\u06ff\u0750-\u077f"),
    "he": r"\u0590-\u05ff",
    **dict.fromkeys(("hi", "mr", "ne"), r"\u0900-\u097f"),
    "ko": r"\u1100-\u11ff\uac00-\ud7af",
    "zh": r"\u4e00-\u9fff\u3400-\u4dbf",
    "ja": r"\u3040-\u30ff\u4e00-\u9fff",
    "th": r"\u0e00-\u0e7f",
}
_ASCII_LETTER = re.compile("[A-Za-z]")
_SHORT_CHARS = 20  # below this the ratio of lengths says little: "Go." / "Geh jetzt."

# In the order in which they are looked for; a pair is dropped for the first that holds.
REASONS = (
    "empty",
    "too_long",
    "length_ratio",
    "identical",
    "wrong_script",
    "leaked",
    "duplicate",
    "near_duplicate",
    "too_many_ids",
)


@dataclass(frozen=True)
class Script:
    """Letters of a script, and letters of all others."""

    own: re.Pattern[str]
    foreign: re.Pattern[str]
    latin: bool

    def share(self, line: str) -> float:
        """How many of the letters of `line` are of this script, 0 to 1; 0 for a line without letters."""
        if self.latin and line.isascii():  # most lines, and by far the cheapest
            return 1.0 if _ASCII_LETTER.search(line) else 0.0
        foreign = len(self.foreign.findall(line))
        if not foreign:
            return 1.0 if self.own.search(line) else 0.0
        own = len(self.own.findall(line))
        return own / (own + foreign)


def build_script(language: str) -> Script:
    """The script that `language` is written in."""
    letters = _SCRIPTS.get(language, _LATIN)
    return Script(re.compile(f"[{letters}]"), re.compile(rf"[^\W\d_{letters}]"), letters is _LATIN)


def build_cleaner(data: DataSettings, languages: tuple[str, str]) -> Callable[[str, str], str | None]:
    """A function that says why a pair of lines is dropped (one of REASONS), or None to keep it."""
    first, second = (build_script(language) for language in languages)

    def reason(one: str, other: str) -> str | None:
        one, other = one.strip(), other.strip()
        if not one or not other:
            return "empty"
        short, long = len(one), len(other)
        if short > long:
            short, long = long, short
        if long > data.max_chars:
            return "too_long"
        if long > _SHORT_CHARS and long > short * data.max_length_ratio:
            return "length_ratio"
        if one.casefold() == other.casefold():
            return "identical"
        if first.share(one) < data.min_script_share or second.share(other) < data.min_script_share:
            return "wrong_script"
        return None

    return reason
