"""Half an hour of everything at once: no wrong answer, nothing lost, nothing that grows.

    python benchmarks/soak.py --file sentences.de --minutes 30 --output soak/

Starts a `ferry-serve` of its own on loopback, over a copy of the bundle. Some callers ask, one question after another,
of all dialects: plain and marked-up texts, streams, alternatives, glossaries, documents, detection, bad requests, and
such that hang up. Meanwhile bundles are exchanged and keys reloaded by SIGHUP. Each answer is compared with what the
same question was answered when it was asked alone. The cache is so small that most is translated anew.

Writes `soak.json`, `soak.md`, `soak.png` and the server's log. Exit status 1 if an answer was wrong, a request failed,
or anything was left or grew: memory, descriptors, threads, tasks, rows, the queue.
"""

import argparse
import asyncio
import hashlib
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import aiohttp
from load.mixture import KINDS, Material, build_bad_questions, build_questions
from load.process import Server, Usage, read_metrics
from load.questions import PATIENT, Known, Question, ask, ask_alone, json_question, outcome_of, read_told
from load.soak_report import Sample, Verdict, judge, write_report

KEY, OTHER_KEY = "soak-key", "soak-other-key"
CACHE_BYTES = 256 << 10  # of some 80 sentences
NUM_EACH = 25
PAUSE_S = 0.05  # of a caller between two questions, at most
HANG_UP_SHARE, BAD_SHARE = 0.06, 0.06
MAX_PATIENCE_S = 0.5  # of callers that hang up
SETTLE_S = 15.0  # threads that idle end after 10
SAMPLE_EVERY_S = 1.0


@dataclass
class Tally:
    """What was asked, by kind and outcome, and examples of what was wrong."""

    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    examples: list[str] = field(default_factory=list)

    def count(self, kind: str, outcome: str, example: str = "") -> None:
        """One more."""
        self.outcomes.setdefault(kind, Counter())[outcome] += 1
        if example and len(self.examples) < 20:
            self.examples.append(example)

    def total(self, *outcomes: str) -> int:
        """How many had one of `outcomes`."""
        return sum(counts[each] for counts in self.outcomes.values() for each in outcomes)


class Soak:
    """One run against a server."""

    def __init__(self, server: Server, known: Sequence[Known], folder: Path, seed: int) -> None:
        self._server = server
        self._good = [each for each in known if each.question.kind != "bad"]
        self._bad = [each for each in known if each.question.kind == "bad"]
        self._by_kind = {kind: [each for each in self._good if each.question.kind == kind] for kind in KINDS}
        self._folder = folder
        self._random = random.Random(seed)
        self._stop = asyncio.Event()
        self.tally = Tally()
        self.samples: list[Sample] = []
        self.num_swaps = 0
        self.slowest_reload_s = 0.0
        self.num_key_reloads = 0

    async def run(self, session: aiohttp.ClientSession, seconds: float, num_callers: int, swap_every_s: float) -> None:
        """Ask for so long."""
        started = time.monotonic()
        others = [
            asyncio.create_task(self._swap(swap_every_s)),
            asyncio.create_task(self._watch(session, started)),
        ]
        callers = [asyncio.create_task(self._call(session)) for _ in range(num_callers)]
        await asyncio.sleep(seconds)
        self._stop.set()
        await asyncio.gather(*callers, *others)

    async def _call(self, session: aiohttp.ClientSession) -> None:
        kinds = [kind for kind in KINDS if self._by_kind[kind]]
        weights = [KINDS[kind][0] for kind in kinds]
        while not self._stop.is_set():
            dice = self._random.random()
            if dice < HANG_UP_SHARE:
                await self._hang_up(session, self._random.choice(self._good))
            elif dice < HANG_UP_SHARE + BAD_SHARE:
                await self._ask(session, self._random.choice(self._bad))
            else:
                await self._ask(session, self._random.choice(self._by_kind[self._random.choices(kinds, weights)[0]]))
            await asyncio.sleep(self._random.uniform(0, PAUSE_S))

    async def _ask(self, session: aiohttp.ClientSession, known: Known) -> None:
        question = known.question
        try:
            status, body = await ask(session, self._server.url, _patient(question))
        except (aiohttp.ClientError, TimeoutError) as error:
            self.tally.count(question.kind, "failed", f"{question.kind}: {type(error).__name__}: {error}")
            return
        told = read_told(question.path, status, body)
        if told == known.told:
            self.tally.count(question.kind, "right")
        elif (outcome := outcome_of(status, body)) in ("refused", "late"):
            self.tally.count(question.kind, outcome)
        elif status == 200:
            self.tally.count(question.kind, "wrong", f"{question.kind}: {told} instead of {known.told}")
        else:
            self.tally.count(question.kind, outcome, f"{question.kind}: {status} {body[:300]!r}")

    async def _hang_up(self, session: aiohttp.ClientSession, known: Known) -> None:
        kind = "hangs up"
        try:
            async with asyncio.timeout(self._random.uniform(0, MAX_PATIENCE_S)):
                await ask(session, self._server.url, _patient(known.question))
            self.tally.count(kind, "answered before")
        except TimeoutError:
            self.tally.count(kind, "hung up")
        except aiohttp.ClientError as error:
            self.tally.count(kind, "failed", f"{kind}: {type(error).__name__}: {error}")

    async def _swap(self, every_s: float) -> None:
        """Exchange the bundle for one of another name and the keys for others, in turns."""
        names = ["second", "first"]
        while not await self._stopped(every_s):
            new, old = self._folder / "models" / names[0], self._folder / "models" / names[1]
            await asyncio.to_thread(put_bundle, old, new)
            shutil.rmtree(old)
            write_keys(self._folder / "keys.toml", with_other=names[0] == "second")
            begun = time.monotonic()
            try:
                said = await self._server.reload()
            except RuntimeError as error:
                said = str(error)
            self.slowest_reload_s = max(self.slowest_reload_s, time.monotonic() - begun)
            self.num_swaps += "1 of them new" in said
            self.num_key_reloads += 1
            if "1 of them new" not in said:
                self.tally.count("swap", "failed", said)
            names.reverse()

    async def _watch(self, session: aiohttp.ClientSession, started: float) -> None:
        while not await self._stopped(SAMPLE_EVERY_S):
            self.samples.append(await sample(self._server, session, time.monotonic() - started))

    async def _stopped(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._stop.wait(), seconds)
        except TimeoutError:
            return False
        return True


def _patient(question: Question) -> Question:
    return Question(
        question.kind,
        question.path,
        question.body,
        question.num_chars,
        {**question.headers, **PATIENT},
        question.method,
    )


async def sample(server: Server, session: aiohttp.ClientSession, at_s: float) -> Sample:
    """What the server holds now."""
    metrics = await read_metrics(session, server.url)
    usage: Usage = server.usage()
    async with session.get(f"{server.url}/debug") as response:
        num_tasks = len((await response.json())["tasks"])
    return Sample(
        at_s,
        usage.rss_bytes,
        usage.num_descriptors,
        usage.num_threads,
        num_tasks,
        int(metrics["ferry_engine_rows_in_use"]),
        int(metrics["ferry_engine_waiting_sentences"]),
    )


def put_bundle(old: Path, new: Path) -> None:
    """A copy of bundle `old` under the name of `new`, there at once."""
    aside = new.parent.parent / "aside"
    shutil.copytree(old, aside)
    manifest = json.loads((aside / "manifest.json").read_text("utf-8"))
    (aside / "manifest.json").write_text(json.dumps({**manifest, "name": new.name}), "utf-8")
    aside.rename(new)


def write_keys(path: Path, with_other: bool) -> None:
    """The file of keys; the other key comes and goes."""
    keys = [KEY, OTHER_KEY] if with_other else [KEY]
    entries = [f'[[keys]]\nname = "{key}"\nsha256 = "{hashlib.sha256(key.encode()).hexdigest()}"\n' for key in keys]
    path.write_text("\n".join(entries), "utf-8")


async def create_glossary(session: aiohttp.ClientSession, url: str, source: str, target: str, word: str) -> str:
    """The id of a glossary with one entry."""
    fields = {"name": "soak", "source_lang": source, "target_lang": target, "entries_format": "tsv"}
    body = {**fields, "entries": f"{word}\tFerry"}
    async with session.post(f"{url}/v2/glossaries", json=body, headers=_authorization()) as response:
        response.raise_for_status()
        found: str = (await response.json())["glossary_id"]
        return found


def _authorization() -> dict[str, str]:
    return {"Authorization": f"Bearer {KEY}"}


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=180), auto_decompress=True
    )


async def run(options: argparse.Namespace, server: Server, folder: Path) -> tuple[Soak, Sample, Sample]:
    """The soak, and what the server held when idle, before and after it."""
    lines = [line for line in options.file.read_text("utf-8").split("\n") if line.strip()]
    source = random.Random(options.seed)
    sentences = source.sample(lines, min(len(lines), options.sentences))
    async with _session() as session:
        # The detector is loaded beside the first requests.
        await ask(session, server.url, json_question("", "/v1/detect", {"text": sentences[0]}, **_authorization()))
        word = max(Counter(word for line in sentences for word in line.split() if word.isalpha()).items(), key=_rank)[0]
        glossary_id = await create_glossary(session, server.url, options.source, options.target, word)
        material = Material(sentences, options.source, options.target, glossary_id, _authorization(), source)
        questions = [*build_questions(material, options.each), *build_bad_questions(material)]
        known = await ask_alone(session, server.url, questions)
        for each in known:
            is_bad = each.question.kind == "bad"
            if is_bad != (400 <= each.told.status < 500) or is_bad == (each.told.status == 200):
                raise SystemExit(f"{each.question.kind} {each.question.path}: {each.told}, asked alone")
        print(f"{len(known)} of {len(questions)} questions asked alone", flush=True)
    async with _session() as session:
        await asyncio.sleep(options.settle_s)
        before = await sample(server, session, 0.0)
    async with _session() as session:
        soak = Soak(server, known, folder, options.seed)
        await soak.run(session, 60 * options.minutes, options.callers, options.swap_every_s)
    await asyncio.sleep(options.settle_s)
    async with _session() as session:
        after = await sample(server, session, 60 * options.minutes + options.settle_s)
    return soak, before, after


def _rank(item: tuple[str, int]) -> tuple[int, str]:
    return item[1] if len(item[0]) > 3 else 0, item[0]


def main(argv: Sequence[str] | None = None) -> int:
    """Soak, report, and say whether all was well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, default=Path("models/en-de"))
    parser.add_argument("--file", type=Path, required=True, help="one source sentence a line")
    parser.add_argument("--source", default="de")
    parser.add_argument("--target", default="en")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--callers", type=int, default=6)
    parser.add_argument("--swap-every-s", type=float, default=60.0)
    parser.add_argument("--sentences", type=int, default=400, help="that questions are made of")
    parser.add_argument("--each", type=int, default=NUM_EACH, help="questions of each kind")
    parser.add_argument("--settle-s", type=float, default=SETTLE_S, help="time for threads and connections to end")
    parser.add_argument("--num-threads", type=int, default=1, help="of the engine")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, required=True, help="folder for the report")
    options = parser.parse_args(argv)
    options.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "models").mkdir()
        put_bundle(options.bundle, folder / "models" / "first")
        write_keys(folder / "keys.toml", with_other=False)
        flags = [
            f"--num-threads={options.num_threads}",
            f"--cache-bytes={CACHE_BYTES}",
            f"--api-keys={folder / 'keys.toml'}",
            f"--max-deadline-s={60}",
        ]
        try:
            with Server(folder / "models", folder, flags) as server:
                soak, before, after = asyncio.run(run(options, server, folder))
            said = server.said
        finally:
            shutil.copy(folder / "serve.log", options.output)
    verdict: Verdict = judge(soak.samples, before, after, soak.tally.outcomes)
    figures = {
        "minutes": options.minutes,
        "callers": options.callers,
        "swaps": soak.num_swaps,
        "key_reloads": soak.num_key_reloads,
        "slowest_reload_s": soak.slowest_reload_s,
        "outcomes": soak.tally.outcomes,
        "examples": soak.tally.examples,
        "before": asdict(before),
        "after": asdict(after),
        "verdict": asdict(verdict),
        "internal_errors": [line for line in said if "internal error" in line],
        "samples": [asdict(each) for each in soak.samples],
    }
    print(write_report(options.output, figures, soak.samples, verdict))
    return 0 if verdict.is_well else 1


if __name__ == "__main__":
    sys.exit(main())
