"""Requests and characters per minute, counted in a sliding window."""

import math
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from server.errors import RateLimitedError

if TYPE_CHECKING:
    from limits.strategies import SlidingWindowCounterRateLimiter


class Rates:
    """The rates of all callers of this process. For the event loop's thread alone."""

    def __init__(self) -> None:
        self._limiter: SlidingWindowCounterRateLimiter | None = None

    def take(self, caller: str, amounts: Mapping[str, int], limits: Mapping[str, int | None]) -> None:
        """Count `amounts` for `caller`, each of which `limits` may allow only so much of in a minute; all, or none.

        Raises:
            RateLimitedError: saying when to come back.
        """
        limited = {name: limit for name, limit in limits.items() if limit is not None}
        if not limited:
            return
        from limits import RateLimitItemPerMinute

        limiter = self._load()
        items = {name: RateLimitItemPerMinute(limit, namespace=name) for name, limit in limited.items()}
        for name, item in items.items():
            # More than a minute's worth could never be taken: it goes alone, and uses up the minute.
            if not limiter.test(item, caller, cost=min(amounts[name], item.amount)):
                wait_s = max(limiter.get_window_stats(item, caller).reset_time - time.time(), 1.0)
                raise RateLimitedError(
                    f"More than {item.amount} {name} per minute; ask again in {math.ceil(wait_s)} s.", wait_s
                )
        for name, item in items.items():
            limiter.hit(item, caller, cost=min(amounts[name], item.amount))

    def _load(self) -> "SlidingWindowCounterRateLimiter":
        """The limiter; its library takes a quarter of a second to import, which those without limits need not pay."""
        if self._limiter is None:
            from limits.storage import MemoryStorage
            from limits.strategies import SlidingWindowCounterRateLimiter

            self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        return self._limiter
