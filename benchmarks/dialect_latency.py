"""What HTTP and a dialect add to the translation of one plain sentence, in microseconds.

    python benchmarks/dialect_latency.py models/en-de

The application is called in this process, without sockets, over an engine that answers at once with what it has said
before; so what is left is routing, reading and checking the body, the dialect's own work, and writing the answer.
Rounds are interleaved; told are medians, and what is added to a bare `Translator.translate` of the same sentence.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

from server.app import build_app
from server.engine.types import ANYBODY, Caller, EngineSettings, SearchOptions, SentenceResult
from server.models.loading import load_model
from server.models.models import Model, Models
from server.settings import ServeSettings
from server.translation.options import TranslateOptions

SENTENCE = "Der Hund schläft heute nicht im Haus."
FORM, JSON = "application/x-www-form-urlencoded", "application/json"

Ask = Callable[[], Awaitable[Any]]


class Remembering:
    """The engine, asked once for each sentence."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self._known: dict[tuple[tuple[int, ...], SearchOptions], SentenceResult] = {}
        self.failed = False

    def submit(
        self,
        source_ids: tuple[int, ...],
        options: SearchOptions,
        *,
        deadline: float | None = None,
        caller: Caller = ANYBODY,
    ) -> "Future[SentenceResult]":
        key = (tuple(source_ids), options)
        if key not in self._known:
            self._known[key] = self._engine.submit(source_ids, options).result()
        future: Future[SentenceResult] = Future()
        future.set_result(self._known[key])
        return future

    def foretell(self, caller: Caller) -> float:
        """It is never late, however late the machine is."""
        return 0.0


def asgi_request(app: Any, state: dict[str, Any], path: str, body: bytes, media_type: str) -> Ask:
    """A `POST` to the application that must succeed."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"content-type", media_type.encode()), (b"content-length", str(len(body)).encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }

    async def ask() -> None:
        sent: list[Any] = []
        waiting = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Any:
            return waiting.pop() if waiting else await asyncio.Event().wait()

        async def send(message: Any) -> None:
            sent.append(message)

        await app({**scope, "state": dict(state)}, receive, send)
        assert sent[0]["status"] == 200, sent

    return ask


async def measure(model: Model, rounds: int, character_limit: int) -> dict[str, list[float]]:
    """Seconds of each call, by what was asked."""
    with tempfile.TemporaryDirectory() as data:
        settings = replace(ServeSettings(), data=Path(data), character_limit=character_limit)
        app = build_app(Models((replace(model, engine=Remembering(model.engine)),)), settings)
        async with app.router.lifespan_context(app) as state:
            translator, options = state["translator"], TranslateOptions("de", "en")
            native = json.dumps({"text": SENTENCE, "source": "de", "target": "en"}).encode()
            deepl = json.dumps({"text": [SENTENCE], "source_lang": "DE", "target_lang": "EN-US"}).encode()
            libre = json.dumps({"q": SENTENCE, "source": "de", "target": "en"}).encode()
            form = f"text={SENTENCE}&source_lang=DE&target_lang=EN-US".replace(" ", "+").replace("ä", "%C3%A4").encode()
            asked: dict[str, Ask] = {
                "translator": lambda: translator.translate([SENTENCE], options),
                "/v1/translate": asgi_request(app, state, "/v1/translate", native, JSON),
                "/v2/translate, JSON": asgi_request(app, state, "/v2/translate", deepl, JSON),
                "/v2/translate, form": asgi_request(app, state, "/v2/translate", form, FORM),
                "/translate, JSON": asgi_request(app, state, "/translate", libre, JSON),
            }
            seconds: dict[str, list[float]] = {name: [] for name in asked}
            for i in range(rounds + rounds // 10):
                for name, ask in asked.items():
                    started = time.perf_counter()
                    await ask()
                    if i >= rounds // 10:  # the first tenth warms up
                        seconds[name].append(time.perf_counter() - started)
            return seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--rounds", type=int, default=2000)
    parser.add_argument("--character-limit", type=int, default=0, help="of every caller; 0 is none")
    args = parser.parse_args()
    model = load_model(args.bundle, EngineSettings(num_threads=1), lambda error: None, lambda message: None)
    try:
        seconds = asyncio.run(measure(model, args.rounds, args.character_limit))
    finally:
        model.engine.close(0.0)
    bare = statistics.median(seconds["translator"])
    print(f"{'':24}{'median µs':>10}{'p99 µs':>10}{'added µs':>10}")
    for name, values in seconds.items():
        median, p99 = statistics.median(values), statistics.quantiles(values, n=100)[98]
        print(f"{name:24}{median * 1e6:10.0f}{p99 * 1e6:10.0f}{(median - bare) * 1e6:10.0f}")


if __name__ == "__main__":
    main()
