"""Punctuation becomes what sacremoses makes of it, and each character knows where it was."""

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacremoses import MosesPunctNormalizer

from server.text.punctuation import Punctuation

LINES = [
    "„So“ ist’s – ‚genau‘ … 5 % ( ja ) , nein ;",
    "«\u00a0Voilà\u00a0» : 1\u00a0000 nº\u00a05 ?",
    'He said "yes", ``no\'\' and "maybe."  (x ) .',
    "３．５，《中文》。完 【x】",
    "a\u200bb\u00adc \ue000 🫨",
    "",
]


def theirs(language: str, text: str) -> str:
    normalizer = MosesPunctNormalizer(language, perl_parity=True)
    signs = normalizer.replace_unicode_punct(text)
    plain = "".join(" " if unicodedata.category(char) in ("Cc", "Cf", "Co") else char for char in signs)
    found: str = normalizer.normalize(plain)
    return found


@pytest.mark.parametrize("language", ["de", "en", "cs", "fi"])
def test_text_is_what_sacremoses_makes_of_it(language: str) -> None:
    rules = Punctuation(language)
    for line in LINES:
        assert rules.normalise(line)[0].strip() == theirs(language, line)


@given(text=st.text(alphabet="ab 12.,;:!?%()«»„“”‘’‚'\"`´…–—\u00a0，。《》１０"))
@settings(deadline=None)
def test_any_text_is_followed(text: str) -> None:
    found, places = RULES.normalise(text)
    assert found.strip() == theirs("de", text)
    assert len(places) == len(found)
    assert places == sorted(places)
    for char, at in zip(found, places, strict=True):
        # Letters and plain numbers stay what they are.
        assert not re.match("[ab12]", char) or text[at] in (char, "１", "０")


RULES = Punctuation("de")


def test_signs_are_where_they_were() -> None:
    text = "„So“ … 5 %"
    found, places = RULES.normalise(text)
    assert found == '"So" ... 5%'
    assert [text[at] for at in places] == ["„", "S", "o", "“", " ", "…", "…", "…", " ", "5", "%"]
