"""Latency and throughput of a running server over HTTP: one client alone, then many at once.

    python benchmarks/http_latency.py --file sentences.de --source de --target en

Each client sends its next sentence when the last answer is in (closed loop), over one kept-alive connection.
Prints a table; `--json` writes the figures.
"""

import argparse
import asyncio
import json
import statistics
import time
from pathlib import Path

import aiohttp


async def client(session: aiohttp.ClientSession, url: str, jobs: list[dict[str, object]]) -> list[float]:
    """Send `jobs` one after another; the latency of each in seconds."""
    latencies = []
    for job in jobs:
        start = time.perf_counter()
        async with session.post(url, json=job) as response:
            response.raise_for_status()
            await response.read()
        latencies.append(time.perf_counter() - start)
    return latencies


async def measure(url: str, jobs: list[dict[str, object]], num_clients: int) -> dict[str, float]:
    """Figures of `jobs` shared among `num_clients` clients."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        await client(session, url, jobs[:3])  # connections and caches are warm before the clock starts
        start = time.perf_counter()
        latencies = await asyncio.gather(*(client(session, url, jobs[i::num_clients]) for i in range(num_clients)))
        wall_s = time.perf_counter() - start
    milliseconds = sorted(1000 * latency for each in latencies for latency in each)
    cuts = statistics.quantiles(milliseconds, n=100)
    return {
        "clients": num_clients,
        "sentences_per_s": round(len(milliseconds) / wall_s, 1),
        "p50_ms": round(cuts[49], 1),
        "p90_ms": round(cuts[89], 1),
        "p99_ms": round(cuts[98], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8000/v1/translate")
    parser.add_argument("--file", type=Path, required=True, help="one source sentence a line")
    parser.add_argument("--source", required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16, 32, 64])
    parser.add_argument("--sentences", type=int, default=500, help="sentences per measurement")
    parser.add_argument("--beam-size", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    lines = [line for line in options.file.read_text(encoding="utf-8").split("\n") if line.strip()]
    jobs: list[dict[str, object]] = [
        {"text": line, "source": options.source, "target": options.target, "beam_size": options.beam_size}
        for line in lines[: options.sentences]
    ]
    rows = [asyncio.run(measure(options.url, jobs, clients)) for clients in options.clients]
    print("| " + " | ".join(rows[0]) + " |\n|" + "---|" * len(rows[0]))
    for row in rows:
        print("| " + " | ".join(str(value) for value in row.values()) + " |")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
