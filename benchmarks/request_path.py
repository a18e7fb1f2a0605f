"""The files of the server that one request passes, in the order in which they are entered, and how often they change.

    python benchmarks/request_path.py models/en-de

One sentence is POSTed to `/v1/translate`, twice so that nothing is loaded or compiled any more, through real HTTP and
a real engine; while the second is answered, `sys.setprofile` notes each call of a function of the server. The fewer
files a request passes, and the fewer times it goes from one to another, the easier it is to follow.
"""

import argparse
import asyncio
import json
import socket
import sys
import tempfile
import threading
from collections import Counter
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn

import server
from server.app import build_app
from server.engine.types import EngineSettings
from server.settings import ServeSettings

try:
    from server.models.cached import cached
    from server.models.loading import load_model
    from server.models.models import Models
    from server.models.results import SentenceCache
    from server.web.protocol import ConnectionLimits, protocol_with
except ImportError:  # the layout before it had rooms
    from server.cache.engine import cached
    from server.cache.store import SentenceCache
    from server.loading import load_model
    from server.protocol import ConnectionLimits, protocol_with

    from server.models import Models

SENTENCES = ["Der Hund schläft heute nicht.", "Wir gehen morgen in den Garten."]
ROOT = str(Path(server.__file__).parent)


class Trace:
    """Calls of the server's functions by thread, while `running`."""

    def __init__(self) -> None:
        self.calls: dict[str, list[str]] = {}
        self.running = False

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        """Note a call."""
        path = frame.f_code.co_filename
        if self.running and event == "call" and path.startswith(ROOT):
            self.calls.setdefault(threading.current_thread().name, []).append(path[len(ROOT) + 1 :])


async def ask(port: int, text: str) -> None:
    """One request over a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = json.dumps({"text": text, "source": "de", "target": "en"}).encode()
    head = (
        f"POST /v1/translate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    )
    writer.write(head.encode() + b"Connection: close\r\n\r\n" + body)
    assert (await reader.read()).startswith(b"HTTP/1.1 200")
    writer.close()


def trace_request(bundle: Path) -> Trace:
    """The calls made for one request, after another one has warmed everything up."""
    trace = Trace()
    threading.setprofile(trace)
    model = load_model(bundle, EngineSettings(num_threads=1), lambda error: None, lambda message: None)
    model = cached(model, SentenceCache(32 << 20))  # as ferry-serve has it
    listener = socket.create_server(("127.0.0.1", 0))
    with tempfile.TemporaryDirectory() as data:
        app = build_app(Models((model,)), replace(ServeSettings(), data=Path(data)))
        http = protocol_with(ConnectionLimits(30.0, 100))
        http_server = uvicorn.Server(uvicorn.Config(app, http=http, lifespan="on", log_config=None))
        thread = threading.Thread(target=http_server.run, args=([listener],), name="loop")
        thread.start()
        try:
            port = listener.getsockname()[1]
            asyncio.run(ask(port, SENTENCES[0]))
            trace.running = True
            asyncio.run(ask(port, SENTENCES[1]))
            trace.running = False
        finally:
            http_server.should_exit = True
            thread.join()
            model.engine.close(0.0)
    return trace


def main() -> None:
    """Trace and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--calls", action="store_true", help="print the way through the files, too")
    args = parser.parse_args()
    calls = trace_request(args.bundle).calls
    everywhere = Counter(path for paths in calls.values() for path in paths)
    print(f"{len(everywhere)} files in all")
    for thread, paths in sorted(calls.items()):
        way = [path for path, _ in groupby(paths)]
        print(f"{thread}: {len(set(paths))} files, {len(way) - 1} changes of file, {len(paths)} calls")
        if args.calls:
            print("  " + " > ".join(way))
    print("\n".join(f"{count:6} {path}" for path, count in everywhere.most_common()))


if __name__ == "__main__":
    sys.exit(main())
