"""Five times more than the server can do, for a minute: what it still does, how fast it refuses, how soon it is back.

    python benchmarks/overload.py --file sentences.de --output overload/

Starts a `ferry-serve` of its own on loopback, with one engine thread and without cache, finds what it can do at most
with as many callers as it likes (closed loop), then sends so many times that for `--seconds`, in open loop: a Poisson
stream, where nobody waits for anybody's answer, and latency counts from when a request was to be sent. A part of the
callers are DeepL's client (`/v2`, with its retries, which come on top), a part ask `/v1` with the default deadline, a
part hang up. They come from several addresses of this machine, so they are several callers to the server. Afterwards
one caller alone asks what it asked before, until it is answered as fast. Every answer is compared with what the same
question was answered alone.

On a machine with two cores the load competes with the server: give each its own with `--server-core 0 --client-core 1`
(the default). The server's one core then runs its engine and its HTTP, so refusals cost it goodput: that is measured,
too.

Writes `overload.json`, `overload.md` and `overload.png`. Exit status 1 if an answer was wrong or a bar was missed.
"""

import argparse
import asyncio
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import uvloop
from load.arrivals import plan_arrivals
from load.callers import NUM_ADDRESSES, Storm
from load.overload_page import write_report
from load.overload_report import Peak, Probe, Reading, Report
from load.process import Server, read_metrics
from load.questions import Known, Question, ask, ask_alone, json_question, outcome_of, read_told

# How the callers of the storm behave.
SHARES = {"deepl": 0.4, "native": 0.5, "hasty": 0.1}
NUM_PROBES = 12
PROBE_WORDS = range(8, 26)
MAX_PROBING_S = 20.0
PEAK_CALLERS = (48, 96)
READ_EVERY_S = 1.0


def native_question(text: str, source: str, target: str, beam_size: int | None) -> Question:
    """For `/v1`; `beam_size` None takes the model's."""
    fields = {"text": text, "source": source, "target": target}
    return json_question("/v1", "/v1/translate", fields if beam_size is None else {**fields, "beam_size": beam_size})


def build_questions(lines: Sequence[str], source: str, target: str) -> dict[str, list[Question]]:
    """The questions of each manner of caller: half of `/v1` greedy, half as the model's bundle says."""
    codes = {"source_lang": source.upper(), "target_lang": target.upper()}
    native = [native_question(line, source, target, 1 if i % 2 else None) for i, line in enumerate(lines)]
    deepl = [json_question("/v2", "/v2/translate", {"text": [line], **codes}) for line in lines]
    return {"deepl": deepl, "native": native}


async def learn(
    session: aiohttp.ClientSession, url: str, questions: dict[str, list[Question]]
) -> dict[str, list[Known]]:
    """The questions with their answers; those who hang up ask what the plain callers do."""
    known = {manner: await ask_alone(session, url, each) for manner, each in questions.items()}
    return {**known, "hasty": known["native"]}


@dataclass
class _Count:
    right: int = 0
    wrong: int = 0
    num_chars: int = 0


async def find_peak(
    session: aiohttp.ClientSession, url: str, known: dict[str, list[Known]], num_callers: int, seconds: float, seed: int
) -> Peak:
    """Goodput with so many callers that each ask again when they are answered, with all the time they need."""
    source, count = random.Random(seed), _Count()
    begin = time.perf_counter() + 0.2 * seconds  # the first fifth fills the rows
    end = begin + seconds

    async def call() -> None:
        while time.perf_counter() < end:
            [manner] = source.choices(list(SHARES), list(SHARES.values()))
            each = source.choice(known[manner])
            question = each.question
            patient = Question(
                question.kind,
                question.path,
                question.body,
                question.num_chars,
                {**question.headers, "Prefer": "wait=60"},
            )
            status, body = await ask(session, url, patient)
            if status != 200 or not begin <= time.perf_counter() < end:
                continue
            if read_told(question.path, status, body) == each.told:
                count.right += 1
                count.num_chars += question.num_chars
            else:
                count.wrong += 1

    await asyncio.gather(*(call() for _ in range(num_callers)))
    return Peak(num_callers, count.right / seconds, count.num_chars / seconds, count.wrong)


async def probe(session: aiohttp.ClientSession, url: str, known: Known, started: float) -> Probe:
    """Ask once; times are seconds after `started`."""
    begun = time.perf_counter()
    status, body = await ask(session, url, known.question)
    right = read_told(known.question.path, status, body) == known.told if status == 200 else None
    return Probe(begun - started, time.perf_counter() - begun, outcome_of(status, body), right)


async def probe_until_back(
    session: aiohttp.ClientSession, url: str, probes: Sequence[Known], before_s: Sequence[float]
) -> tuple[list[Probe], float | None]:
    """Ask one after another until three in a row are within twice what they took before; and when the first began."""
    started, done, in_a_row = time.perf_counter(), list[Probe](), 0
    while time.perf_counter() - started < MAX_PROBING_S:
        i = len(done) % len(probes)
        done.append(await probe(session, url, probes[i], started))
        is_back = done[-1].outcome == "accepted" and done[-1].seconds <= 2 * before_s[i]
        in_a_row = in_a_row + 1 if is_back else 0
        if in_a_row == 3:
            return done, done[-3].at_s
        if done[-1].outcome != "accepted":
            await asyncio.sleep(0.05)
    return done, None


async def watch(
    session: aiohttp.ClientSession, server: Server, storm: Storm, readings: list[Reading], every_s: float
) -> None:
    """Read what the server says and holds, until cancelled."""
    while True:
        metrics, usage = await read_metrics(session, server.url), server.usage()
        readings.append(
            Reading(
                storm.now_s,
                usage.rss_bytes,
                int(metrics["ferry_engine_rows_in_use"]),
                int(metrics["ferry_engine_waiting_sentences"]),
                int(metrics["ferry_engine_waiting_ids"]),
                *server.cpu_s(),
                time.process_time(),
            )
        )
        await asyncio.sleep(every_s)


def _session(address: str) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(limit=0, local_addr=(address, 0))
    return aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=120))


async def run(options: argparse.Namespace, server: Server) -> Report:
    """Learn, find the peak, storm, and wait until the server is back."""
    lines = [line for line in options.file.read_text("utf-8").split("\n") if line.strip()]
    lines = random.Random(options.seed).sample(lines, min(options.sentences, len(lines)))
    async with AsyncExitStack() as stack:
        alone = await stack.enter_async_context(_session("127.0.0.1"))
        sessions = [await stack.enter_async_context(_session(f"127.0.0.{2 + i}")) for i in range(NUM_ADDRESSES)]
        known = await learn(alone, server.url, build_questions(lines, options.source, options.target))
        probes = [each for each in known["native"] if _num_words(each) in PROBE_WORDS][:NUM_PROBES]
        rounds = [[await probe(alone, server.url, each, 0.0) for each in probes] for _ in range(3)]
        before_s = [statistics.median(each.seconds for each in same) for same in zip(*rounds, strict=True)]
        peaks = [
            await find_peak(alone, server.url, known, num_callers, options.peak_s, options.seed)
            for num_callers in options.peak_callers
        ]
        peak = max(peaks, key=lambda each: each.sentences_per_s)
        rate = options.rate or options.times * peak.sentences_per_s
        print(f"peak {peak.sentences_per_s:.1f} sentences/s; now {rate:.0f}/s for {options.seconds:g} s", flush=True)
        num_known = {manner: len(each) for manner, each in known.items()}
        arrivals = plan_arrivals(rate, options.seconds, SHARES, num_known, options.seed)
        storm, readings = Storm(server.url, known, options.seed), list[Reading]()
        watcher = asyncio.create_task(watch(alone, server, storm, readings, options.read_every_s))
        await storm.run(sessions, arrivals, options.seconds)
        after, back_s = await probe_until_back(alone, server.url, probes, before_s)
        await storm.finish()
        watcher.cancel()
    return Report(peaks, rate, options.seconds, options.deadline_s, storm.attempts, readings, before_s, after, back_s)


def _num_words(known: Known) -> int:
    return known.question.body.count(b" ") - 3  # those of the JSON


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, report, and say whether all bars were held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, default=Path("models/en-de"))
    parser.add_argument("--file", type=Path, required=True, help="one source sentence a line")
    parser.add_argument("--source", default="de")
    parser.add_argument("--target", default="en")
    parser.add_argument("--sentences", type=int, default=300, help="that are asked")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long the storm lasts")
    parser.add_argument("--times", type=float, default=5.0, help="how much of the peak is offered")
    parser.add_argument("--rate", type=float, default=0.0, help="requests per second instead of --times")
    parser.add_argument("--peak-s", type=float, default=15.0)
    parser.add_argument("--peak-callers", type=int, nargs="+", default=PEAK_CALLERS)
    parser.add_argument("--read-every-s", type=float, default=READ_EVERY_S)
    parser.add_argument("--deadline-s", type=float, default=4.5, help="the server's --deadline-s")
    parser.add_argument("--num-threads", type=int, default=1, help="of the engine")
    parser.add_argument("--server-core", type=int, default=0, help="-1 leaves it where it may run")
    parser.add_argument("--client-core", type=int, default=1, help="-1 leaves it where it may run")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, required=True, help="folder for the report")
    options = parser.parse_args(argv)
    options.output.mkdir(parents=True, exist_ok=True)
    flags = [f"--num-threads={options.num_threads}", "--cache-bytes=0", f"--deadline-s={options.deadline_s}"]
    server_core = None if options.server_core < 0 else options.server_core
    with tempfile.TemporaryDirectory() as folder, Server(options.bundle, Path(folder), flags, server_core) as server:
        if options.client_core >= 0:
            os.sched_setaffinity(0, {options.client_core})
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # half the cost of asyncio's own
            report = runner.run(run(options, server))
    print(write_report(options.output, report))
    return 0 if report.is_well else 1


if __name__ == "__main__":
    sys.exit(main())
