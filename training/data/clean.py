"""Which pairs are worth training on, and why the others are not."""

import hashlib
import re
from collections.abc import Callable

from training.settings import DataSettings

# Letters by script, enough to tell text of the wrong script; languages not named here are written in Latin script.
_LATIN = re.compile(r"[A-Za-z\u00aa-\u024f\u1e00-\u1eff]")
_SCRIPTS = {
    "el": re.compile(r"[\u0370-\u03ff\u1f00-\u1fff]"),
    **dict.fromkeys(("ru", "uk", "bg", "be", "mk"), re.compile(r"[\u0400-\u052f]")),
    **dict.fromkeys(("ar", "fa", "ur"), re.compile(r"[\u0600-\u06ff\u0750-\u077f]")),
    "he": re.compile(r"[\u0590-\u05ff]"),
    **dict.fromkeys(("hi", "mr", "ne"), re.compile(r"[\u0900-\u097f]")),
    "ko": re.compile(r"[\u1100-\u11ff\uac00-\ud7af]"),
    "zh": re.compile(r"[\u4e00-\u9fff\u3400-\u4dbf]"),
    "ja": re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]"),
    "th": re.compile(r"[\u0e00-\u0e7f]"),
}
_LETTERS = re.compile(r"[^\W\d_]")
_SHORT_CHARS = 20  # below this the ratio of lengths says little: "Go." / "Geh jetzt."

REASONS = ("empty", "too_long", "length_ratio", "wrong_script", "identical", "duplicate", "too_many_ids")


def build_cleaner(data: DataSettings, languages: tuple[str, str]) -> Callable[[str, str], str | None]:
    """A function that says why a pair of lines is dropped (one of REASONS), or None to keep it."""
    scripts = [_SCRIPTS.get(language, _LATIN) for language in languages]

    def reason(one: str, other: str) -> str | None:
        one, other = one.strip(), other.strip()
        if not one or not other:
            return "empty"
        short, long = sorted((len(one), len(other)))
        if long > data.max_chars:
            return "too_long"
        if long > _SHORT_CHARS and long > short * data.max_length_ratio:
            return "length_ratio"
        if one.casefold() == other.casefold():
            return "identical"
        for line, script in zip((one, other), scripts, strict=True):
            if _script_share(line, script) < data.min_script_share:
                return "wrong_script"
        return None

    return reason


def pair_hash(one: str, other: str, languages: tuple[str, str]) -> int:
    """64 bits that equal pairs share, white space aside and whichever file is named first."""
    first, second = sorted(zip(languages, (one, other), strict=True))
    text = "\0".join((first[0], " ".join(first[1].split()), second[0], " ".join(second[1].split())))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _script_share(line: str, script: re.Pattern[str]) -> float:
    if line.isascii() and script is _LATIN:
        return 1.0 if re.search("[A-Za-z]", line) else 0.0
    letters = len(_LETTERS.findall(line))
    return len(script.findall(line)) / letters if letters else 0.0
