"""Ranges of activations as their makers found them, where they tell."""

import pytest

from export.calibration import ActivationRange, Calibration


@pytest.mark.parametrize(
    ("low", "high", "limit", "expected"),
    [
        (-1.0, 4.0, 8.0, (-2.0, 8.0)),
        (-4.0, 1.0, 2.0, (-2.0, 0.5)),
        # After a ReLU all steps stay on one side.
        (0.0, 4.0, 2.0, (0.0, 2.0)),
        (0.0, 0.0, 2.0, (0.0, 0.0)),
        (-1.0, 4.0, None, (-1.0, 4.0)),
    ],
)
def test_a_range_reaches_as_far_as_its_limit(
    low: float, high: float, limit: float | None, expected: tuple[float, float]
) -> None:
    scaled = ActivationRange(low, high).scaled_to(limit)
    assert (scaled.low, scaled.high) == expected


def test_only_sites_with_a_limit_change() -> None:
    found = {"a": ActivationRange(-1, 1), "b": ActivationRange(0, 3)}
    limited = Calibration(found, {}).within({"b": 6.0, "unknown": 1.0})
    assert limited.ranges == {"a": ActivationRange(-1, 1), "b": ActivationRange(0, 6)}
