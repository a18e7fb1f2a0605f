"""Ids and back, whatever a user types."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.text.tokenizer import Tokenizer


def test_round_trip(tokenizer: Tokenizer) -> None:
    text = "Guten Morgen, wie geht es dir heute? 中 😀"
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_a_control_symbol_written_out_is_text(tokenizer: Tokenizer) -> None:
    for text in ("<2de>", "<s>", "</s>", "<pad>", "<unk>"):
        ids = tokenizer.encode(text)
        assert not set(ids) & {0, 1, 2, 3, 4, 5}
        assert tokenizer.decode(ids) == text


def test_specials_are_not_decoded(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("the house")
    assert tokenizer.decode([2, 4, *ids, 1, 0, 5, 3]) == "the house"
    assert tokenizer.decode([]) == ""


def test_control_characters_are_dropped_and_white_space_is_a_space(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode("the\x00 ho\x1buse\x7f") == tokenizer.encode("the house")
    assert tokenizer.encode("the\n\thouse\x0c") == tokenizer.encode("the house")


def test_control_characters_spelt_in_bytes_are_not_decoded(tokenizer: Tokenizer) -> None:
    newline, escape = 6 + 0x0A, 6 + 0x1B  # byte pieces follow the six specials
    the, house = tokenizer.encode("the"), tokenizer.encode("house")
    assert tokenizer.decode([*the, newline, *house, escape]).split() == ["the", "house"]
    assert "\x1b" not in tokenizer.decode([*the, escape])


@given(text=st.text(alphabet=st.characters(exclude_categories=())))
@settings(deadline=None)
def test_any_text_becomes_ids_of_the_vocabulary(tokenizer: Tokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    assert all(5 < i < tokenizer.vocab_size or i == 1 for i in ids)
    tokenizer.decode(ids).encode()


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "spm.model").write_bytes(b"nonsense")
    with pytest.raises((OSError, RuntimeError)):
        Tokenizer.load(tmp_path / "spm.model")


def test_a_letter_and_its_mark_are_looked_up_as_one(tokenizer: Tokenizer) -> None:
    composed, apart = "sch\u00f6n", "scho\u0308n"
    assert tokenizer.find_lacking(composed) == set()
    assert tokenizer.find_lacking(apart) == set()
    assert "\u030c" in tokenizer.find_lacking("Dvora\u0301r\u030ck")
