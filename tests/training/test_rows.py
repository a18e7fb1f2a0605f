"""What is stored of a line with noise: both sides alike, within the longest length, as often as asked for."""

import itertools
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from training.checkpoint import CheckpointError
from training.data.batches import BatchPlan
from training.data.store import StoredCorpus, prepare
from training.data.tokenizer import Tokenizer
from training.resume import refuse_changes
from training.settings import load_settings, without_paths


def stored(config: Path, *overrides: str) -> tuple[Tokenizer, StoredCorpus]:
    """The tokenizer and the only corpus of `config`'s store."""
    tokenizer, (corpus,) = prepare(load_settings(config, overrides), 1)
    return tokenizer, corpus


def texts(tokenizer: Tokenizer, corpus: StoredCorpus, language: str, read: bool) -> list[str]:
    """All rows of a language."""
    ids, offsets = corpus.rows(language, read)
    return tokenizer.decode([ids[a:b].tolist() for a, b in itertools.pairwise(offsets)])


def test_without_noise_rows_are_read_as_they_are_translated_into(config: Path) -> None:
    _, corpus = stored(config, "noise.copies=5")
    assert corpus.variants == 0, "copies of nothing are none"
    assert corpus.rows("de", read=True)[0] is corpus.rows("de", read=False)[0]
    assert not list((config.parent / "run" / "data").rglob("*.source.bin"))


def test_copies_are_changed_on_both_sides_and_slips_are_only_read(config: Path) -> None:
    tokenizer, corpus = stored(config, "noise.copies=2", "noise.ending=0.5", "noise.typos=0.5")
    assert (len(corpus), corpus.variants) == (400, 2)
    de, en = (texts(tokenizer, corpus, language, read=False) for language in ("de", "en"))
    assert len(de) == len(en) == 1200
    assert [a.endswith(".") for a in de] == [b.endswith(".") for b in en]
    assert 100 < sum(not line.endswith(".") for line in de) < 600
    read = texts(tokenizer, corpus, "de", read=True)
    slips = [place for place in range(1200) if read[place] != de[place]]
    assert 450 < len(slips) < 750
    assert len({place % 3 for place in slips}) == 3, "every copy has its own"
    cleaned = [line.rstrip(".!…") for line in de]
    assert cleaned[0::3] == cleaned[1::3] == cleaned[2::3], "the copies of a line stand beside each other"


def test_stores_with_noise_built_twice_are_equal_and_another_share_makes_another(config: Path) -> None:
    noise = ["noise.copies=1", "noise.marks=0.5", "noise.typos=0.3"]
    _, one = stored(config, *noise, f"run.dir={config.parent / 'one'}")
    _, two = stored(config, *noise, f"run.dir={config.parent / 'two'}")
    assert all(np.array_equal(one.rows("de", read)[0], two.rows("de", read)[0]) for read in (True, False))
    _, other = stored(config, *noise, "noise.marks=0.4", f"run.dir={config.parent / 'one'}")
    assert not np.array_equal(one.rows("de", read=False)[0], other.rows("de", read=False)[0])


def test_what_noise_makes_too_long_stays_as_it_was(config: Path) -> None:
    tokenizer, corpus = stored(config, "noise.copies=1", "noise.merged=1.0", "data.max_length=40")
    rows = np.arange(len(corpus) * 2)
    assert corpus.lengths("de", rows).max() <= 38
    assert corpus.lengths("en", rows, read=True).max() <= 38
    joined = sum(line.count(".") > 1 for line in texts(tokenizer, corpus, "en", read=False))
    assert 0 < joined < len(rows)


def test_noise_and_sampled_segmentations_go_together(config: Path) -> None:
    tokenizer, corpus = stored(config, "noise.copies=2", "noise.ending=0.5", "tokenizer.variants=1")
    assert corpus.variants == 2
    de = texts(tokenizer, corpus, "de", read=False)
    assert all(100 < sum(not line.endswith(".") for line in de[copy::3]) < 300 for copy in range(3))
    best = {line: tokenizer.encode([line])[0] for line in de}
    differing = [
        sum(corpus.line("de", index, copy).tolist() != best[de[index * 3 + copy]] for index in range(400))
        for copy in range(3)
    ]
    assert differing[0] == differing[2] == 0 < differing[1]


def test_batches_read_slips_and_learn_what_was_meant(config: Path) -> None:
    tokenizer, corpus = stored(config, "noise.copies=0", "noise.typos=1.0")
    plan = BatchPlan([corpus], tokenizer.scheme, 400, 1)
    sources, targets = set[str](), set[str]()
    for batch in plan.batches(0):
        lengths = batch.source_lengths.tolist()
        rows = [row[1 : length - 1] for row, length in zip(batch.source_ids.tolist(), lengths, strict=True)]
        sources |= set(tokenizer.decode(rows))
        ends = batch.target_lengths.tolist()
        targets |= set(
            tokenizer.decode([row[: end - 1] for row, end in zip(batch.target_ids.tolist(), ends, strict=True)])
        )
    read = set(texts(tokenizer, corpus, "de", read=True)) | set(texts(tokenizer, corpus, "en", read=True))
    meant = set(texts(tokenizer, corpus, "de", read=False)) | set(texts(tokenizer, corpus, "en", read=False))
    assert sources == read
    assert targets == meant


def test_a_run_keeps_its_noise_and_older_ones_had_none(config: Path) -> None:
    settings = load_settings(config)
    saved = json.loads(json.dumps(asdict(without_paths(settings))))
    del saved["noise"], saved["formality"]
    refuse_changes(saved, settings, Path("old"))
    with pytest.raises(CheckpointError, match=r"noise: .*'marks': 0.0.* then, .*'marks': 0.1"):
        refuse_changes(saved, load_settings(config, ["noise.marks=0.1"]), Path("old"))
