"""Lines of plain text are borders: as many come out as went in, each with its own marks, whatever the model says."""

import asyncio
import re
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from server.markup.marks import find_marks
from server.models.models import Models
from server.settings import ServeSettings
from server.text.segments import LINES, Split
from server.translation.request import TranslateOptions
from server.translation.translator import Translator
from tests.server.conftest import MakeModel
from tests.server.fakes import FakeEngine

WORDS = st.sampled_from(["Haus", "the dog", "Preis:", "Guten Morgen.", "see", "Ja!", "NICHT RAUCHEN", "Łódź", "5 Euro"])
MARKS = st.sampled_from(["{name}", "%1$s", "https://example.org/a", "€", "#__#", "{{ n }}", "- ", "---", "😀", "12"])
SPACES = st.sampled_from(["", " ", "  ", "\u00a0"])
LINE = st.lists(st.one_of(WORDS, MARKS, SPACES), max_size=5).map(" ".join)
ENDS = st.sampled_from(["\n", "\r\n", "\n\n", "\t", "\u2028", "\n \n"])
TEXT = st.lists(st.tuples(LINE, ENDS), min_size=1, max_size=6).map(lambda each: "".join(a + b for a, b in each))

Translate = Callable[[str, str], str]


@pytest.fixture(params=["whole", "streamed"])
def translate(request: pytest.FixtureRequest, make_model: MakeModel) -> Translate:
    """A text into a language, by the fake that turns words round into German, and copies them into English."""
    translator = Translator(Models((make_model(FakeEngine()),)), ServeSettings().limits)

    async def whole(text: str, options: TranslateOptions) -> str:
        return (await translator.translate([text], options))[0].text

    async def streamed(text: str, options: TranslateOptions) -> str:
        return "".join([piece.text async for piece in translator.stream([text], options)])

    way = whole if request.param == "whole" else streamed
    return lambda text, target: asyncio.run(way(text, TranslateOptions("en" if target == "de" else "de", target)))


def marks_of(line: str) -> list[str]:
    """The placeholders, and the signs that the tokenizer lacks, in any order."""
    found = (line[slice(*span)] for span in find_marks(line))
    return sorted([mark for mark in found if not mark.isspace()] + re.findall("[€😀°]", line))


@given(text=TEXT, target=st.sampled_from(["de", "en"]))
@example(text="Hallo {name}\nGuten Morgen", target="en")
@example(text="Preis: 5 €\nName: Haus", target="en")
@example(text="- {{a}}\n- {{b}}\n- Close", target="de")
@example(text="First line.\nhttps://example.org/x\nSecond line.", target="de")
@example(text="Save\n#__#\nHello {name}\n#__#\n{name}", target="de")
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_lines_are_borders(translate: Translate, text: str, target: str) -> None:
    sources, targets = LINES.findall(text), LINES.findall(translate(text, target))
    assert len(sources) == len(targets)
    for source, found in zip(sources, targets, strict=True):
        assert marks_of(found) == marks_of(source)
        if not any(map(str.isalpha, source)):
            assert found == source  # ends of lines, and what is only marks and signs
        else:
            edge = len(source) - len(source.lstrip())
            assert found[:edge] == source[:edge]


@pytest.mark.parametrize(("split", "num_sentences"), [("sentences", 2), ("across_lines", 1), ("nothing", 1)])
def test_a_caller_may_say_that_they_are_not(make_model: MakeModel, split: Split, num_sentences: int) -> None:
    engine = FakeEngine()
    translator = Translator(Models((make_model(engine),)), ServeSettings().limits)
    options = TranslateOptions("en", "de", split=split)
    [found] = asyncio.run(translator.translate(["we follow {name}\nthrough the park"], options))
    assert (found.text.count("{name}"), len(engine.sources)) == (1, num_sentences)
