"""Four times the input may take some four times as long: no square of anything that a stranger chooses."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from server.documents.formats.ooxml.runs import PLAIN, Item, Kept, XmlNode
from server.documents.formats.ooxml.wordfields import join_fields
from server.documents.formats.registry import FORMATS
from server.markup import Alignment, Options, parse, place, translate_chunks
from server.text.segments import split_text
from server.translation.glossary import Terms, take_out_terms
from tests.fuzz.amount import count
from tests.growth import Work, check_growth

pytestmark = pytest.mark.unmeasured

CUE = "1\n00:00:01,000 --> 00:00:02,000\n"


def subtitle(make: Callable[[int], str]) -> Work:
    return lambda size: partial(FORMATS["vtt"].read, (CUE + make(size)).encode())


def markup(make: Callable[[int], str], kind: str) -> Work:
    def work(size: int) -> Callable[[], object]:
        text, options = make(size), Options(kind=kind)  # type: ignore[arg-type]
        return lambda: translate_chunks(parse(text, options), lambda found: [(each.upper(), None) for each in found])

    return work


def many_sentences(size: int) -> Callable[[], object]:
    """A tag, and an alignment for each sentence, each with a name of its own."""
    words = [f"Ja{i}" for i in range(size)]
    (chunk,) = parse("<b>Ja</b> und " + " ".join(words), Options(kind="html")).chunks
    spans, at = [], 7
    for word in words:
        spans.append((at, at + len(word)))
        at += len(word) + 1
    alignments = [Alignment([span], np.ones((1, 1)), [span]) for span in spans]
    return lambda: place(chunk, chunk.text.replace("und", "ond"), alignments)


def terms(size: int) -> Callable[[], object]:
    found = {f"{chr(97 + i % 26)}{i}x": "y" for i in range(size)}
    text = " ".join(list(found)[::2])
    return lambda: take_out_terms(text, None, Terms(found))


def fields(size: int) -> Callable[[], object]:
    items: list[Item] = [Kept((XmlNode(None, PLAIN),), "hidden", "begin")] * size
    return partial(join_fields, items)


def repeated(pattern: str) -> Callable[[int], str]:
    return lambda size: pattern * size


WORKS: dict[str, Work] = {
    "subtitle spaces": subtitle(lambda size: "a" + " " * size + "b"),
    "subtitle notes": subtitle(lambda size: "a" + "♪" * size + "b"),
    "subtitle tag": subtitle(lambda size: "b <" + "a" * size),
    "subtitle open": subtitle(repeated("<b>a")),
    "subtitle braces": subtitle(repeated("a{\\")),
    "subtitle lines": subtitle(repeated("a\n")),
    "fields": fields,
    "sentences": many_sentences,
    "terms": terms,
    **{
        f"{kind} {pattern}": markup(repeated(pattern), kind)
        for kind in ("html", "xml")
        for pattern in (
            "<b>a",
            "a</b>",
            "<a b='",
            "<a b=\"'",
            "<",
            "a&",
            "<!--",
            "<!DOCTYPE [",
            "<!DOCTYPE ['\"]>",
            "<?a",
            "]]>",
        )
    },
    **{
        f"placeholder {each}": markup(repeated(each), "text")
        for each in ("{{a", "%1", "a@", "www.a", "%(a", "a.b-", "{%a")
    },
    **{
        f"split {each}": lambda size, pattern=each: partial(split_text, pattern * size, "de")  # type: ignore[misc]
        for each in ('"', ". ", "«?", "„!", "A. ", "(", "\u00a0.", "! ", "’", "1. ")
    },
}


@pytest.mark.parametrize("name", WORKS)
def test_four_times_as_much_takes_some_four_times_as_long(name: str) -> None:
    count()
    check_growth(name, WORKS[name])
