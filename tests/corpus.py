"""Parallel text of our own writing: a small grammar of German and English, so that tests need no download.

Every sentence is correct in both languages, and a model of a few thousand weights learns the whole of it in a minute.
"""

import gzip
import itertools
import random
from pathlib import Path

SUBJECTS = [
    ("Der Mann", "The man"),
    ("Die Frau", "The woman"),
    ("Das Kind", "The child"),
    ("Mein Bruder", "My brother"),
    ("Deine Schwester", "Your sister"),
    ("Ein alter Seemann", "An old sailor"),
    ("Die junge Ärztin", "The young doctor"),
    ("Unser Nachbar", "Our neighbour"),
    ("Niemand", "Nobody"),
]
VERBS = [
    ("sieht", "sees"),
    ("kauft", "buys"),
    ("sucht", "is looking for"),
    ("vergisst", "forgets"),
    ("zeichnet", "draws"),
    ("verkauft", "sells"),
    ("trägt", "carries"),
]
OBJECTS = [
    ("den Hut", "the hat"),
    ("die Fähre", "the ferry"),
    ("das Boot", "the boat"),
    ("einen Schlüssel", "a key"),
    ("zwei Bücher", "two books"),
    ("keine Äpfel", "no apples"),
    ("den roten Koffer", "the red suitcase"),
    ("das große Haus", "the big house"),
]
TIMES = [
    ("", ""),
    (" heute", " today"),
    (" jeden Morgen", " every morning"),
    (" am Hafen", " at the harbour"),
    (" im Winter", " in winter"),
    (" ohne Grund", " for no reason"),
]


def sentences(count: int, seed: int = 0) -> list[tuple[str, str]]:
    """`count` different pairs (German, English), in an order that the seed sets; there are 3,024."""
    everything = list(itertools.product(SUBJECTS, VERBS, OBJECTS, TIMES))
    chosen = random.Random(seed).sample(everything, count)
    return [(f"{s[0]} {v[0]} {o[0]}{t[0]}.", f"{s[1]} {v[1]} {o[1]}{t[1]}.") for s, v, o, t in chosen]


def write_corpus(folder: Path, name: str, pairs: list[tuple[str, str]], suffix: str = ".gz") -> tuple[Path, Path]:
    """Write `pairs` as `name.de` and `name.en`, plain or gzip by `suffix`."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / f"{name}.de{suffix}", folder / f"{name}.en{suffix}"
    for path, side in zip(paths, zip(*pairs, strict=True), strict=True):
        data = "".join(line + "\n" for line in side).encode()
        path.write_bytes(gzip.compress(data) if suffix else data)
    return paths
