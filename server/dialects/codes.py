"""Codes of languages that clients of several dialects write, `zh-CN` or `pt-BR`, and as the models have them."""

from collections.abc import Iterable

# What each group's members are called in answers, and all names under which it may be asked for.
_GROUPS = {
    "zh-Hans": ("zh", "zh-hans", "zh-cn", "zh-sg"),
    "zh-Hant": ("zt", "zh-hant", "zh-tw", "zh-hk", "zh-mo"),
    "pt-BR": ("pb", "pt-br"),
}
_GROUP_OF = {code: group for group, codes in _GROUPS.items() for code in codes}
# Where a client names a script by where it is written.
_REGIONAL = {"zh-Hans": "zh-CN", "zh-Hant": "zh-TW"}
# Codes of before, or of other lists, which some clients still send: each for the other.
_OTHER_NAMES = {"iw": "he", "jw": "jv", "no": "nb", "nb": "no", "fil": "tl", "tl": "fil"}


def show_code(code: str) -> str:
    """A model's code with its script, `zh-Hans`, where Chinese is meant."""
    return _GROUP_OF.get(code, code)


def show_regional_code(code: str) -> str:
    """A model's code with a region, `zh-CN`, where Chinese is meant."""
    shown = show_code(code)
    return _REGIONAL.get(shown, shown)


def match_code(code: str, served: Iterable[str]) -> str | None:
    """The served code that `code` means, whatever its case: itself, another name of it, or it without its region.

    Traditional Chinese is never taken for simplified: those who read the one may not read the other.

    Args:
        code: as a client writes it.
        served: the models' codes that it may mean.

    Returns:
        None if it means none of them.
    """
    known = set(served)
    wanted = code.strip().lower().replace("_", "-")
    group = _GROUP_OF.get(wanted)
    base = wanted.partition("-")[0]
    names = [wanted, *_GROUPS.get(group or "", ())]
    if base != "zh":
        names.append("pt" if group == "pt-BR" else base)
    names += [_OTHER_NAMES[name] for name in (wanted, base) if name in _OTHER_NAMES]
    return next((name for name in names if name in known), None)
