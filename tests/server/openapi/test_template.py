"""A file with names in it, filled in for one server."""

from pathlib import Path

import pytest

from server.bundle import LanguagePair
from server.openapi.template import load_spec
from server.settings import Limits
from server.web.dialect import Served

FILE = """
security: [{key: []}]
paths:
  /a:
    post: {summary: "Up to ${max_texts} of ${things}.", security: []}
components:
  number: ${max_alternatives}
  list: ${languages}
  key: ${asks_for_key}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "openapi.yaml"
    path.write_text(FILE)
    return path


def serve(needs_key: bool = False) -> Served:
    limits = Limits(max_beam_size=4, max_texts=3, max_text_chars=20, max_request_tokens=9)
    return Served(limits, (LanguagePair("de", "en", ()),), needs_key)


def test_names_become_values_and_their_text(file: Path) -> None:
    spec = load_spec(file, lambda served: {"languages": [pair.source for pair in served.pairs], "things": "apples"})
    filled = spec(serve())
    assert filled["components"] == {
        "number": 3,
        "list": ["de"],
        "key": "This server asks for no key; any is accepted.",
    }
    assert filled["paths"]["/a"]["post"]["summary"] == "Up to 3 of apples."


@pytest.mark.parametrize(("needs_key", "security"), [(True, [{"key": []}]), (False, [])])
def test_a_key_is_asked_for_or_not(file: Path, needs_key: bool, security: list[dict[str, list[str]]]) -> None:
    filled = load_spec(file, lambda served: {"languages": [], "things": ""})(serve(needs_key))
    assert filled["security"] == security
    assert filled["paths"]["/a"]["post"]["security"] == []


def test_a_name_that_nobody_knows_is_a_fault(file: Path) -> None:
    with pytest.raises(KeyError, match="things"):
        load_spec(file, lambda served: {})(serve())


def test_what_fills_one_document_leaves_the_next_alone(file: Path) -> None:
    spec = load_spec(file, lambda served: {"languages": [], "things": ""})
    spec(serve())["paths"]["/a"].clear()
    assert spec(serve())["paths"]["/a"]
