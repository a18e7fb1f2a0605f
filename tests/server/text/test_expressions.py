"""Possessive groups, which older Pythons match wrongly: written otherwise they match what a right Python matches."""

import ast
import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.markup.kinds import KINDS
from server.text.expressions import compile_expression, without_possessive_groups
from server.text.words import split_words

SERVER = Path(__file__).parents[3] / "server"
POSSESSIVE_GROUP = re.compile(r"\)(?:[*+?]|\{+\d*,?\d*\}+)\+")


@pytest.mark.parametrize(
    ("pattern", "written"),
    [
        (r"a(?:b|c)*+d", r"a(?=(?P<q0>(?:b|c)*))(?P=q0)d"),
        (r"(?:x(?:y)?+){1,3}+", r"(?=(?P<q1>(?:x(?=(?P<q0>(?:y)?))(?P=q0)){1,3}))(?P=q1)"),
        (r"[()]*+\)++(?:a)+", r"[()]*+\)++(?:a)+"),
        (r"[^])]++(a)?", r"[^])]++(a)?"),
        (r"(?:[\])])++", r"(?=(?P<q0>(?:[\])])+))(?P=q0)"),
    ],
)
def test_groups_are_written_as_lookaheads(pattern: str, written: str) -> None:
    assert without_possessive_groups(pattern) == written


def test_a_group_that_fails_in_its_middle_ends_where_it_began() -> None:
    """What Python 3.11.2 gets wrong."""
    assert split_words("Click the link.") == [(0, 5), (6, 9), (10, 14), (14, 15)]
    found = compile_expression(r"v\d(?:\.\d)*+").match("v1.2.x")
    assert found is not None
    assert found.group() == "v1.2"


def test_what_was_taken_is_not_given_back() -> None:
    assert compile_expression(r"(?:a|b)*+b").match("aab") is None
    assert compile_expression(r"(?:a|b)*b").match("aab") is not None


def test_every_kind_of_mark_is_found_alike() -> None:
    chance = random.Random(5)
    examples = [example for kind in KINDS for example in kind.examples]
    texts = [" ".join(chance.choices(examples, k=4)) for _ in range(200)]
    texts += [text[: chance.randrange(len(text) + 1)] + chance.choice("(){}<>.:-") for text in texts]
    for kind in KINDS:
        written = re.compile(without_possessive_groups(kind.pattern), re.X)
        assert all(written.search(example) for example in kind.examples), kind.name
        # Only a Python that is right can say what the original finds.
        plain = re.compile(kind.pattern, re.X) if sys.version_info >= (3, 11, 5) else written
        for text in texts:
            assert [m.span() for m in written.finditer(text)] == [m.span() for m in plain.finditer(text)], kind.name


def compiled() -> Iterator[tuple[str, str]]:
    """The expressions that the server's modules give to `re.compile`, without what f-strings fill in."""
    for path in SERVER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "re.compile":
                parts = [each.value for each in ast.walk(node.args[0]) if isinstance(each, ast.Constant)]
                yield f"{path.relative_to(SERVER)}:{node.lineno}", "".join(map(str, parts))


def test_nobody_compiles_possessive_groups_otherwise() -> None:
    found = dict(compiled())
    assert len(found) > 30
    assert [place for place, pattern in found.items() if POSSESSIVE_GROUP.search(pattern)] == []
