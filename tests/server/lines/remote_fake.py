"""A stand-in for a Ferry server, in this process: it answers in capitals, unless a test says otherwise."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HTML = b"<html><body>It works!</body></html>"


@dataclass(frozen=True)
class Said:
    """An answer; without a status the connection is closed instead."""

    status: int | None = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def refused(status: int, code: str = "some_code", **headers: str) -> Said:
    body = {"error": {"code": code, "message": f"because of {code}"}}
    return Said(status, json.dumps(body).encode(), {name.replace("_", "-"): value for name, value in headers.items()})


HUNG_UP = Said(None)


class FakeServer(ThreadingHTTPServer):
    """Attributes:
    react: told the texts of each request and its number, from 1; what it returns is said instead of translations.
    languages: of the texts that begin with a key; of all others it is `de`.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.version = "1"
        self.pairs = [("de", "en"), ("en", "de"), ("fr", "en")]
        self.languages = {"Le": "fr"}
        self.react: Callable[[list[str], int], Said | None] = lambda texts, number: None
        self.models: Said | None = None
        self.bodies: list[dict[str, Any]] = []
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.running = self.most_running = 0
        self.lock = threading.Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: clients may hang up."""

    def answer_models(self) -> Said:
        pairs = [{"source": source, "target": target} for source, target in self.pairs]
        model = {"name": "fake", "version": self.version, "pairs": pairs, "new": 1}
        body = {"models": [{**model, "search": {"beam_size": 4, "length_penalty": 1.0}}]}
        return self.models or Said(body=json.dumps(body).encode())

    def answer_translate(self, body: dict[str, Any]) -> Said:
        with self.lock:
            self.bodies.append(body)
            number = len(self.bodies)
            self.running += 1
            self.most_running = max(self.most_running, self.running)
        try:
            return self.react(body["text"], number) or self.translated(body)
        finally:
            with self.lock:
                self.running -= 1

    def translated(self, body: dict[str, Any]) -> Said:
        model = {"name": "fake", "version": self.version}
        translations = [
            {"text": text.upper(), "source": self.source(text, body["source"]), "model": model, "new": 1}
            for text in body["text"]
        ]
        return Said(body=json.dumps({"translations": translations}).encode())

    def source(self, text: str, asked: str) -> str:
        return self.languages.get(text[:2], "de") if asked == "auto" else asked


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeServer

    def do_GET(self) -> None:
        self.say(self.server.answer_models() if self.path == "/v1/models" else Said(404, HTML))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.say(self.server.answer_translate(body) if self.path == "/v1/translate" else Said(404, HTML))

    def say(self, said: Said) -> None:
        self.server.seen.append((self.path, dict(self.headers)))
        if said.status is None:
            self.close_connection = True
            return
        self.send_response(said.status)
        for name, value in {**said.headers, "Content-Length": str(len(said.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(said.body)

    def log_message(self, *args: Any) -> None:
        """Nothing."""


@contextmanager
def fake_server() -> Iterator[FakeServer]:
    with FakeServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
