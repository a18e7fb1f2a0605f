"""Batches: nothing lost, nothing wasted, the same order every time."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.corpus import sentences, write_corpus
from training.data.batches import Batch, BatchPlan, build_batch, cut, pad
from training.data.shares import shares
from training.data.store import prepare
from training.data.tokenizer import BOS, EOS, PAD, describe_ours
from training.settings import TrainSettings, load_settings


@pytest.fixture
def plan(config: Path) -> BatchPlan:
    return build_plan(load_settings(config))


def build_plan(settings: TrainSettings) -> BatchPlan:
    tokenizer, corpora = prepare(settings, 1)
    optim, data = settings.optim, settings.data
    return BatchPlan(corpora, tokenizer.scheme, optim.max_batch_tokens, settings.run.seed, data.sampling_temperature)


def two_corpora(config: Path) -> None:
    """Add a second corpus of 200 other lines and a quarter of the weight, in one direction, to `config`."""
    text = config.read_text()
    start, end = text.index("[[corpora]]"), text.index("[[validation]]")
    second = text[start:end].replace('"grammar"', '"thin"').replace('"train.', '"thin.')
    config.write_text(text[:end] + second + 'weight = 0.25\ndirections = ["en-de"]\n\n' + text[end:])
    write_corpus(config.parent, "thin", sentences(620)[420:])


def test_a_round_shows_every_line_once_in_each_direction(plan: BatchPlan) -> None:
    batches = plan.round(0)
    shown = sorted(zip(batches.streams.tolist(), batches.rows.tolist(), strict=True))
    assert shown == [(stream, line) for stream in (0, 1) for line in range(400)]
    assert sorted(batches.order.tolist()) == list(range(len(batches.cuts) - 1))
    assert sum(len(batch.source_ids) for batch in batches) == 800


def test_fast_batches_are_the_slow_ones(config: Path) -> None:
    """Every batch of a mixed round, with variants, against one put together line by line."""
    two_corpora(config)
    plan = build_plan(load_settings(config, ["tokenizer.variants=1"]))
    batches = plan.round(3)
    for batch, place in zip(batches, batches.order, strict=True):
        sources, targets = [], []
        for number in range(batches.cuts[place], batches.cuts[place + 1]):
            stream = plan.streams[batches.streams[number]]
            line, variant = divmod(int(batches.rows[number]), 2)
            sources.append([*stream.prefix, *stream.corpus.line(stream.source, line, variant).tolist(), EOS])
            targets.append(stream.corpus.line(stream.target, line, variant).tolist())
        assert_equal(batch, build_batch(sources, targets, plan.scheme))


def assert_equal(one: Batch, other: Batch) -> None:
    """Equal in every tensor's values and type."""
    for name, tensor in vars(one).items():
        assert tensor.dtype == torch.int64, name
        assert torch.equal(tensor, vars(other)[name]), name


def test_passes_take_turns_among_variants(config: Path) -> None:
    plan = build_plan(load_settings(config, ["tokenizer.variants=2"]))
    for number in range(6):
        batches = plan.round(number)  # a round is one pass over each stream here
        assert set((batches.rows % 3).tolist()) == {number % 3}
        for stream in (0, 1):
            assert sorted(batches.rows[batches.streams == stream] // 3) == list(range(400))
        longest = [max(batch.source_ids.shape[1], batch.target_ids.shape[1]) for batch in batches]
        assert all(len(batch.source_ids) * most <= 400 for batch, most in zip(batches, longest, strict=True))


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
    two_corpora(config)
    plan = build_plan(load_settings(config))
    # 1,000 lines in all streams together, divided as 400 : 400 : 0.25 x 200.
    assert plan.draws.tolist() == [471, 471, 59]
    seen: list[set[int]] = [set(), set(), set()]
    for number in range(4):
        batches = plan.round(number)
        for stream in range(3):
            seen[stream] |= set(batches.rows[batches.streams == stream].tolist())
    assert [len(lines) for lines in seen] == [400, 400, 200]


def test_a_corpus_may_have_several_passes_in_a_round(config: Path) -> None:
    two_corpora(config)
    config.write_text(config.read_text().replace("weight = 0.25", "weight = 10"))
    plan = build_plan(load_settings(config))
    count = int(plan.draws[2])
    assert count > 2 * 200
    shown = [batches.rows[batches.streams == 2] for batches in map(plan.round, range(3))]
    times = np.bincount(np.concatenate(shown), minlength=200)
    assert set(times.tolist()) <= {3 * count // 200, 3 * count // 200 + 1}


def test_temperature_raises_small_corpora(config: Path) -> None:
    two_corpora(config)
    plan = build_plan(load_settings(config, ["data.sampling_temperature=2"]))
    # 20 : 20 : 0.25 x sqrt(200)
    assert plan.draws.tolist() == [459, 459, 81]


def test_shares() -> None:
    assert shares([1, 0.5], [300, 200], 1).tolist() == [0.75, 0.25]
    assert np.allclose(shares([1, 1], [900, 100], 2), [0.75, 0.25])
    assert np.allclose(shares([2, 1], [900, 100], 1e6), [2 / 3, 1 / 3], atol=1e-5)
    assert shares([1, 1], [10**9, 1], 0.001).tolist() == [1.0, 0.0]


def test_cut_respects_the_longest() -> None:
    cuts = cut(np.array([2, 2, 3, 9, 9, 10]), 10)
    assert cuts.tolist() == [0, 3, 4, 5, 6]


@pytest.mark.parametrize("budget", [30, 100, 1000])
def test_cut_is_greedy(budget: int) -> None:
    longest = np.random.default_rng(budget).integers(1, 31, 500)
    longest[250:].sort()
    expected, widest = [0], 0
    for index, length in enumerate(longest.tolist()):
        widest = max(widest, length)
        if widest * (index + 1 - expected[-1]) > budget:
            expected.append(index)
            widest = length
    assert cut(longest, budget).tolist() == [*expected, 500]


def test_pad() -> None:
    ids, lengths = pad([[7, 8, 9], [], [6]])
    assert ids.tolist() == [[7, 8, 9], [PAD] * 3, [6, PAD, PAD]]
    assert lengths.tolist() == [3, 0, 1]
    assert ids.dtype == lengths.dtype == torch.int64


def test_build_batch_pads_on_the_right() -> None:
    scheme = describe_ours([("de", "en")], {"en": 5}, (10, 10))
    batch = build_batch([[4, 9, EOS], [5, EOS]], [[7], [7, 8]], scheme)
    assert batch.source_ids.tolist() == [[4, 9, EOS], [5, EOS, PAD]]
    assert batch.target_inputs.tolist() == [[BOS, 7, PAD], [BOS, 7, 8]]
    assert batch.target_ids.tolist() == [[7, EOS, PAD], [7, 8, EOS]]
    assert batch.num_target_tokens == 5
    assert replace(batch).target_lengths.tolist() == [2, 3]
