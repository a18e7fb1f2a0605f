"""Codes as clients write them and as models have them."""

import pytest

from server.dialects.codes import match_code, show_code, show_regional_code


@pytest.mark.parametrize(
    ("asked", "served", "means"),
    [
        (" EN-US ", "en", "en"),
        ("zh_CN", "zh", "zh"),
        ("zh-TW", "zh", None),
        ("iw", "he", "he"),
        ("he", "iw", None),
        ("no", "nb", "nb"),
        ("nb-NO", "no", "no"),
        ("fil", "tl", "tl"),
        ("", "de", None),
    ],
)
def test_what_a_code_means(asked: str, served: str, means: str | None) -> None:
    assert match_code(asked, served.split()) == means


@pytest.mark.parametrize(("code", "script", "region"), [("zh", "zh-Hans", "zh-CN"), ("zt", "zh-Hant", "zh-TW")])
def test_how_chinese_is_shown(code: str, script: str, region: str) -> None:
    assert (show_code(code), show_regional_code(code)) == (script, region)


@pytest.mark.parametrize(("code", "shown"), [("de", "de"), ("pb", "pt-BR")])
def test_how_others_are_shown(code: str, shown: str) -> None:
    assert (show_code(code), show_regional_code(code)) == (shown, shown)
