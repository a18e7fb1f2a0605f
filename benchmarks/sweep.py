"""Offered load against latency, Ferry beside its peers over HTTP: the same weights, cores, sentences and client.

    python benchmarks/peers/prepare.py --checkpoint runs/unpacked --output runs/peers
    python benchmarks/sweep.py --file sentences.de --source de --target en --peers runs/peers \\
        --checkpoint runs/unpacked --bundle models/en-de --systems ferry ct2-window libre-tuned --output runs/sweep

Open loop: requests, a sentence each, come in a Poisson stream at a set rate, whatever becomes of those before, and a
latency counts from when its request was to be sent. The client is a process of its own on cores of its own. Systems are
started one at a time; rounds go through all of them, another one first each time.

Without `--rates`, a system's rate doubles until p95 passes 300 ms, then the gap is halved (by ratio) until it is within
10 %; later rounds repeat these rates. `--rates ferry=5,150,180` names them. The first rate is the light load.

`benchmarks/peers/systems.toml` says how each system is set up. Sentences come in the file's order, each one once until
all have been asked, so no cache of texts helps anybody; Ferry's is off.

Writes `sweep.json`, `sweep.md` and `sweep.png` into `--output`. What the folder holds of the same setting is kept
and rounds are added, so a measurement can be spread over several runs.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from load.process import parse_metrics
from open_loop.client import Heard, Job
from open_loop.levels import LIMITS_MS, Level, abilities, read_levels, tabulate, write_levels
from open_loop.plots import draw
from open_loop.systems import Running, System, busy_s, read_systems

ROOT = Path(__file__).parents[1]
SYSTEMS = ROOT / "benchmarks" / "peers" / "systems.toml"
LIGHT_RATE, FIRST_RATE, MAX_RATE = 5.0, 20.0, 2560.0
CLOSE_ENOUGH = 1.1
NUM_WARM = 100  # sentences one after another, whose answers are compared
READ_EVERY_S = 0.25


@dataclass(frozen=True)
class Sweep:
    """What all levels share."""

    lines: tuple[str, ...]
    source: str
    target: str
    warm_s: float
    seconds: float
    client_cores: tuple[int, ...]

    def warm(self, running: Running) -> list[str]:
        """Wait until it runs, and translate some sentences one after another."""
        running.wait(self.lines[-1], self.source, self.target)
        return [running.translate(line, self.source, self.target) for line in self.lines[:NUM_WARM]]

    def measure(self, running: Running, name: str, round_: int, rate: float, seconds: float) -> Level:
        """One rate, for so many seconds after the warm-up."""
        # The same times and sentences for every system in a round.
        seed = 1000 * round_ + round(10 * rate)
        job = Job(
            running.url,
            running.system.adapter,
            self.source,
            self.target,
            self.lines,
            rate,
            self.warm_s,
            seconds,
            seed,
            first=317 * round_,
        )
        before, cpu_s, busy, start = running.metrics(), running.cpu_s(), busy_s(running.cores), time.perf_counter()
        heard, memory_bytes = self._ask(job, running)
        wall_s = time.perf_counter() - start
        used = (running.cpu_s() - cpu_s) / wall_s
        others = max(0.0, (busy_s(running.cores) - busy) / wall_s - used)
        if not running.cores:
            others = max(0.0, others - heard.cpu)
        found = asdict(heard) | {"client_cpu": heard.cpu}
        del found["cpu"]
        return Level(
            system=name,
            round=round_,
            rate=rate,
            memory_bytes=memory_bytes,
            server_cpu=used,
            others_cpu=others,
            fill=fill(before, running.metrics()),
            **found,
        )

    def _ask(self, job: Job, running: Running) -> tuple[Heard, int]:
        pin = ["taskset", "-c", ",".join(map(str, self.client_cores))] if self.client_cores else []
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
        command = [*pin, sys.executable, "-m", "open_loop.client"]
        memory_bytes = 0
        with subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        ) as client:
            assert client.stdin is not None
            assert client.stdout is not None
            json.dump(asdict(job), client.stdin)
            client.stdin.close()
            while client.poll() is None:
                memory_bytes = max(memory_bytes, running.memory_bytes())
                time.sleep(READ_EVERY_S)
            said = client.stdout.read()
        if client.returncode:
            raise RuntimeError("the client failed")
        return Heard(**json.loads(said)), memory_bytes


def fill(before: str, after: str) -> float | None:
    """Rows per decode step between two readings of Ferry's metrics; None without them."""
    if not after:
        return None
    old, new = parse_metrics(before), parse_metrics(after)
    rows, steps = (new[name] - old[name] for name in ("ferry_engine_row_steps_total", "ferry_engine_steps_total"))
    return rows / steps if steps else 0.0


def search(limit_ms: float) -> Iterator[float]:
    """Rates to try; `send` tells the p95 of the last. Doubles until one is over the limit, then halves the gap."""
    yield LIGHT_RATE
    low, high, rate = LIGHT_RATE, math.inf, FIRST_RATE
    while rate <= MAX_RATE and high / low > CLOSE_ENOUGH:
        p95_ms = yield rate  # type: ignore[misc]
        if p95_ms > limit_ms:
            high = rate
        else:
            low = rate
        rate = 2 * low if math.isinf(high) else float(round(math.sqrt(low * high)))
        if rate in (low, high):
            return


def measure_round(
    sweep: Sweep, running: Running, name: str, round_: int, rates: Sequence[float], light_s: float
) -> Iterator[Level]:
    """The given rates, or those that a search finds."""
    if rates:
        for rate in rates:
            yield sweep.measure(running, name, round_, rate, light_s if rate == rates[0] else sweep.seconds)
        return
    found = search(max(LIMITS_MS))
    rate = next(found)
    while True:
        level = sweep.measure(running, name, round_, rate, light_s if rate == LIGHT_RATE else sweep.seconds)
        yield level
        try:
            rate = found.send(level.p95_ms)  # type: ignore[attr-defined]
        except StopIteration:
            return


def read_rates(text: str) -> tuple[str, list[float]]:
    """`NAME=RATE,RATE`."""
    name, _, rates = text.partition("=")
    try:
        return name, sorted(float(rate) for rate in rates.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not NAME=RATE,RATE") from None


def read_lines(path: Path, num_lines: int) -> tuple[str, ...]:
    """Different lines of a file."""
    lines = [line.strip() for line in path.read_text("utf-8").split("\n")]
    return tuple(list(dict.fromkeys(line for line in lines if line))[:num_lines])


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", nargs="+", default=["ferry"], help="names in --config; the first is compared")
    parser.add_argument("--config", type=Path, default=SYSTEMS)
    parser.add_argument("--file", type=Path, required=True, help="one source sentence a line")
    parser.add_argument("--lines", type=int, default=2000, help="how many of them")
    parser.add_argument("--source", required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--bundle", type=Path, default=Path("models/en-de"))
    parser.add_argument("--checkpoint", type=Path, default=Path("runs/unpacked"))
    parser.add_argument("--peers", type=Path, default=Path("runs/peers"))
    parser.add_argument("--threads", type=int, default=1, help="of each system's engine")
    parser.add_argument("--server-cores", type=cores, default=(0,), help="such as 0 or 0,1; `any` is where it likes")
    parser.add_argument("--client-cores", type=cores, default=(1,))
    parser.add_argument("--rates", type=read_rates, nargs="+", default=[], metavar="NAME=RATE,RATE")
    parser.add_argument("--rounds", type=int, default=1, help="more of them")
    parser.add_argument("--seconds", type=float, default=10.0, help="that count, at each rate")
    parser.add_argument("--light-seconds", type=float, default=15.0, help="that count, at the lowest rate")
    parser.add_argument("--warm-s", type=float, default=2.0, help="before them")
    parser.add_argument("--output", type=Path, required=True)
    return parser


def cores(text: str) -> tuple[int, ...]:
    """Numbers with commas between; none for `any`."""
    return () if text == "any" else tuple(map(int, text.split(",")))


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and report."""
    options = build_parser().parse_args(argv)
    systems = read_systems(options.config)
    unknown = [name for name in options.systems if name not in systems]
    if unknown:
        print(f"sweep: {options.config} has no {', '.join(unknown)}; it has {', '.join(systems)}", file=sys.stderr)
        return 2
    lines = read_lines(options.file, options.lines)
    sweep = Sweep(lines, options.source, options.target, options.warm_s, options.seconds, options.client_cores)
    options.output.mkdir(parents=True, exist_ok=True)
    record = Record.open(options, len(lines))
    holes = {
        "python": sys.executable,
        "root": str(ROOT),
        "threads": str(options.threads),
        "twice_threads": str(2 * options.threads),
        **{name: str(getattr(options, name).resolve()) for name in ("bundle", "checkpoint", "peers")},
    }
    given = dict(options.rates)
    for turn in range(options.rounds):
        first = turn % len(options.systems)
        for name in [*options.systems[first:], *options.systems[:first]]:
            round_ = record.next_round(name)
            rates = given.get(name) or record.rates(name)
            with (
                tempfile.TemporaryDirectory() as folder,
                Running(systems[name], holes, options.server_cores, Path(folder)) as running,
            ):
                record.answers(name, sweep.warm(running))
                for level in measure_round(sweep, running, name, round_, rates, options.light_seconds):
                    record.add(level)
                    say(level)
    print(record.report(systems))
    return 0


@dataclass
class Record:
    """What the output folder holds."""

    folder: Path
    facts: dict[str, object]
    levels: list[Level]

    @classmethod
    def open(cls, options: argparse.Namespace, num_lines: int) -> "Record":
        """With what is there of the same setting.

        Raises:
            ValueError: it is of another one.
        """
        facts = {
            "file": options.file.name,
            "lines": num_lines,
            "direction": f"{options.source}-{options.target}",
            "bundle": json.loads((options.bundle / "manifest.json").read_text("utf-8"))["version"],
            "threads": options.threads,
            "server_cores": list(options.server_cores),
            "client_cores": list(options.client_cores),
        }
        path = options.output / "sweep.json"
        if not path.exists():
            return cls(options.output, facts, [])
        levels, old = read_levels(path)
        if any(old[name] != value for name, value in facts.items()):
            raise ValueError(f"{path} has another setting: {old}; choose another --output")
        return cls(options.output, old, levels)

    def next_round(self, name: str) -> int:
        """The number of the round to come."""
        return 1 + max((level.round for level in self.levels if level.system == name), default=0)

    def rates(self, name: str) -> list[float]:
        """Those of earlier rounds."""
        return sorted({level.rate for level in self.levels if level.system == name})

    def answers(self, name: str, answers: list[str]) -> None:
        """Keep them, to compare systems."""
        kept = self.facts.setdefault("answers", {})
        assert isinstance(kept, dict)
        kept[name] = answers

    def add(self, level: Level) -> None:
        """Keep a level, on disk, too."""
        self.levels.append(level)
        write_levels(self.folder / "sweep.json", self.levels, self.facts)

    def report(self, systems: dict[str, System]) -> str:
        """Write the table and the plot; the table."""
        measured = abilities(self.levels)
        about = {name: system.about for name, system in systems.items() if name in measured}
        answers = self.facts["answers"]
        assert isinstance(answers, dict)
        ours = answers[next(iter(about))]
        agreement = {
            name: sum(a == b for a, b in zip(ours, theirs, strict=True)) / len(ours) for name, theirs in answers.items()
        }
        table = tabulate(self.levels, about, agreement)
        (self.folder / "sweep.md").write_text(table, "utf-8")
        draw(self.folder / "sweep.png", self.levels, about)
        return table


def say(level: Level) -> None:
    """A line on stderr for who waits."""
    print(
        f"{level.system} round {level.round}: {level.rate:g}/s offered, {level.per_s:.1f} answered, "
        f"{level.failed} failed, p50 {level.p50_ms:.1f} p95 {level.p95_ms:.1f} p99 {level.p99_ms:.1f} ms, "
        f"{level.memory_bytes / 1e6:.0f} MB, cores {level.server_cpu:.2f}, by others {level.others_cpu:.2f}, "
        f"client {level.client_cpu:.2f}, lag {level.lag_ms:.1f} ms",
        file=sys.stderr,
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
