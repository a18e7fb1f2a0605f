"""Generated plain texts: lines stay lines, every mark comes out once and unchanged, white space stays.

More of them: `FERRY_NUM_TEXTS=20000 pytest tests/server/markup/test_marks_kept.py`.
"""

import os
import random
import re
from collections import Counter

import pytest

from server.markup import Chunk, Options, assemble, parse
from server.markup.kinds import KINDS
from server.markup.marks import find_marks
from server.markup.place import Translated

NUM_TEXTS = int(os.environ.get("FERRY_NUM_TEXTS", "300"))
WORDS = [
    "das",
    "Haus",
    "ist",
    "neu",
    "und",
    "der",
    "Garten",
    "groß",
    "aber",
    "Anna",
    "kommt",
    "morgen",
    "nicht",
    "mehr",
    "Bücher",
    "lesen",
    "wir",
    "gern",
]
MARKS = [each for kind in KINDS if kind.role in ("word", "message") for each in kind.examples]
PAIRS = [
    *(("<b>", "</b>"), ("**", "**"), ("*", "*"), ("~~", "~~")),
    *(("[", "](https://a.de/b)"), ("<0>", "</0>"), ("[b]", "[/b]")),
]
# Some look like another thing between the signs of a pair: `***.csv*`.
INSIDE_PAIRS = [each for each in MARKS if each[0] not in "*~[" and not each.startswith("<<")]
BEGINNINGS = ["", "", "", "# ", "- ", "> ", "1. ", "  ", "\t", "* [ ] "]
ENDS = ["\n", "\n\n", "\r\n", "\t", "\n#__#\n", " \n "]
STAND_INS = ("XQ", "Xb", "7391", "GUID", "SQL")


def generate(seed: int) -> str:
    chance = random.Random(seed)
    pieces: list[str] = []
    for _ in range(chance.randint(1, 5)):
        words = [chance.choice(WORDS) for _ in range(chance.randint(0, 7))]
        for _ in range(chance.randint(0, 3)):
            words.insert(chance.randint(0, len(words)), chance.choice(MARKS))
        if words and chance.random() < 0.4:
            opening, closing = chance.choice(PAIRS)
            first = chance.randrange(len(words))
            last = min(first + chance.randint(0, 2), len(words) - 1)
            words[first] = words[last] = "Katze"  # a sign written together with another mark is a third one
            words[first] = opening + words[first]
            words[last] += closing
        if chance.random() < 0.2:  # a pair of signs around a mark, beside another that is the same
            opening, closing = chance.choice(PAIRS)
            mark = chance.choice(INSIDE_PAIRS)
            words += [opening + mark + closing, "und", mark]
        spaces = chance.choice([" ", " ", " ", "  "])
        end = chance.choice(["", ".", "!", " 😀", " €"]) if words else ""
        pieces.append(chance.choice(BEGINNINGS) + spaces.join(words) + end + chance.choice(ENDS))
    return "".join(pieces)


def change(chunk: Chunk, chance: random.Random) -> Translated:
    """A translation in other words and another order, with each stand-in once."""
    words = [
        word if word.strip(".,!") in chunk.held else word.upper()[::-1].replace("ß", "") for word in chunk.text.split()
    ]
    chance.shuffle(words)
    return " ".join(words), None


def marks_of(line: str) -> Counter[str]:
    return Counter(line[start:end] for start, end in find_marks(line))


@pytest.mark.parametrize("stand_ins", [(), STAND_INS], ids=["holes", "stand-ins"])
def test_lines_and_marks_come_out_as_they_were(stand_ins: tuple[str, ...]) -> None:
    broken: list[str] = []
    unread = frozenset("€😀")
    for seed in range(NUM_TEXTS):
        source = generate(seed)
        document = parse(source, Options("text", unreadable=unread), stand_ins)
        chance = random.Random(seed)
        output = assemble(document, [change(chunk, chance) for chunk in document.chunks])
        again = parse(source, Options("text", unreadable=unread), stand_ins)
        same = assemble(again, [(chunk.text, None) for chunk in again.chunks])
        lines = [re.split(r"[\n\r\t]", text) for text in (source, output)]
        gone = [
            line
            for line, other in zip(*lines, strict=False)
            if any(
                other.count(mark) < line.count(mark)
                for mark in marks_of(line)
                if not mark.startswith(("{n, p", "{w, s"))
            )
            or line[: len(line) - len(line.lstrip())] != other[: len(other) - len(other.lstrip())]
        ]
        if len(lines[0]) != len(lines[1]) or gone or same != source:
            broken.append(f"{seed}: {source!r} -> {output!r} {gone}")
    assert not broken, "\n".join([f"{len(broken)} broken", *broken[:10]])
