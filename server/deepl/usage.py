"""How many characters this process has translated for the dialect, and the limit on them."""

from collections.abc import Iterator
from contextlib import contextmanager

from server.deepl.errors import QuotaExceededError


class Usage:
    """A counter from the start of the process. Used in the event loop's thread only, so it needs no lock."""

    def __init__(self, limit: int | None) -> None:
        """`limit` in characters, None for no limit."""
        self.limit = limit
        self.count = 0

    @contextmanager
    def charged(self, num_chars: int) -> Iterator[None]:
        """Count `num_chars`, at once, so that requests side by side cannot pass the limit; give back what fails.

        Raises:
            QuotaExceededError
        """
        if self.limit is not None and self.count + num_chars > self.limit:
            raise QuotaExceededError(
                f"The quota of {self.limit} characters has {max(0, self.limit - self.count)} left; "
                f"this request has {num_chars}."
            )
        self.count += num_chars
        try:
            yield
        except BaseException:
            self.count -= num_chars
            raise
