"""Which directions a model serves, by what its files say of it and by what a user asks for."""

from pathlib import Path

import pytest
import sentencepiece

from export.errors import ExportError
from export.sources.directions import MAX_DIRECTIONS, Said, choose_pairs, say_directions
from export.sources.pieces import Vocabulary, list_pieces, silence_tags
from tests.corpus import sentences

TAGS = {"deu": (5,), "por": (6,), "pob": (7,), "eng": (8,)}
CARD = """
### gem-eng

* source group: Germanic languages
* source language(s): afr deu nld_Latn
* target language(s): eng
* valid target language IDs: `>>eng<<`
"""


def chosen(tags: dict[str, tuple[int, ...]], said: Said | None, *asked: tuple[str, str]) -> dict[str, tuple[int, ...]]:
    return {f"{pair.source}-{pair.target}": pair.prefix_ids for pair in choose_pairs(tags, said, asked)}


def test_all_that_the_tags_and_the_name_tell() -> None:
    assert chosen(TAGS, Said(("eng",), ("mul",))) == {"en-de": (5,), "en-pt": (6,), "en-pt-br": (7,)}
    both = Said(("mul",), ("mul",))
    assert len(chosen(TAGS, both)) == 4 * 3
    assert chosen({}, Said(("deu", "nld"), ("eng",))) == {"de-en": (), "nl-en": ()}
    assert chosen({}, Said(("de",), ("en",))) == {"de-en": ()}


def test_those_that_are_asked_for_in_any_way_to_write_a_language() -> None:
    said = Said(("eng",), ("mul",))
    assert chosen(TAGS, said, ("en", "pt-br"), ("eng", "deu"), ("en", "por"), ("en", "pt")) == {
        "en-pt-br": (7,),
        "en-de": (5,),
        "en-pt": (6,),
    }
    assert chosen({"srp_Latn": (1,), "srp_Cyrl": (2,)}, said, ("en", "srp_Latn"), ("en", "sr")) == {
        "en-sr-latn": (1,),
        "en-sr": (2,),
    }
    assert chosen({}, None, ("de", "en"), ("nld", "eng")) == {"de-en": (), "nl-en": ()}


def test_what_nobody_can_know_is_asked_in_words() -> None:
    for tags, said, asked, message in (
        (TAGS, None, (), r"translates into .*; give --pair"),
        ({}, None, (), "nothing says which languages the model translates; give --pair"),
        ({}, Said(("mul",), ("eng",)), (), "reads mul, a group of languages that nothing lists"),
        ({}, Said(("eng",), ("ROMANCE",)), (), "writes ROMANCE, a group"),
        ({}, Said(("eng",), ("nob", "nno")), (), "writes nob, nno, several languages"),
        (TAGS, Said(("gmw",), ("mul",)), (), "reads gmw, a group"),
        (TAGS, None, (("en", "fr"),), "no target language 'fr'; it has de, en, pt, pt-br"),
    ):
        with pytest.raises(ExportError, match=message):
            choose_pairs(tags, said, asked)
    many = {f"q{a}{b}": (1,) for a in "abcdefghijklmnopqrst" for b in "abcdefghijklmnopqrst"}
    with pytest.raises(ExportError, match=f"has 400 directions, and a bundle at most {MAX_DIRECTIONS}"):
        choose_pairs(many, Said(("eng",), ("mul",)), ())
    assert len(choose_pairs(many, None, [("en", "qaa"), ("en", "qab")])) == 2


def test_what_a_models_files_say(tmp_path: Path) -> None:
    assert say_directions(tmp_path, "Helsinki-NLP/opus-mt-tc-big-en-pt") == Said(("en",), ("pt",))
    assert say_directions(tmp_path, "opus-mt-en-ROMANCE") == Said(("en",), ("ROMANCE",))
    assert say_directions(tmp_path, "opus-mt-NORTH_EU-NORTH_EU") == Said(("NORTH_EU",), ("NORTH_EU",))
    assert say_directions(tmp_path, "opus-mt-tc-bible-big-deu_eng_fra_por_spa-mul") == Said(
        ("deu", "eng", "fra", "por", "spa"), ("mul",)
    )
    assert say_directions(tmp_path, "my model") is None
    assert say_directions(tmp_path, "my model", ("eng", "zh_cn")) == Said(("eng",), ("zh_cn",))
    (tmp_path / "README.md").write_text(CARD)
    # It lists what a group has; a language that is named by itself is what the model is for.
    assert say_directions(tmp_path, "opus-mt-gem-en") == Said(("afr", "deu", "nld_Latn"), ("en",))
    assert say_directions(tmp_path, "opus-mt-de-en") == Said(("de",), ("en",))
    assert say_directions(tmp_path, "unpacked") == Said(("afr", "deu", "nld_Latn"), ("eng",))


@pytest.mark.parametrize("kind", ["user_defined_symbols", "control_symbols"])
def test_tags_in_a_model_that_cuts_text_are_no_text(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "vocab"
    lines = [text for pair in sentences(200) for text in pair]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_prefix=str(path),
        vocab_size=120,
        hard_vocab_limit=False,
        minloglevel=2,
        **{kind: [">>deu<<", ">>eng<<"]},
    )
    before = sentencepiece.SentencePieceProcessor(model_file=f"{path}.model")
    content, prefixes = silence_tags(Path(f"{path}.model").read_bytes(), "vocab.spm")
    after = sentencepiece.SentencePieceProcessor(model_proto=content)
    tags = Vocabulary(list_pieces(content), eos=2, unk=0, prefixes=prefixes).tags
    assert set(tags) == {"deu", "eng"}
    text = "The key. >>eng<< Der Hut."
    assert not {tags["deu"][-1], tags["eng"][-1]} & set(after.encode(text))
    if kind == "user_defined_symbols":
        # Text that begins with the tag has the same ids as what the server makes of tag and text.
        assert [*tags["deu"], *after.encode("The key.")] == before.encode(">>deu<< The key.")
    else:
        assert tags["deu"] == (before.piece_to_id(">>deu<<"),)
    assert silence_tags(content, "vocab.spm")[1] == {}


def test_a_vocabulary_without_tags_stays_as_it_is() -> None:
    fixture = Path(__file__).with_name("marian") / "ssru"
    for path in fixture.glob("*.spm"):
        content = path.read_bytes()
        assert silence_tags(content, path.name) == (content, {})
