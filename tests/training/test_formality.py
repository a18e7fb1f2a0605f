"""Formality: German tells its form, and what is read says which form it is to be translated in."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from tests.corpus import write_corpus
from tests.training.test_rows import stored
from training.config import ConfigError
from training.data import store
from training.data.formality import FINDERS, FormMarker, find_form
from training.data.tokenizer import BOS, UNK
from training.settings import FORMAL_LANGUAGES, load_settings


def test_sources_are_marked_with_the_form_of_their_targets(config: Path) -> None:
    pairs = [("Kommen Sie %s?", "Are you coming %s?"), ("Kommst du %s?", "Are you coming %s?"), ("Gut %s.", "Good %s.")]
    words = [f"{one}{other}" for one in "abcdefghij" for other in "klmnopqrst"]
    write_corpus(config.parent, "train", [(de % word, en % word) for word in words for de, en in pairs])
    tokenizer, corpus = stored(config, 'formality.targets=["de"]', "formality.share=0.5", "tokenizer.vocab_size=340")
    assert corpus.variants == 0
    marks: dict[str, list[int]] = {"Sie": [], "du": [], "": []}
    ids, offsets = corpus.rows("en", read=True)
    for line, (start, end) in enumerate(itertools.pairwise(offsets)):
        (de,) = tokenizer.decode([corpus.line("de", line).tolist()])
        kind = next(kind for kind in marks if kind in de.split()) if "Kom" in de else ""
        first = int(ids[start])
        marks[kind].append(first if first in (BOS, UNK) else -1)
        assert ids[start:end].tolist()[first in (BOS, UNK) :] == corpus.line("en", line).tolist()
    assert [set(found) for found in marks.values()] == [{BOS, -1}, {UNK, -1}, {-1}]
    assert all(30 < found.count(-1) < 70 for kind, found in marks.items() if kind)
    assert np.array_equal(*(corpus.rows("de", read)[0] for read in (True, False))), "English asks for no form"


def test_merged_lines_are_marked_as_they_read_together(config: Path) -> None:
    write_corpus(
        config.parent, "train", [(f"Kommt {w}.", f"They come {w}.") for w in "abcdefgh"] + [("Du auch.", "You too.")]
    )
    tokenizer, corpus = stored(
        config,
        'formality.targets=["de"]',
        "formality.share=1",
        "noise.merged=1",
        "noise.copies=0",
        "tokenizer.vocab_size=283",
    )
    for line in range(len(corpus)):
        (de,) = tokenizer.decode([corpus.line("de", line).tolist()])
        ids, offsets = corpus.rows("en", read=True)
        assert (ids[offsets[line]] == UNK) == ("Du" in de)


def test_a_mark_makes_no_row_too_long(config: Path) -> None:
    marker = FormMarker(("en", "de"), ["de"], 1.0, "1")
    texts = [("Come", "Komm zu dir")] * 2
    assert marker.mark([[[9] * 4, [9] * 3], [[9] * 4, [9] * 3]], texts, 4) == [
        [[9] * 4, [UNK, 9, 9, 9]],
        [[9] * 4, [9] * 3],
    ]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("Können Sie mir helfen?", "formal"),
        ("Klicken Sie auf OK.", "formal"),
        ("Ich danke Ihnen für Ihre Mühe.", "formal"),
        ("Sie kommen morgen. Sie sind müde.", None),
        ("Er sagte: „Sie schläft.“", None),
        ("Kannst du mir helfen?", "informal"),
        ("Dein Hut liegt hier.", "informal"),
        ("Ist das euer Boot?", "informal"),
        ("Gib mir das Buch!", "informal"),
        ("Nein. Komm her!", "informal"),
        ("Halt Sie das nicht auf?", "formal"),
        ("Sagen Sie ihm, dass du kommst.", None),
        ("Das Duo spielt.", None),
        ("Ihr Hut liegt hier.", None),
    ],
)
def test_german_tells_its_form(text: str, form: str | None) -> None:
    assert find_form("de", text) == form
    assert find_form("en", text) is None


def test_what_is_known_of_forms_is_allowed_and_nothing_else(config: Path) -> None:
    assert set(FINDERS) == set(FORMAL_LANGUAGES)
    with pytest.raises(ConfigError, match=r"formality.targets has 'en'; it must be a language .*: de"):
        load_settings(config, ['formality.targets=["en"]'])
    with pytest.raises(ConfigError, match=r"formality.share = 0.0; it is a share of the lines, above 0"):
        load_settings(config, ["formality.share=0"])


def test_a_store_says_what_it_was_made_with(config: Path) -> None:
    plain, marked = (store._fingerprint(load_settings(config, more)) for more in ([], ['formality.targets=["de"]']))
    assert plain != marked
    assert plain == store._fingerprint(load_settings(config, ["formality.share=0.3"])), "of nothing"
