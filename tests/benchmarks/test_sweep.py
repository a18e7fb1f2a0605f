"""The open loop: its arrivals, requests and tables with known answers, and a short run against a made-up server."""

import asyncio
import importlib
import json
import random
import statistics
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

sweep = importlib.import_module("benchmarks.sweep")
adapters = importlib.import_module("open_loop.adapters")
client = importlib.import_module("open_loop.client")
levels = importlib.import_module("open_loop.levels")
systems = importlib.import_module("open_loop.systems")

FAKE = """
import json, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if asked["q"] == "stall":
            time.sleep(0.5)
        answer = json.dumps({"translatedText": asked["q"].upper()}).encode()
        self.send_response(500 if asked["q"] == "fail" else 200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass

Server = type("Server", (ThreadingHTTPServer,), {"request_queue_size": 128})
Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""

LEVEL = levels.Level(
    system="a",
    round=1,
    rate=10.0,
    sent=100,
    failed=0,
    per_s=9.9,
    p50_ms=5.0,
    p95_ms=20.0,
    p99_ms=30.0,
    max_ms=40.0,
    lag_ms=0.1,
    client_cpu=0.1,
    memory_bytes=1e8,
    server_cpu=0.5,
    others_cpu=0.0,
    fill=None,
)


def row(system: str, rate: float, p95_ms: float, **more: Any) -> Any:
    return replace(LEVEL, system=system, rate=rate, per_s=rate, p95_ms=p95_ms, **more)


def write_config(folder: Path) -> Path:
    (folder / "fake.py").write_text(FAKE)
    config = folder / "systems.toml"
    config.write_text(
        f'[fake]\nabout = "Made up"\nadapter = "libre"\ncommand = "{{python}} {folder / "fake.py"} {{port}}"\n'
    )
    return config


def job(url: str, lines: tuple[str, ...], rate: float) -> Any:
    return client.Job(url, "libre", "de", "en", lines, rate, warm_s=0.0, seconds=1.0, seed=3, first=0)


def test_arrivals_are_a_poisson_stream() -> None:
    times = client.poisson_times(50.0, 400.0, random.Random(1))
    assert times == sorted(times)
    assert times[-1] < 400.0
    assert len(times) == pytest.approx(20_000, rel=0.03)
    gaps = [late - early for early, late in pairwise(times)]
    assert statistics.mean(gaps) == pytest.approx(0.02, rel=0.03)
    assert statistics.stdev(gaps) == pytest.approx(0.02, rel=0.05)  # as wide as its mean: exponential


@pytest.mark.parametrize(
    ("name", "path", "body"),
    [
        ("v1", "/v1/translate", {"text": "Hä?", "source": "de", "target": "en", "beam_size": 1}),
        ("v1-beam4", "/v1/translate", {"text": "Hä?", "source": "de", "target": "en", "beam_size": 4}),
        ("libre", "/translate", {"q": "Hä?", "source": "de", "target": "en", "format": "text"}),
    ],
)
def test_requests(name: str, path: str, body: dict[str, object]) -> None:
    adapter = adapters.ADAPTERS[name]
    assert adapter.path == path
    assert json.loads(adapter.encode("Hä?", "de", "en")) == body


def test_answers() -> None:
    assert adapters.ADAPTERS["v1"].read(b'{"translations": [{"text": "What?"}]}') == "What?"
    assert adapters.ADAPTERS["libre"].read(b'{"translatedText": "What?"}') == "What?"
    with pytest.raises(KeyError):
        adapters.ADAPTERS["libre"].read(b'{"error": "busy"}')


def test_the_systems_are_sound() -> None:
    """Every hole of every row is one that the sweep fills."""
    names = ("python", "root", "threads", "twice_threads", "bundle", "checkpoint", "peers", "port", "run")
    holes = dict.fromkeys(names, "x")
    found = systems.read_systems(sweep.SYSTEMS)
    assert {"ferry", "torch-flask", "ct2-single", "ct2-window", "ct2-starlette", "libre", "libre-tuned"} <= set(found)
    for system in found.values():
        for text in (system.command, *system.env.values()):
            assert "{" not in text.format_map(holes)


def tried(borne: float) -> list[float]:
    """The rates that are tried on a system that bears so many a second."""
    found = sweep.search(300.0)
    rates = [next(found)]
    try:
        while True:
            rates.append(found.send(50.0 if rates[-1] <= borne else 400.0))
    except StopIteration:
        return rates


def test_the_search_doubles_then_halves() -> None:
    assert tried(130.0) == [5.0, 20.0, 40.0, 80.0, 160.0, 113.0, 134.0, 123.0]


def test_a_search_ends_where_little_or_everything_is_borne() -> None:
    assert tried(0.0) == [5.0, 20.0, 10.0, 7.0, 6.0]
    assert tried(1e9)[-1] == sweep.MAX_RATE


def test_medians_of_rounds() -> None:
    [median] = levels.medians([row("a", 10, p95, round=i + 1, fill=p95 / 10) for i, p95 in enumerate((20, 90, 30))])
    assert (median.p95_ms, median.fill, median.round) == (30, 3.0, 3)


def test_a_rate_counts_if_all_below_it_were_borne() -> None:
    p95s = {5: 10.0, 20: 60.0, 40: 150.0, 80: 90.0, 160: 290.0, 170: 310.0, 180: 250.0}
    able = levels.abilities([row("a", rate, p95) for rate, p95 in p95s.items()])["a"]
    assert able.per_s == (20.0, 160.0)
    assert able.light_p95_ms == 10.0


def test_table() -> None:
    rows = [row("a", 5, 10.0, p50_ms=6.0), row("a", 90, 200.0, fill=7.25), row("b", 5, 20.0, p50_ms=12.0)]
    table = levels.tabulate([*rows, row("b", 30, 299.0)], {"a": "Ours", "b": "Theirs"}, {"a": 1.0, "b": 0.5})
    assert "| Ours | 5 | 1.00 | 90 | 1.00 | 6.0 | 1.00 | 10.0 | 100 | 100% |" in table
    assert "| Theirs | 5 | 1.00 | 30 | 3.00 | 12.0 | 0.50 | 20.0 | 100 | 50% |" in table
    assert "| a | 90 | 90.0 | 0.0% | 5.0 | 200.0 | 30.0 | 0.50 | 5.6 | 0.00 | 7.2 | 1 |" in table


def test_fill() -> None:
    before = 'ferry_engine_row_steps_total{model="m"} 10.0\nferry_engine_steps_total{model="m"} 5.0\n'
    after = 'ferry_engine_row_steps_total{model="m"} 70.0\nferry_engine_steps_total{model="m"} 15.0\n'
    assert sweep.fill(before, after) == 6.0
    assert sweep.fill("", "") is None


def test_a_stall_counts_from_the_intended_start(tmp_path: Path) -> None:
    """Requests do not wait for each other: the one slow answer delays nobody, and failures count as never answered."""
    system = systems.read_systems(write_config(tmp_path))["fake"]
    with systems.Running(system, {"python": sys.executable}, (), tmp_path / "a") as running:
        running.wait("x", "de", "en")
        assert running.translate("ja", "de", "en") == "JA"
        heard = asyncio.run(client.run(job(running.url, ("stall", "go"), 40.0)))
        assert heard.failed == 0
        assert heard.p95_ms >= 499.0
        failing = asyncio.run(client.run(job(running.url, ("fail",), 20.0)))
        assert failing.failed == failing.sent > 0
        assert failing.p50_ms == pytest.approx(1000 * client.GIVE_UP_S, rel=0.01)
        assert running.memory_bytes() > 1e6
    assert running._process.returncode is not None


def test_a_system_that_ends_is_told(tmp_path: Path) -> None:
    system = systems.System("Broken", "libre", "{python} -c 'raise SystemExit(\"no model\")'", {})
    with (
        systems.Running(system, {"python": sys.executable}, (), tmp_path / "a") as running,
        pytest.raises(RuntimeError, match="no model"),
    ):
        running.wait("x", "de", "en")


def test_smoke(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two runs into one folder; the second adds rounds, and another setting is refused."""
    (tmp_path / "lines").write_text("eins\nzwei\neins\n\ndrei\n", "utf-8")
    (tmp_path / "manifest.json").write_text('{"version": "1"}')
    flags = ["--config", write_config(tmp_path), "--file", tmp_path / "lines", "--source", "de", "--target", "en"]
    flags += ["--bundle", tmp_path, "--server-cores", "any", "--client-cores", "any", "--systems", "fake"]
    flags += ["--rates", "fake=20,60", "--seconds", "0.5", "--light-seconds", "0.5", "--warm-s", "0.1"]
    flags += ["--output", tmp_path / "out"]
    for _ in range(2):
        assert sweep.main([str(flag) for flag in flags]) == 0
    found, facts = levels.read_levels(tmp_path / "out" / "sweep.json")
    assert [(level.rate, level.round) for level in found] == [(20, 1), (60, 1), (20, 2), (60, 2)]
    assert all(level.failed == 0 < level.sent for level in found)
    assert facts["lines"] == 3
    assert "| Made up |" in capsys.readouterr().out
    assert (tmp_path / "out" / "sweep.png").stat().st_size > 1000
    with pytest.raises(ValueError, match="another setting"):
        sweep.main([str(flag) for flag in [*flags, "--threads", "2"]])


def test_an_unknown_system_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--file", "x", "--source", "de", "--target", "en", "--systems", "nobody", "--output", str(tmp_path)]
    assert sweep.main(flags) == 2
    assert "has no nobody" in capsys.readouterr().err
