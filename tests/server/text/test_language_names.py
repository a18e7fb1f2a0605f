"""Names of languages in menus."""

import pytest

from server.text.language_names import NAMES, language_name


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("de", "German"),
        ("PT-BR", "Portuguese (Brazilian)"),
        ("sr-latn", "Serbian (Latin)"),
        ("fr-be", "French (BE)"),
        ("gos", "gos"),
        ("gos-latn", "gos-latn"),
    ],
)
def test_a_code_is_shown_as(code: str, name: str) -> None:
    assert language_name(code) == name


def test_every_language_with_two_letters_has_a_name() -> None:
    assert len([code for code in NAMES if len(code) == 2]) > 180
    assert all(name and name == name.strip() for name in NAMES.values())
