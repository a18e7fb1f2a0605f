"""What calibration finds out: which values the activations take, and the keys and values that are kept."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from export.arithmetic import Array

# The largest magnitude of a number in the int8 cache.
CACHE_LIMIT = 127


@dataclass(frozen=True)
class ActivationRange:
    """Values of a site that must be told apart; 0 is always inside, and exact."""

    low: float
    high: float

    def scaled_to(self, limit: float | None) -> "ActivationRange":
        """The same range with `limit` as its larger magnitude; as it is for None, or where all values are 0."""
        reach = max(self.high, -self.low, 0.0)
        factor = 1.0 if limit is None or reach == 0 else limit / reach
        return ActivationRange(self.low * factor, self.high * factor)

    @property
    def scale(self) -> np.float32:
        """Size of one of 255 steps."""
        return np.float32((max(self.high, 0.0) - min(self.low, 0.0)) / 255 or 1.0)

    @property
    def zero_point(self) -> np.uint8:
        """The number that means 0; 0 itself where nothing is negative."""
        return np.uint8(round(-min(self.low, 0.0) / float(self.scale)))


@dataclass(frozen=True)
class Calibration:
    """What was measured: of the linear maps' inputs, and of what the cache keeps.

    Attributes:
        ranges: by site, the path of a linear map in the graphs; of its input.
        cache_maxima: by name of the linear module that gives keys or values: the largest magnitude of each feature [D].
    """

    ranges: Mapping[str, ActivationRange]
    cache_maxima: Mapping[str, Array]

    def within(self, limits: Mapping[str, float]) -> "Calibration":
        """With the ranges of the sites in `limits` grown or shrunk until their larger side is that number.

        Which side is the larger one, and what share of it the smaller one has, stays as measured: an input that is
        never negative keeps all steps for what it is.
        """
        return replace(self, ranges={site: found.scaled_to(limits.get(site)) for site, found in self.ranges.items()})

    def cache_scale(self, module: str) -> Array:
        """[D]: what 1 in the int8 cache stands for; a feature that is always 0 has some scale."""
        maxima = self.cache_maxima[module]
        return np.where(maxima > 0, maxima, 1).astype(np.float32) / np.float32(CACHE_LIMIT)
