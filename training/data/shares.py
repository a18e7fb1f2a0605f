"""How often each corpus has its turn."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def shares(weights: Sequence[float], lines: Sequence[int], temperature: float) -> npt.NDArray[np.float64]:
    """Shares [n], summing to 1, of corpora by their `weights` and numbers of `lines`.

    In proportion to weight x lines^(1 / `temperature`): above 1 it raises small corpora.
    """
    # Relative to the largest, so that a low temperature cannot overflow.
    mass = np.array(weights) * (np.array(lines) / max(lines)) ** (1 / temperature)
    return mass / mass.sum()  # type: ignore[no-any-return]
