"""From files to batches: nothing shifted, nothing lost without a count, the same order every time."""

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.corpus import sentences, write_corpus
from training.data.batches import BatchPlan, build_batch, cut
from training.data.clean import build_cleaner, pair_hash
from training.data.corpus import CorpusError, read_pairs
from training.data.store import prepare
from training.data.tokenizer import BOS, EOS, PAD, UNK, TokenizerError
from training.settings import DataSettings, TrainSettings, load_settings


def test_lines_end_at_newline_only(tmp_path: Path) -> None:
    tricky = [("eins\u2028zwei", "one two"), ("drei\x0cvier\x85", "three"), ("fünf", "five")]
    assert list(read_pairs(*write_corpus(tmp_path, "tricky", tricky, suffix=""))) == tricky


def test_misaligned_files_are_refused(tmp_path: Path) -> None:
    one, other = write_corpus(tmp_path, "train", sentences(5))
    other.write_bytes(gzip.compress(b"only one line\n"))
    with pytest.raises(CorpusError, match=r"train\.en\.gz ends after 1 lines"):
        list(read_pairs(one, other))


def test_truncated_gz_and_wrong_encoding_name_file_and_line(tmp_path: Path) -> None:
    one, other = write_corpus(tmp_path, "train", sentences(300))
    one.write_bytes(one.read_bytes()[:-20])
    with pytest.raises(CorpusError, match=r"train\.de\.gz: damaged or truncated"):
        list(read_pairs(one, other))
    one.write_bytes(gzip.compress("für\n".encode("latin-1")))
    with pytest.raises(CorpusError, match=r"train\.de\.gz, line 1: not UTF-8"):
        list(read_pairs(one, other))


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        ("Guten Tag", "Hello", None),
        ("  ", "Hello", "empty"),
        ("a" * 801, "b" * 801, "too_long"),
        ("Ja", "Yes, but only if everybody else agrees", "length_ratio"),
        ("Берлин и Москва", "Berlin and Moscow", "wrong_script"),
        ("12:30", "12.30", "wrong_script"),
        ("Berlin", "berlin ", "identical"),
        ("Łódź é über", "Lodz e uber", None),
    ],
)
def test_cleaning_reasons(one: str, other: str, reason: str | None) -> None:
    assert build_cleaner(DataSettings(), ("de", "en"))(one, other) == reason


def test_script_belongs_to_the_language() -> None:
    clean = build_cleaner(DataSettings(), ("ru", "en"))
    assert clean("Берлин и Москва", "Berlin and Moscow") is None
    assert clean("Berlin and Moscow.", "Berlin and Moscow") == "wrong_script"


def test_equal_pairs_share_a_hash_whichever_side_is_first() -> None:
    assert pair_hash("Tag", "day", ("de", "en")) == pair_hash("day", " Tag ", ("en", "de"))
    assert pair_hash("Tag", "day", ("de", "en")) != pair_hash("day", "Tag", ("de", "en"))


def test_store_keeps_text_counts_drops_and_is_reused(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = sentences(300)
    write_corpus(tmp_path, "train", [*pairs, *pairs[:7], ("", "nothing"), ("Haus " * 60, "house " * 60)])
    settings = load_settings(config)
    tokenizer, (corpus,) = prepare(settings, 1)
    printed = capsys.readouterr().out
    assert "300 of 309 pairs kept; dropped: empty 1, duplicate 7, too_many_ids 1" in printed
    assert len(corpus) == 300
    for index in (0, 150, 299):
        for side, language in enumerate(("de", "en")):
            assert tokenizer.decode([corpus.line(language, index).tolist()]) == [pairs[index][side]]
    prepare(settings, 1)
    assert capsys.readouterr().out == "", "the second run opens what the first one made"


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


def test_an_empty_corpus_is_refused(config: Path, tmp_path: Path) -> None:
    write_corpus(tmp_path, "train", [("", "")] * 4)
    with pytest.raises(CorpusError, match="grammar: no pair of 4 is left"):
        prepare(load_settings(config), 1)
    assert not (tmp_path / "run" / "data").exists()


@pytest.fixture
def plan(config: Path) -> BatchPlan:
    return build_plan(load_settings(config))


def build_plan(settings: TrainSettings) -> BatchPlan:
    tokenizer, corpora = prepare(settings, 1)
    return BatchPlan(corpora, tokenizer.tag_ids, settings.optim.max_batch_tokens, settings.run.seed)


def test_a_round_shows_every_line_once_in_each_direction(plan: BatchPlan) -> None:
    streams, lines, cuts, order = plan.plan(0)
    assert sorted(zip(streams.tolist(), lines.tolist(), strict=True)) == [(s, i) for s in (0, 1) for i in range(400)]
    assert sorted(order.tolist()) == list(range(len(cuts) - 1))


def test_batches_keep_to_the_budget_and_waste_little(plan: BatchPlan) -> None:
    padded = real = 0
    for batch in plan.batches(0):
        assert batch.source_ids.shape[0] * max(batch.source_ids.shape[1], batch.target_ids.shape[1]) <= 400
        padded += batch.source_ids.numel()
        real += int(batch.source_lengths.sum())
    assert padded < 1.05 * real


def test_batches_carry_tag_bos_and_eos(plan: BatchPlan) -> None:
    batch = next(plan.batches(0))
    assert set(batch.source_ids[:, 0].tolist()) <= {4, 5}
    assert (batch.target_inputs[:, 0] == BOS).all()
    rows = range(len(batch.source_ids))
    assert (batch.source_ids[rows, batch.source_lengths - 1] == EOS).all()
    assert (batch.target_ids[rows, batch.target_lengths - 1] == EOS).all()
    assert (batch.target_inputs[:, 1:] == batch.target_ids[:, :-1])[batch.target_ids[:, 1:] != PAD].all()


def test_order_follows_from_seed_and_round_and_resumes_in_the_middle(plan: BatchPlan) -> None:
    whole = [batch.source_ids.tolist() for batch in plan.batches(1)]
    assert [batch.source_ids.tolist() for batch in plan.batches(1, first=3)] == whole[3:]
    assert [batch.source_ids.tolist() for batch in plan.batches(2)] != whole


def test_weights_set_the_share_and_all_lines_get_their_turn(config: Path) -> None:
    text = config.read_text()
    start, end = text.index("[[corpora]]"), text.index("[[validation]]")
    second = text[start:end].replace('"grammar"', '"thin"').replace('"train.', '"thin.') + "weight = 0.25\n"
    config.write_text(text[:end] + second + text[end:])
    write_corpus(config.parent, "thin", sentences(600)[400:])
    plan = build_plan(load_settings(config))
    assert plan.draws.tolist() == [400, 400, 50, 50]
    seen = [set(), set(), set(), set()]  # type: list[set[int]]
    for number in range(4):
        streams, lines, _, _ = plan.plan(number)
        for stream in range(4):
            seen[stream] |= set(lines[streams == stream].tolist())
    assert [len(lines) for lines in seen] == [400, 400, 200, 200]


def test_cut_respects_the_longest() -> None:
    cuts = cut(np.array([2, 2, 3, 9, 9, 10]), 10)
    assert cuts.tolist() == [0, 3, 4, 5, 6]


def test_build_batch_pads_on_the_right() -> None:
    batch = build_batch([[4, 9, EOS], [5, EOS]], [[7], [7, 8]])
    assert batch.source_ids.tolist() == [[4, 9, EOS], [5, EOS, PAD]]
    assert batch.target_inputs.tolist() == [[BOS, 7, PAD], [BOS, 7, 8]]
    assert batch.target_ids.tolist() == [[7, EOS, PAD], [7, 8, EOS]]
    assert batch.num_target_tokens == 5
    assert replace(batch).target_lengths.tolist() == [2, 3]
