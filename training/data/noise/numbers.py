"""Numbers and units of many forms, written as each language writes them."""

import re
from random import Random

from training.data.noise.pair import Linker, Pair, Span

# What separates thousands, and whole from parts; other languages get whole numbers without separators.
SEPARATORS = {"de": (".", ","), "en": (",", ".")}
UNITS = (
    *("km", "m", "cm", "mm", "kg", "g", "mg", "l", "ml", "m²", "m³", "km²", "km/h", "°C", "kWh", "kW", "W", "V", "mA"),
    *("MB", "Mb", "GB", "kB", "px", "ms", "s", "h", "Hz", "kHz", "mM", "Na+", "%", "€", "$"),
)
_NUMBER = re.compile(r"(?<![\w.,:/-])\d+(?:[.,:]\d+)*(?![\w:/-]|[.,]\d)")
_TIME = re.compile(r"\d\d?:\d\d")


def change_numbers(pair: Pair, linker: Linker, rng: Random) -> Pair | None:
    """Other numbers for those that stand once in both lines; where there are none, a measure in brackets."""
    found = [{match[0]: match.span() for match in _NUMBER.finditer(text)} for text in pair.texts]
    shared = [
        (number, found[0][number], found[1][number])
        for number in found[0]
        if number in found[1] and number != "1" and all(text.count(number) == 1 for text in pair.texts)
    ]
    if not shared:
        return _add_measure(pair, linker, rng)
    edits: list[tuple[Span, Span, tuple[str, ...]]] = [
        (one, other, draw_number(number, pair.languages, rng)) for number, one, other in shared
    ]
    return pair.edit(
        [(*one, new[0]) for one, _, new in edits],
        [(*other, new[1]) for _, other, new in edits],
    )


def draw_number(like: str, languages: tuple[str, str], rng: Random) -> tuple[str, ...]:
    """A number as each of `languages` writes it: a time if it is for one `like` 7:30, any other kind otherwise."""
    if _TIME.fullmatch(like):
        return (f"{rng.randrange(24)}:{rng.randrange(60):02}",) * 2
    whole = rng.randrange(2, 10 ** rng.choice((1, 2, 2, 3, 4, 5, 6, 7)) + 2)
    decimals = rng.choice((0, 0, 0, 1, 2, 3)) if all(language in SEPARATORS for language in languages) else 0
    part = "".join(rng.choices("0123456789", k=decimals))
    grouped = rng.random() < 0.7
    return tuple(_write(whole, part, language, grouped) for language in languages)


def _write(whole: int, part: str, language: str, grouped: bool) -> str:
    thousands, point = SEPARATORS.get(language, ("", ""))
    # A year or a code has four digits and no separator.
    text = f"{whole:,}".replace(",", thousands) if grouped and whole > 9999 else str(whole)
    return text + (point + part if part else "")


def _add_measure(pair: Pair, linker: Linker, rng: Random) -> Pair | None:
    links = linker.links(pair)
    spots = rng.choice(links) if links and rng.random() < 0.5 else None
    ends = (spots.one[1], spots.other[1]) if spots else pair.ends()
    numbers, unit = draw_number("", pair.languages, rng), rng.choice(UNITS)
    space = "" if rng.random() < 0.2 else " "
    before, after = rng.choice((("(", ")"), ("(", ")"), ("", "")))
    return pair.edit(
        *([(end, end, f" {before}{number}{space}{unit}{after}")] for end, number in zip(ends, numbers, strict=True))
    )
