"""Texts with things in them, to xml and back."""

from hypothesis import given, settings
from hypothesis import strategies as st

from server.documents.formats.inline import Piece, Point, Span, find_things, from_xml, to_xml, without_tags

POINTS = st.builds(Point, st.none(), st.sampled_from(["shown", "hidden", "break"]))
TREES = st.recursive(
    st.lists(st.text(min_size=1) | POINTS, max_size=4),
    lambda inside: st.lists(st.text(min_size=1) | POINTS | st.builds(Span, st.none(), inside), max_size=4),
)


def flat(pieces: list[Piece]) -> list[str]:
    """What pieces are, with neighbouring strings joined, as they come back."""
    found: list[str] = [""]
    for piece in pieces:
        if isinstance(piece, str):
            found[-1] += piece
        elif isinstance(piece, Point):
            found += [f"point {id(piece)}", ""]
        else:
            found += ["(", *flat(piece.pieces), ")", ""]
    return found


@given(TREES)
@settings(deadline=None)
def test_there_and_back(pieces: list[Piece]) -> None:
    xml = to_xml(pieces)
    back = from_xml(xml, find_things(pieces))
    assert back is not None
    assert flat(back) == flat(pieces)


def test_a_translation_that_lacks_something_is_none() -> None:
    pieces: list[Piece] = ["a ", Span("bold", ["b"]), Point("tab", "break"), Point("picture", "shown")]
    xml = to_xml(pieces)
    assert xml == 'a <g0>b</g0><s n="1"/><x2/>'
    things = find_things(pieces)
    for wrong in (
        "a b",
        'a <g0>b</g0><s n="1"/>',
        'a <g0>b</g0><s n="1"/><x2/><x2/>',
        'a <g0>b<s n="1"/><x2/>',
        'a b</g0><s n="1"/><x2/>',
        'a <g0>b</g0><s n="1"/><x0/>',
        'a <g0>b</g0><s n="1"/><x9/>',
        'a <g1>b</g1><s n="0"/><x2/>',
    ):
        assert from_xml(wrong, things) is None, wrong


def test_text_that_looks_like_a_tag_is_text() -> None:
    xml = to_xml(["a <g0> & &lt; b"])
    assert from_xml(xml, []) == ["a <g0> & &lt; b"]
    assert without_tags(xml) == "a <g0> & &lt; b"
