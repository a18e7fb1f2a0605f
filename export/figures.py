"""What the makers of a model say of its quality, where they say it in a form that is known."""

import math
from collections.abc import Mapping
from typing import Any

KEY = "flores"


def read_figures(metadata: Mapping[str, Any]) -> dict[str, float]:
    """Mozilla's figures on FLORES, such as `flores bleu` (of 100) and `flores comet` (of 1); none if there are none.

    Source: mozilla/firefox-translations-models, models/*/*/metadata.json.
    """
    said = metadata.get(KEY)
    if not isinstance(said, dict):
        return {}
    numbers = {name: value for name, value in said.items() if isinstance(value, int | float)}
    return {
        f"{KEY} {name}": float(value)
        for name, value in numbers.items()
        if not isinstance(value, bool) and math.isfinite(value)
    }
