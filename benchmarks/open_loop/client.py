"""The load: requests at the times of a Poisson stream, whatever becomes of those before. A process of its own.

    python -m open_loop.client < JOB.json

A latency counts from the time a request was to be sent. One that fails, or is not answered in `GIVE_UP_S`, counts as
having taken `GIVE_UP_S`. Prints a JSON object.
"""

import asyncio
import json
import random
import sys
import time
from dataclasses import asdict, dataclass

import aiohttp
from hdrh.histogram import HdrHistogram
from load.arrivals import poisson_times

from open_loop.adapters import ADAPTERS, Adapter

GIVE_UP_S = 20.0
# The event loop's timers are a millisecond late; the last bit is waited for by asking again and again.
SPIN_S = 0.0015


@dataclass(frozen=True)
class Job:
    """What to send.

    Attributes:
        url: of the server, without path.
        rate: requests per second, on average.
        warm_s, seconds: arrivals of the first `warm_s` are not counted, those of `seconds` after them are.
        first: with which of `lines` to begin; they follow each other and begin anew after the last.
    """

    url: str
    adapter: str
    source: str
    target: str
    lines: tuple[str, ...]
    rate: float
    warm_s: float
    seconds: float
    seed: int
    first: int


@dataclass(frozen=True)
class Heard:
    """What became of the requests that count.

    Attributes:
        per_s: answers per second, until the last one.
        lag_ms: how late the client sent, 99th percentile; what the latencies owe to it.
        cpu: of one core, that the client took.
    """

    sent: int
    failed: int
    per_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    lag_ms: float
    cpu: float


async def send(session: aiohttp.ClientSession, url: str, adapter: Adapter, body: bytes) -> bool:
    """Whether it was answered with a translation."""
    headers = {"Content-Type": "application/json"}
    try:
        async with session.post(url + adapter.path, data=body, headers=headers) as response:
            answer = await response.read()
            if response.status != 200:
                return False
        adapter.read(answer)
    except (aiohttp.ClientError, TimeoutError, KeyError, IndexError, TypeError, ValueError):
        return False
    return True


async def run(job: Job) -> Heard:
    """Send them all, and wait for the answers."""
    adapter = ADAPTERS[job.adapter]
    times = poisson_times(job.rate, job.warm_s + job.seconds, random.Random(job.seed))
    bodies = [adapter.encode(line, job.source, job.target) for line in job.lines]
    latencies, lags = (HdrHistogram(1, int(1e6 * GIVE_UP_S), 3) for _ in range(2))  # us
    failed, last_s, tasks = 0, 0.0, set[asyncio.Task[None]]()

    async def ask(number: int, at_s: float, counts: bool) -> None:
        nonlocal failed, last_s
        sent_s = time.perf_counter() - start
        is_answered = await send(session, job.url, adapter, bodies[number % len(bodies)])
        end_s = time.perf_counter() - start
        if counts:
            failed += not is_answered
            latencies.record_value(max(1, round(1e6 * (end_s - at_s if is_answered else GIVE_UP_S))))
            lags.record_value(max(1, round(1e6 * (sent_s - at_s))))
            last_s = max(last_s, end_s)

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(GIVE_UP_S)) as session:
        start, cpu_s = time.perf_counter(), time.process_time()
        for i, at_s in enumerate(times):
            await _wait(start + at_s)
            task = asyncio.create_task(ask(job.first + i, at_s, at_s >= job.warm_s))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)
        cpu = (time.process_time() - cpu_s) / (time.perf_counter() - start)
    sent = sum(at_s >= job.warm_s for at_s in times)
    p50, p95, p99 = (latencies.get_value_at_percentile(p) / 1000 for p in (50, 95, 99))
    per_s = (sent - failed) / max(job.seconds, last_s - job.warm_s)
    lag_ms = lags.get_value_at_percentile(99) / 1000
    return Heard(sent, failed, per_s, p50, p95, p99, latencies.get_max_value() / 1000, lag_ms, cpu)


async def _wait(until: float) -> None:
    remaining_s = until - time.perf_counter()
    if remaining_s > SPIN_S:
        await asyncio.sleep(remaining_s - SPIN_S)
    while time.perf_counter() < until:
        await asyncio.sleep(0)


def main() -> None:
    """Do the job that standard input has."""
    job = json.load(sys.stdin)
    print(json.dumps(asdict(asyncio.run(run(Job(**job | {"lines": tuple(job["lines"])}))))))


if __name__ == "__main__":
    main()
