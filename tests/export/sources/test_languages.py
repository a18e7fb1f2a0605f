"""Codes of languages, as other toolkits write them."""

import pytest

from export.sources.languages import GROUPS, STANDARD, is_group, served_code, served_codes


@pytest.mark.parametrize(
    ("code", "served"),
    [
        ("deu", "de"),
        ("eng_Latn", "en"),
        ("hin_Deva", "hi"),
        ("cmn_Hans", "zh-hans"),
        ("zh_TW", "zh-hant"),
        ("zho", "zh"),
        ("pob", "pt-br"),
        ("pt_br", "pt-br"),
        ("fr_BE", "fr-be"),
        ("pes", "fa"),
        ("gos", "gos"),
        ("ZH", "zh"),
        ("zh-hans", "zh-hans"),
    ],
)
def test_a_code_is_served_as(code: str, served: str) -> None:
    assert served_code(code) == served


def test_no_two_languages_are_served_under_one_code() -> None:
    codes = ["srp_Latn", "srp_Cyrl", "cmn", "zho", "cmn_Hans", "tat_Arab", "tat", "tat_Latn", "uzb_Latn", "uzb_Cyrl"]
    assert served_codes(codes) == {
        "sr": "srp_Cyrl",
        "sr-latn": "srp_Latn",
        "zh": "zho",
        "cmn": "cmn",
        "zh-hans": "cmn_Hans",
        "tt": "tat",
        "tt-arab": "tat_Arab",
        "tt-latn": "tat_Latn",
        "uz": "uzb_Latn",
        "uz-cyrl": "uzb_Cyrl",
    }
    assert served_codes(["zh_cn", "zh_CN"]) == {"zh-hans": "zh_cn", "zh-cn": "zh_CN"}


def test_groups_are_no_languages() -> None:
    assert all(map(is_group, ("mul", "gmw", "ROMANCE", "NORTH_EU", "ine")))
    assert not any(map(is_group, ("deu", "ZH", "cmn_Hans", "eng")))
    assert GROUPS.isdisjoint(STANDARD)
