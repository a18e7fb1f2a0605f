"""Bodies of our own API that are refused, and what is told of them."""

import pytest

from tests.server.test_app import Site, refused


@pytest.mark.parametrize(
    ("body", "says", "field"),
    [
        (b"", "not JSON", None),
        (b"{", "not JSON", None),
        (b'{"text": "\xff"}', "not JSON", None),
        (b'{"text": "\\ud800", "source": "de", "target": "en"}', "not JSON", None),
        (b"[]", "Expected `object`, got `array`", None),
        (b'{"text": "a", "source": "de"}', "target is missing.", "target"),
        (b'{"text": 1, "source": "de", "target": "en"}', "text: Expected `str | array`", "text"),
        (b'{"text": ["a", 1], "source": "de", "target": "en"}', "text[1]: Expected `str`", "text[1]"),
        (b'{"text": "a", "target": "en", "beamsize": 2}', "beamsize is no field of this request.", "beamsize"),
        (b'{"text": 1, "text": "a", "source": "de", "target": "en"}', "Expected `str | array`, got `int`", None),
        (b'{"text": 1, "source": 2, "typo": 3}', "typo is no field of this request. text: Expected", "typo"),
        (b'{"text": 1, "source": 2}', "got `int`. target is missing. source: Expected `str`, got `int`.", "text"),
        (b'{"text": "a", "target": "en", "format": "pdf"}', "format: Invalid enum value 'pdf'.", "format"),
        (b'{"text": "a", "target": "en", "format": "xml", "alignments": true}', 'needs format "text"', "alignments"),
        (b'{"text": "a", "target": "en", "stream": true, "scores": true}', "scores is not told", "scores"),
        (b'{"text": "a", "target": "en", "stream": true, "marks": true}', "marks is not told", "marks"),
        (b'{"text": "a", "target": "en", "glossary_ids": ["x"]}', "needs source", "glossary_ids"),
        (
            b'{"text": "a", "source": "de", "target": "en", "stream": true, "glossary_ids": ["x"]}',
            "does not go with stream",
            "glossary_ids",
        ),
        (
            b'{"text": "a", "source": "de", "target": "en", "glossary_ids": [' + b'"x",' * 99 + b'"x"]}',
            "glossary_ids has 100 ids; a request may have",
            "glossary_ids",
        ),
        (b'{"text": "a", "source": "de", "target": "en", "beam_size": "2"}', "beam_size: Expected", "beam_size"),
        (b'{"text": "a", "source": "de", "target": "en", "beam_size": 9}', "beam_size is 9; it must be 1 to 8", None),
    ],
)
def test_a_body_that_is_wrong(site: Site, body: bytes, says: str, field: str | None) -> None:
    detail = refused(site.ask("POST", "/v1/translate", content=body), 400, "invalid_request", says)
    assert detail.get("field") == field
