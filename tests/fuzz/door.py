"""The application as the network sees it: bytes in, bytes out, with no client in between that would tidy them up."""

import asyncio
import json
import logging
import re
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, MutableMapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec
from starlette.routing import Route

from server.app import build_app
from server.dialects.deepl.errors import ErrorAnswer as DeeplError
from server.dialects.google.errors import ErrorAnswer as GoogleError
from server.dialects.libre.errors import ErrorAnswer as LibreError
from server.dialects.native.schema import DetectAnswer, TextAnswer, TranslateAnswer
from server.models.models import Models
from server.settings import ServeSettings
from server.storage.database import NAME
from server.web.answers import ErrorAnswer
from server.web.logs import JsonFormatter, access_log
from tests.fuzz.amount import count

Headers = list[tuple[bytes, bytes]]

# What answers of 500 and more may be: busy or stopping, and late.
BY_DESIGN = (503, 504)
# A word that is in no message of ours; where inputs hold it, no log may.
MARK = "Xylophonzebra"
_SCHEMAS: dict[tuple[str, str], Any] = {
    ("POST", "/v1/translate"): TranslateAnswer,
    ("POST", "/v1/detect"): DetectAnswer,
    ("GET", "/translate"): TextAnswer,
}
_STORED = re.compile(r"ferry\.(db(-wal|-shm)?|seat-\d+)")


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: Headers
    body: bytes

    def header(self, name: str) -> str:
        """A header, empty if there is none."""
        return next((value.decode("latin-1") for key, value in self.headers if key.decode().lower() == name), "")


class Door:
    """The running application, and all that it may write to."""

    def __init__(self, models: Models, folder: Path, **varied: Any) -> None:
        self.folder = folder
        self.data = folder / "data"
        self._settings = replace(
            ServeSettings(data=self.data, deadline_s=300.0, max_deadline_s=300.0, client_timeout_s=300.0), **varied
        )
        self._app = build_app(models, self._settings)
        self.paths = sorted(
            (method, route.path)
            for route in self._app.routes
            if isinstance(route, Route)
            for method in route.methods or ()
        )
        self._runner = asyncio.Runner()
        self._log = _Log()

    @contextmanager
    def open(self) -> Iterator["Door"]:
        """Run it; its temporary files are in a folder of their own."""
        (self.folder / "tmp").mkdir()
        before, tempfile.tempdir = tempfile.tempdir, str(self.folder / "tmp")
        self._log.begin()
        lifespan = self._app.router.lifespan_context(self._app)
        try:
            with self._runner:
                self._state = dict(self._runner.run(lifespan.__aenter__()) or {})
                yield self
                self._runner.run(lifespan.__aexit__(None, None, None))
        finally:
            tempfile.tempdir = before
            self._log.end()

    def ask(
        self,
        method: str,
        path: bytes,
        headers: Iterable[tuple[bytes, bytes]] = (),
        body: bytes = b"",
        chunk_bytes: int = 1 << 20,
    ) -> Reply:
        """Send a request as uvicorn would hand it on, and check what must be true of every answer."""
        count()
        self._log.lines.clear()
        reply = self._runner.run(self._asked(method, path, list(headers), body, chunk_bytes))
        self.check(method, unquote(path.partition(b"?")[0].decode("latin-1")), reply)
        return reply

    def check(self, method: str, path: str, reply: Reply) -> None:
        """The invariants."""
        log = "\n".join(self._log.lines)
        assert reply.status < 500 or reply.status in BY_DESIGN, (reply, log)
        assert "internal error" not in log, log
        assert MARK not in log, log
        for name, value in reply.headers:
            assert not re.search(rb"[\r\n\0]", name + value), reply.headers
        if reply.header("content-type") == "application/json" and method != "HEAD":
            found = json.loads(reply.body.decode("utf-8"))
            json.dumps(found, ensure_ascii=False).encode("utf-8")  # no lone surrogates either
            if reply.status >= 400:
                _check_error(path, reply.body)
            elif (method, path) in _SCHEMAS:
                msgspec.json.decode(reply.body, type=_SCHEMAS[method, path])

    def check_folders(self) -> None:
        """Nothing was written but what has names of ours, and for us alone."""
        assert {path.name for path in self.folder.iterdir()} <= {"data", "tmp"}
        for path in self.data.rglob("*"):
            name = str(path.relative_to(self.data))
            assert _STORED.fullmatch(name), name
            assert not path.is_symlink()
            assert path.stat().st_mode & 0o077 == 0
        if self.data.is_dir():
            assert self.data.stat().st_mode & 0o077 == 0

    def wait_for_documents(self) -> None:
        """Until all documents are translated or given up."""

        async def wait() -> None:
            async with asyncio.timeout(120):
                while self._has_waiting():
                    await asyncio.sleep(0.01)

        self._log.lines.clear()
        self._runner.run(wait())
        assert not self._log.lines, self._log.lines

    def _has_waiting(self) -> bool:
        if not (self.data / NAME).exists():
            return False
        with closing(sqlite3.connect(self.data / NAME)) as connection:
            return bool(connection.execute("SELECT 1 FROM documents WHERE status = 'queued'").fetchone())

    async def _asked(self, method: str, path: bytes, headers: Headers, body: bytes, chunk_bytes: int) -> Reply:
        raw_path, _, query = path.partition(b"?")
        chunks = [body[i : i + chunk_bytes] for i in range(0, len(body), chunk_bytes)] or [b""]
        messages = [
            {"type": "http.request", "body": chunk, "more_body": i < len(chunks)} for i, chunk in enumerate(chunks, 1)
        ]
        done = asyncio.Event()
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if messages:
                return messages.pop(0)
            await done.wait()
            return {"type": "http.disconnect"}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(raw_path.decode("latin-1")),
            "raw_path": raw_path,
            "query_string": query,
            "headers": [(name.lower(), value) for name, value in headers],
            "client": ("127.0.0.1", 5),
            "server": ("127.0.0.1", 80),
            "state": dict(self._state),
        }
        await self._app(scope, receive, send)
        done.set()
        start, *parts = sent
        return Reply(start["status"], list(start["headers"]), b"".join(part.get("body", b"") for part in parts))


class _Log(logging.Handler):
    """All that is logged, as the server would write it."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(JsonFormatter())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != "ferry.access" or MARK in record.getMessage():
            self.lines.append(self.format(record))

    def begin(self) -> None:
        self._level = logging.getLogger().level
        logging.getLogger().addHandler(self)
        logging.getLogger().setLevel(logging.INFO)
        logging.getLogger("python_multipart").setLevel(logging.ERROR)  # as server.web.logs has it
        access_log.setLevel(logging.INFO)

    def end(self) -> None:
        logging.getLogger().removeHandler(self)
        logging.getLogger().setLevel(self._level)
        access_log.setLevel(logging.NOTSET)


def _check_error(path: str, body: bytes) -> None:
    """The dialect's own words, or those that answer for no dialect: paths and methods that there are none of."""
    own: Any = {"v2": DeeplError, "v3": DeeplError, "language": GoogleError, "google": GoogleError}.get(
        path.split("/")[1], LibreError
    )
    try:
        msgspec.json.decode(body, type=own)
    except msgspec.ValidationError:
        msgspec.json.decode(body, type=ErrorAnswer)
