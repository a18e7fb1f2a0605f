"""Which updates may be made: none whose gradient is not a number, none whose gradient leaps."""

import math
from dataclasses import dataclass, replace

from training.settings import OptimSettings

# The usual norm is an average over about this many updates, and is trusted once it has seen as many.
MEMORY = 100


class TrainingError(Exception):
    """A run that cannot go on."""


@dataclass(frozen=True)
class Guard:
    """What is remembered of the gradient norms so far.

    Attributes:
        usual: geometric moving average of the norms of the updates made.
        seen: updates made.
        skipped: updates skipped since the last one made.
    """

    usual: float = 1.0
    seen: int = 0
    skipped: int = 0

    def judge(self, norm: float, optim: OptimSettings) -> "Guard":
        """The guard after an update of gradient norm `norm`; it is to be skipped if `skipped` has risen.

        Raises:
            TrainingError: too many in a row had to be skipped.
        """
        leap = bool(optim.spike_ratio) and self.seen >= MEMORY and norm > optim.spike_ratio * self.usual
        if math.isfinite(norm) and not leap:
            share = 1 / min(self.seen + 1, MEMORY)
            usual = math.exp((1 - share) * math.log(self.usual) + share * math.log(max(norm, 1e-30)))
            return Guard(usual, self.seen + 1, 0)
        if self.skipped + 1 >= optim.max_skipped:
            raise TrainingError(
                f"the run has diverged: {optim.max_skipped} updates in a row were unfit, the last with gradient norm "
                f"{norm:.3g} where {self.usual:.3g} is usual. Resume from the last checkpoint with a smaller "
                f"optim.learning_rate (now {optim.learning_rate}) or a longer optim.warmup_steps "
                f"(now {optim.warmup_steps})."
            )
        return replace(self, skipped=self.skipped + 1)
