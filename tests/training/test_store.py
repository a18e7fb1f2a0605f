"""The id store: keeps the text, is made once, and leaves nothing half-written."""

import errno
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sentencepiece

from tests.corpus import sentences, write_corpus
from training.data import encode, store
from training.data.corpus import CorpusError
from training.data.store import build_store, open_store, prepare
from training.data.tokenizer import BOS, EOS, PAD, UNK, Tokenizer, TokenizerError, train_tokenizer
from training.settings import TokenizerSettings, TrainSettings, load_settings


def test_store_keeps_the_text_and_is_reused(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pairs = sentences(300)
    write_corpus(config.parent, "train", [pairs[0], *pairs])
    settings = load_settings(config)
    tokenizer, (corpus,) = prepare(settings, 1)
    assert len(corpus) == 300
    assert corpus.variants == 0
    for index in (0, 150, 299):
        for side, language in enumerate(("de", "en")):
            assert tokenizer.decode([corpus.line(language, index).tolist()]) == [pairs[index][side]]
    capsys.readouterr()
    prepare(settings, 1)
    assert capsys.readouterr().out == "", "the second run opens what the first one made"


def test_opening_needs_a_store_and_builds_none(config: Path) -> None:
    settings = load_settings(config)
    with pytest.raises(CorpusError, match=r"no store of ids in .*data; build_store makes it"):
        open_store(settings)
    build_store(settings, 1)
    built, opened = prepare(settings, 1)[1][0], open_store(settings)[1][0]
    assert all(np.array_equal(built.ids[language], opened.ids[language]) for language in ("de", "en"))


@pytest.mark.parametrize(
    "change", ["run.seed=7", "data.leaked=keep", "data.max_chars=700", "tokenizer.vocab_size=381", "corpora.0.weight=2"]
)
def test_what_the_store_is_made_from_makes_it_anew(config: Path, change: str) -> None:
    settings = load_settings(config)
    build_store(settings, 1)
    before = store._fingerprint_of(config.parent / "run" / "data")
    if change.startswith("corpora"):
        changed = replace(settings, corpora=(replace(settings.corpora[0], weight=2.0),))
    else:
        changed = load_settings(config, [change])
    assert store._fingerprint(changed) != before
    same = load_settings(config, ["data.max_validation_lines=3", "optim.max_steps=9"])
    assert store._fingerprint(same) == before
    write_corpus(config.parent, "dev", sentences(430)[400:])
    assert store._fingerprint(settings) != before, "other validation lines may leak"


def test_special_ids_are_fixed_and_text_cannot_make_them(config: Path) -> None:
    tokenizer, _ = prepare(load_settings(config), 1)
    processor = tokenizer.processor
    found = processor.pad_id(), processor.unk_id(), processor.bos_id(), processor.eos_id()
    assert found == (PAD, UNK, BOS, EOS) == (0, 1, 2, 3)
    assert tokenizer.tag_ids == {"de": 4, "en": 5}
    (ids,) = tokenizer.encode(["<2de> </s> <pad> \N{DROMEDARY CAMEL}"])
    assert not {PAD, UNK, BOS, EOS, 4, 5} & set(ids)
    assert tokenizer.decode([ids]) == ["<2de> </s> <pad> \N{DROMEDARY CAMEL}"]


def test_too_small_a_text_for_the_vocabulary_is_told(config: Path) -> None:
    with pytest.raises(TokenizerError, match="no tokenizer of 8000 pieces"):
        prepare(load_settings(config, ["tokenizer.vocab_size=8000"]), 1)
    assert_nothing_left(config)


def assert_nothing_left(config: Path) -> None:
    """Neither a store nor a part of one."""
    assert not list((config.parent / "run").glob("*"))
    assert not list((config.parent / "run").glob(".*"))


@pytest.mark.parametrize(
    ("pairs", "override", "message"),
    [
        ([("", "")] * 4, "data.max_chars=800", "grammar: no pair of 4 is left after cleaning: empty 4"),
        (sentences(400), "data.max_length=3", "grammar: 0 of 400 pairs kept; dropped: too_many_ids 400"),
    ],
)
def test_a_corpus_of_which_nothing_is_left_is_refused(
    config: Path, pairs: list[tuple[str, str]], override: str, message: str
) -> None:
    write_corpus(config.parent, "train", pairs)
    with pytest.raises(CorpusError, match=message):
        build_store(load_settings(config, [override]), 1)
    assert_nothing_left(config)


def test_a_full_disk_is_told_and_the_old_store_stays(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(config)
    build_store(settings, 1)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(encode.IdWriter, "write", full)
    with pytest.raises(CorpusError, match=r"no space left on the device while writing .*\.data\.tmp"):
        build_store(load_settings(config, ["run.seed=2"]), 1)
    assert [path.name for path in (config.parent / "run").iterdir()] == ["data"]
    assert len(open_store(settings)[1][0]) == 400


def test_an_interrupted_build_leaves_nothing(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(encode.IdWriter, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build_store(load_settings(config), 1)
    assert_nothing_left(config)


@pytest.fixture
def model(config: Path) -> Path:
    """A tokenizer trained elsewhere, in a folder like a checkpoint."""
    path = config.parent / "checkpoint" / "tokenizer.model"
    path.parent.mkdir()
    train_tokenizer(_lines(), TokenizerSettings(vocab_size=390), ("de", "en"), path, 1)
    return path


def _lines() -> list[str]:
    return [side for pair in sentences(500) for side in pair]


def _given(config: Path, name: str, path: Path) -> TrainSettings:
    return load_settings(config, [f"{name}={path}"])


def test_a_given_tokenizer_is_taken_over(config: Path, model: Path) -> None:
    build_store(load_settings(config), 1)
    for settings in (_given(config, "tokenizer.path", model), _given(config, "run.init_from", model.parent)):
        tokenizer, _ = prepare(settings, 1)
        assert tokenizer.path.read_bytes() == model.read_bytes()
        assert tokenizer.vocab_size == 390
        before = store._fingerprint(settings)
        train_tokenizer(_lines(), TokenizerSettings(vocab_size=391), ("de", "en"), model, 1)
        assert store._fingerprint(settings) != before
        assert prepare(settings, 1)[0].vocab_size == 391, "the file has changed under the same name"
        train_tokenizer(_lines(), TokenizerSettings(vocab_size=390), ("de", "en"), model, 1)


def test_path_and_init_from_must_agree(config: Path, model: Path) -> None:
    other = config.parent / "other.model"
    shutil.copyfile(model, other)
    overrides = [f"tokenizer.path={other}", f"run.init_from={model.parent}"]
    build_store(load_settings(config, overrides), 1)
    train_tokenizer(_lines(), TokenizerSettings(vocab_size=395), ("de", "en"), other, 1)
    with pytest.raises(TokenizerError, match=r"other\.model is another tokenizer than .*checkpoint.* leave"):
        build_store(load_settings(config, overrides), 1)


def test_a_missing_tokenizer_is_told_with_its_folder(config: Path, tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match=rf"run.init_from: there is no tokenizer.model in {tmp_path / 'no'}"):
        build_store(_given(config, "run.init_from", tmp_path / "no"), 1)
    with pytest.raises(TokenizerError, match=rf"tokenizer.path: there is no spm.model in {tmp_path}"):
        build_store(_given(config, "tokenizer.path", tmp_path / "spm.model"), 1)


def test_unusable_tokenizers_are_refused_before_anything_is_read(config: Path, model: Path) -> None:
    (config.parent / "train.de.gz").write_bytes(b"would be refused")
    settings = _given(config, "tokenizer.path", model)
    model.write_bytes(b"something else")
    with pytest.raises(TokenizerError, match=r"tokenizer\.model is not a SentencePiece model"):
        build_store(settings, 1)
    train_tokenizer(_lines(), TokenizerSettings(vocab_size=390), ("de", "fr"), model, 1)
    with pytest.raises(TokenizerError, match="has no piece <2en>: it was trained for other languages"):
        build_store(settings, 1)
    with model.open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(_lines()), model_writer=file, vocab_size=390, byte_fallback=True, minloglevel=1
        )
    with pytest.raises(TokenizerError, match=r"pad, unk, bos and eos at \(-1, 0, 1, 2\); they must be at \(0, 1, 2, 3"):
        build_store(settings, 1)
    assert_nothing_left(config)


@pytest.mark.parametrize("lowercase", [False, True])
def test_equal_text_gives_a_tokenizer_of_equal_bytes(tmp_path: Path, lowercase: bool) -> None:
    settings = TokenizerSettings(vocab_size=375, lowercase=lowercase)
    for name in ("one.model", "other.model"):
        train_tokenizer(_lines(), settings, ("de", "en"), tmp_path / name, 1)
    assert (tmp_path / "one.model").read_bytes() == (tmp_path / "other.model").read_bytes()


def test_lowercase_tokenizer(tmp_path: Path) -> None:
    """It reads any case and writes lower case, keeps its Umlaute and its sharp s, and normalises as the other does."""
    path = tmp_path / "tokenizer.model"
    train_tokenizer(_lines(), TokenizerSettings(vocab_size=375, lowercase=True), ("de", "en"), path, 1)
    tokenizer = Tokenizer(path, ("de", "en"))
    assert tokenizer.lowercase
    written = ["DIE GROẞE Straße", "Öl u\u0308ber A\u030a", "ﬁne\u200b\t①Ａ  ΑΣ"]
    assert tokenizer.decode(tokenizer.encode(written)) == ["die große straße", "öl über å", "fine 1a ασ"]
    train_tokenizer(_lines(), TokenizerSettings(vocab_size=390), ("de", "en"), path, 1)
    assert not Tokenizer(path, ("de", "en")).lowercase
