"""When requests come, and what became of those: a Poisson stream, DeepL's schedule of retries, percentiles."""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, repeat, takewhile

# As DeepL's Python client 1.32 (http_client.py): the next attempt begins so long after the last one began, or at once
# if that took longer.
RETRY_FIRST_S = 1.0
RETRY_FACTOR = 1.6
RETRY_JITTER = 0.23
MAX_ATTEMPTS = 6
READ_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Arrival:
    """A request to come.

    Attributes:
        at_s: seconds after the start.
        manner: how its caller behaves, a name of `load.callers.MANNERS`.
        question: which one it asks.
    """

    at_s: float
    manner: str
    question: int


def poisson_times(rate: float, seconds: float, random_source: random.Random) -> list[float]:
    """Times of a Poisson stream of `rate` per second, up to `seconds`: nobody waits for anybody's answer."""
    gaps = (random_source.expovariate(rate) for _ in repeat(None))
    return list(takewhile(lambda at_s: at_s < seconds, accumulate(gaps)))


def plan_arrivals(
    rate: float, seconds: float, shares: dict[str, float], num_questions: dict[str, int], seed: int
) -> list[Arrival]:
    """Arrivals of callers of all manners, in order.

    Args:
        rate: per second, all together.
        shares: of each manner; they add up to 1.
        num_questions: that callers of each manner choose among.
    """
    source = random.Random(seed)
    manners, weights = list(shares), list(shares.values())
    arrivals = []
    for at_s in poisson_times(rate, seconds, source):
        manner = source.choices(manners, weights)[0]
        arrivals.append(Arrival(at_s, manner, source.randrange(num_questions[manner])))
    return arrivals


def retry_waits(random_source: random.Random) -> Iterator[float]:
    """Seconds from the beginning of each attempt after which the next one may begin; one fewer than attempts."""
    for i in range(MAX_ATTEMPTS - 1):
        # The client's first wait has no jitter.
        jitter = RETRY_JITTER * random_source.uniform(-1, 1) if i else 0.0
        yield RETRY_FIRST_S * RETRY_FACTOR**i * (1 + jitter)


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that `share` of all are no larger than (nearest rank); None if there are no values."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
