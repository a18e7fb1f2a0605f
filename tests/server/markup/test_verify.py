"""What the check of a translation refuses."""

import pytest

from server.markup import Options, verify

HTML, XML, TEXT = Options("html"), Options("xml"), Options("text")


WEBLATE = Options("xml", ignore_tags=frozenset({"x"}))


@pytest.mark.parametrize(
    "output",
    [
        "a <b>c {x}",
        "<b>a c</b> <b></b> {x}",
        "a </b>c<b> {x}",
        "<B>a c</B> {x}",
        "a <b>c</b>",
        "<b>c {x}</b>",
        "{x}{x}<b></b>",
    ],
)
def test_the_check_refuses(output: str) -> None:
    assert verify("a <b>c</b> {x}", "{x} <b>z</b>", HTML)
    assert not verify("a <b>c</b> {x}", output, HTML)
