"""Sentences of our own with what Moses has rules for: quotes, apostrophes, hyphens, `&`, numbers, full stops."""

import random

FRAMES = [
    ("{0}", "{0}"),
    ("{0}", "{0}"),
    ('Sie sagt: "{0}"', 'She says: "{0}"'),
    ("Dr. Weiß & Sohn: {0}", "Dr. Weiß & Son: {0}"),
    ("Im U-Bahn-Netz (Linie 7): {0}", "In the U-Bahn network (line 7): {0}"),
    ("So geht's nicht, z.B. am 3. Mai; {0}", "It doesn't work, e.g. on 3 May; {0}"),
    ("Das kostet 3,50 Euro ... {0}", "That's 3.50 euros ... {0}"),
    ("{0} Wirklich?", "{0} Really?"),
    ("[1] {0}", "[1] {0}"),
    ("{0} 'Gut', sagt er.", "{0} 'Good', he says."),
    ("Ein deutsch-englisches Wort: {0}", "A German-English word: {0}"),
    ("50 % <b> | {0}", "50% <b> | {0}"),
]


def dress(pairs: list[tuple[str, str]], seed: int = 3) -> list[tuple[str, str]]:
    """`pairs` of German and English, most of them with something around."""
    rng = random.Random(seed)
    chosen = [rng.choice(FRAMES) for _ in pairs]
    return [(a.format(de), b.format(en)) for (a, b), (de, en) in zip(chosen, pairs, strict=True)]
