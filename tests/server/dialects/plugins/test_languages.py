"""Languages as plug-ins write them."""

import pytest

from server.bundle import LanguagePair
from server.dialects.plugins.languages import find_source, find_target
from server.errors import InvalidRequestError

PAIRS = [LanguagePair("en", "zh", ()), LanguagePair("zh", "en", ()), LanguagePair("de", "pb", ())]


@pytest.mark.parametrize("code", ["", "auto", "Auto-detect", " AUTO "])
def test_to_be_detected(code: str) -> None:
    assert find_source(code, PAIRS) is None
    with pytest.raises(InvalidRequestError, match="target language is none of those served: zh-Hans, en, pt-BR"):
        find_target(code, PAIRS)


@pytest.mark.parametrize(
    ("code", "means"),
    [
        ("zh-CN", "zh"),
        ("zh-Hans", "zh"),
        ("Simplified Chinese", "zh"),
        ("EN-US", "en"),
        ("English", "en"),
        ("pt-BR", "pb"),
        ("Portuguese (Brazilian)", "pb"),
    ],
)
def test_a_code_or_a_name(code: str, means: str) -> None:
    assert find_target(code, PAIRS) == means


@pytest.mark.parametrize("code", ["zh-TW", "Traditional Chinese", "fr", "French", "x" * 500])
def test_what_is_not_served_is_not_repeated(code: str) -> None:
    with pytest.raises(InvalidRequestError) as raised:
        find_source(code, PAIRS)
    assert code not in str(raised.value)
