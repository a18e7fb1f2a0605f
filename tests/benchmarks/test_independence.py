"""Sentences alone and in company: no difference is found where there is none, and a planted one is."""

from pathlib import Path

import pytest

from benchmarks import independence
from server.bundle import read_bundle
from tests.server.engine.toy import random_sources, write_toy_bundle


def test_company_changes_nothing(tmp_path: Path) -> None:
    bundle = write_toy_bundle(tmp_path / "bundle", "attention")
    found = list(independence.compare(bundle, random_sources(40, 3, 30, seed=1), [1, 3], num_threads=2))
    assert [(each.beam_size, each.company, each.differing) for each in found] == [
        (1, "mixes", 0),
        (1, "load", 0),
        (3, "mixes", 0),
        (3, "load", 0),
    ]


def test_a_difference_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The company swaps the answers of the first two sentences."""

    def swap(engine: independence.Engine, sources: independence.Sources, beam_size: int) -> independence.Answers:
        first, second, *others = independence.translate_alone(engine, sources, beam_size)
        return [second, first, *others]

    monkeypatch.setattr(independence, "COMPANY", {"swapped": swap})
    bundle = write_toy_bundle(tmp_path / "bundle", "attention")
    [found] = independence.compare(bundle, random_sources(5, 3, 30, seed=1), [1], num_threads=1)
    assert found.differing == 2


def test_an_unknown_direction_is_refused_by_name(tmp_path: Path) -> None:
    bundle = read_bundle(write_toy_bundle(tmp_path / "bundle", "attention").path)
    with pytest.raises(SystemExit, match=r"--source de --target xx: .* serves de-en"):
        independence.read_sources(tmp_path / "none", bundle, "de", "xx", 10)
