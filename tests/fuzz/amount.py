"""How many cases are tried, and how many were."""

import os
from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, settings

FACTOR = int(os.environ.get("FERRY_FUZZ", "1"))
# Cases by name of the test.
tried: Counter[str] = Counter()


def fuzz(max_examples: int) -> Callable[[Any], Any]:
    """Settings for a test of so many cases, or of FERRY_FUZZ times as many."""
    return settings(
        max_examples=max_examples * FACTOR,
        derandomize=FACTOR == 1,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )


def count() -> None:
    """One more case of the test that runs now."""
    tried[os.environ.get("PYTEST_CURRENT_TEST", "?").partition(" ")[0].rpartition("/")[2]] += 1
