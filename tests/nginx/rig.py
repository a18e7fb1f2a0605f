"""Real nginx over the repository's configuration, and replicas that do as they are told."""

import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Protocol

from tests.ports import free_port
from tests.programs import need

SOURCE = Path(__file__).resolve().parents[2]


def find_nginx() -> str:
    """nginx's path; without nginx the test is skipped."""
    return need("nginx")


def wait_until(condition: Callable[[], bool], limit_s: float = 10) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


class Listening(Protocol):
    """A replica, as far as nginx is concerned."""

    port: int


@dataclass
class Seen:
    """A request as a replica got it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Replica:
    """A server that answers as it is told: `ok`, `busy`, `break`, `hold`, `stream`, `large`, `page`."""

    mood: str = "ok"
    seen: list[Seen] = field(default_factory=list)
    go_on: threading.Event = field(default_factory=threading.Event)
    _connections: list[socket.socket] = field(default_factory=list)

    def __post_init__(self) -> None:
        replica = self

        class Answering(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except ConnectionError:
                    self.close_connection = True

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                replica.seen.append(Seen(self.command, self.path, dict(self.headers), body))
                getattr(self, f"be_{replica.mood}")()

            def do_POST(self) -> None:
                self.do_GET()

            def answer(self, status: int, body: bytes, **headers: str) -> None:
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def be_ok(self) -> None:
                request_id = self.headers["X-Request-ID"]
                self.answer(200, b'{"ok": true}', X_Request_ID=request_id, X_Content_Type_Options="nosniff")

            def be_busy(self) -> None:
                self.answer(503, b'{"error": {"code": "overloaded", "message": "full"}}', Retry_After="7")

            def be_break(self) -> None:
                self.close_connection = True

            def be_hold(self) -> None:
                replica.go_on.wait(10)
                self.be_ok()

            def be_large(self) -> None:
                self.answer(200, b'{"text": "' + b"ja " * 2000 + b'"}')

            def be_page(self) -> None:
                self.answer(200, b"<p>", Content_Type="text/html", Content_Security_Policy="default-src 'self'")

            def be_stream(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "application/x-ndjson")
                self.send_header("X-Accel-Buffering", "no")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write(b'8\r\n{"n":1}\n\r\n')
                replica.go_on.wait(10)
                self.wfile.write(b'8\r\n{"n":2}\n\r\n0\r\n\r\n')

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
                replica._connections.append(super().get_request()[0])
                return replica._connections[-1], replica._connections[-1].getpeername()

        self._server = Server(("127.0.0.1", 0), Answering)
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        """Break off connections, refuse new ones."""
        self.go_on.set()
        self._server.shutdown()
        self._server.server_close()
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@dataclass
class Front:
    """A running nginx."""

    port: int
    folder: Path
    replicas: list[Replica]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def logged(self, count: int) -> list[str]:
        """The first `count` lines of the access log, which is written after the answer."""
        log = self.folder / "access.json"
        wait_until(lambda: log.read_text().count("\n") >= count)
        return log.read_text().splitlines()[:count]


@contextmanager
def nginx(folder: Path, replicas: Sequence[Listening], site: str = "", trusted: str = "") -> Iterator[Front]:
    """nginx in `folder` before `replicas`, its own files as they are in the repository but for where things are."""
    program = find_nginx()
    port = free_port()
    shutil.copytree(SOURCE / "nginx", folder / "ferry")
    shutil.copy(SOURCE / "deploy" / "nginx.conf", folder)
    upstream = "".join(f"server 127.0.0.1:{replica.port} max_fails=0;\n" for replica in replicas)
    (folder / "ferry" / "upstream.conf").write_text(upstream)
    (folder / "ferry" / "trusted.conf").write_text(trusted)
    # One request a second beyond the burst, so that no machine is too slow to reach the limit.
    limits = folder / "ferry" / "limits.conf"
    limits.write_text(re.sub(r"rate=\d+r/s", "rate=1r/s", limits.read_text()))
    (folder / "ferry" / "site.conf").write_text(f"listen 127.0.0.1:{port};\naccess_log access.json ferry;\n{site}")
    # As root, the files of a folder of ours are for nobody else to read.
    user = ["-g", "user root;"] if os.geteuid() == 0 else []
    command = [program, "-p", f"{folder}/", "-c", "nginx.conf", *user]
    with (folder / "error.log").open("w") as errors:
        foreground = [*command[:-1], command[-1] + " daemon off;"] if user else [*command, "-g", "daemon off;"]
        process = subprocess.Popen(foreground, stderr=errors)
    try:
        front = Front(port, folder, [replica for replica in replicas if isinstance(replica, Replica)])
        wait_until(lambda: process.poll() is not None or _listens(port))
        assert process.poll() is None, (folder / "error.log").read_text()
        yield front
    finally:
        process.terminate()
        process.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
