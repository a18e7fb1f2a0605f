"""Which model answers for which pair, and where bundles are found."""

from pathlib import Path

import pytest

from server.errors import BundleError, UnsupportedPairError
from server.models.loading import find_bundles
from server.models.models import Models
from tests.server.conftest import MakeModel
from tests.server.fakes import DE, EN, FakeEngine


@pytest.fixture
def two(make_model: MakeModel) -> Models:
    first = make_model(FakeEngine(), pairs=(("de", "en", EN), ("en", "de", DE)))
    second = make_model(FakeEngine(), pairs=(("de", "en", EN), ("fr", "en", EN)))
    return Models((first, second))


def test_the_first_model_with_the_pair_answers(two: Models) -> None:
    assert two.choose("DE", "en")[0] is two.all[0]
    model, pair = two.choose("fr", "en")
    assert (model, pair.source) == (two.all[1], "fr")


def test_a_pair_is_completed_from_what_is_given(two: Models) -> None:
    def completed(source: str | None, target: str | None) -> tuple[str, str]:
        pair = two.complete_pair(source, target)
        return pair.source, pair.target

    assert completed(None, None) == ("de", "en")
    assert completed("en", None) == ("en", "de")
    assert completed(None, "de") == ("en", "de")
    assert completed("FR", None) == ("fr", "en")
    with pytest.raises(UnsupportedPairError, match="there are: de-en, en-de, fr-en"):
        completed("fr", "de")


def test_one_failed_engine_is_enough_not_to_be_ready(make_model: MakeModel) -> None:
    engine = FakeEngine()
    models = Models((make_model(FakeEngine()), make_model(engine)))
    assert models.ready
    engine.failed = True
    assert not models.ready


def test_a_long_language_is_not_repeated_whole(two: Models) -> None:
    with pytest.raises(UnsupportedPairError) as raised:
        two.choose("x" * 10_000, "en")
    assert len(str(raised.value)) < 200


def test_bundles_are_found_in_a_folder_or_are_the_folder(tmp_path: Path) -> None:
    for name in ("b", "a", "empty"):
        (tmp_path / name).mkdir()
    for name in ("b", "a"):
        (tmp_path / name / "manifest.json").write_text("{}")
    assert find_bundles(tmp_path) == [tmp_path / "a", tmp_path / "b"]
    assert find_bundles(tmp_path / "b") == [tmp_path / "b"]
    with pytest.raises(BundleError, match="holds no bundle"):
        find_bundles(tmp_path / "empty")
