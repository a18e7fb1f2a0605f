"""Callers who ask when they want to, not when the server is ready: as DeepL's client, plainly, or to hang up."""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import aiohttp

from load.arrivals import READ_TIMEOUT_S, Arrival, retry_waits
from load.questions import Known, ask, outcome_of, read_told

# A caller that hangs up does so after this long at most.
MAX_PATIENCE_S = 1.0
# So long a plain caller waits; the server's deadline is earlier, so none should have to.
GIVE_UP_S = 30.0
MANNERS = ("deepl", "native", "hasty")
# The callers of a storm come from so many addresses, and are as many to the server.
NUM_ADDRESSES = 8


@dataclass(frozen=True)
class Attempt:
    """One request of a storm. Times are seconds after its start.

    Attributes:
        number: 0 for the first, more for those that follow a refusal.
        intended_s: when it was to be sent; latency counts from here.
        sent_s: when it was; later only if this process was too slow.
        outcome: `accepted`, `refused`, `late`, `hung up`, `timed out`, `failed` or another status.
        num_chars: of the text.
        right: whether the answer was the known one; None if there was none.
    """

    manner: str
    number: int
    intended_s: float
    sent_s: float
    ended_s: float
    outcome: str
    status: int
    num_chars: int
    right: bool | None

    @property
    def seconds(self) -> float:
        """From when it was to be sent."""
        return self.ended_s - self.intended_s


class Storm:
    """Sends arrivals at their times, whatever happens to them, and writes down what does."""

    def __init__(self, url: str, known: Mapping[str, Sequence[Known]], seed: int) -> None:
        """
        Args:
            known: the questions of each manner of caller.
        """
        self._url = url
        self._known = known
        self._random = random.Random(seed)
        self._started = 0.0
        self._over = asyncio.Event()
        self.attempts: list[Attempt] = []

    @property
    def now_s(self) -> float:
        """Seconds after the start."""
        return time.perf_counter() - self._started

    async def run(self, sessions: Sequence[aiohttp.ClientSession], arrivals: Sequence[Arrival], seconds: float) -> None:
        """Send `arrivals`; when the time is over nobody asks again. Answers still to come are not waited for."""
        self._started = time.perf_counter()
        self._tasks = set[asyncio.Task[None]]()
        for i, arrival in enumerate(arrivals):
            if (wait_s := arrival.at_s - self.now_s) > 0:
                await asyncio.sleep(wait_s)
            task = asyncio.create_task(self._behave(sessions[i % len(sessions)], arrival))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        await asyncio.sleep(max(0.0, seconds - self.now_s))
        self._over.set()

    async def finish(self) -> None:
        """Wait for the answers that are still to come."""
        await asyncio.gather(*self._tasks)

    async def _behave(self, session: aiohttp.ClientSession, arrival: Arrival) -> None:
        known = self._known[arrival.manner][arrival.question]
        if arrival.manner == "deepl":
            await self._retry(session, arrival, known)
        else:
            patience_s = self._random.uniform(0, MAX_PATIENCE_S) if arrival.manner == "hasty" else GIVE_UP_S
            await self._attempt(session, arrival.manner, 0, arrival.at_s, known, patience_s)

    async def _retry(self, session: aiohttp.ClientSession, arrival: Arrival, known: Known) -> None:
        """As DeepL's client: it asks again after 429, 5xx and time-outs."""
        next_s = arrival.at_s
        for number, wait_s in enumerate([*retry_waits(self._random), None]):
            attempt = await self._attempt(session, arrival.manner, number, next_s, known, READ_TIMEOUT_S)
            if wait_s is None or not is_retried(attempt):
                return
            next_s = max(next_s + wait_s, self.now_s)
            try:
                await asyncio.wait_for(self._over.wait(), next_s - self.now_s)
                return
            except TimeoutError:
                continue

    async def _attempt(
        self,
        session: aiohttp.ClientSession,
        manner: str,
        number: int,
        intended_s: float,
        known: Known,
        patience_s: float,
    ) -> Attempt:
        sent_s, status, right = self.now_s, 0, None
        try:
            async with asyncio.timeout(patience_s):
                status, body = await ask(session, self._url, known.question)
            outcome = outcome_of(status, body)
            if outcome == "accepted":
                right = read_told(known.question.path, status, body) == known.told
        except TimeoutError:
            outcome = "hung up" if manner == "hasty" else "timed out"
        except aiohttp.ClientError:
            outcome = "failed"
        num_chars = known.question.num_chars
        attempt = Attempt(manner, number, intended_s, sent_s, self.now_s, outcome, status, num_chars, right)
        self.attempts.append(attempt)
        return attempt


def is_retried(attempt: Attempt) -> bool:
    """Whether DeepL's client asks again."""
    return attempt.outcome == "timed out" or attempt.status == 429 or attempt.status >= 500
