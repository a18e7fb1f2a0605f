"""`ferry-serve`: load and verify the models, then listen, until SIGTERM or until an engine fails.

SIGHUP reads the folder of bundles again; in a terminal it means that the terminal has gone, and ends the server.

Exit status: 0 after SIGTERM or SIGINT, 1 if an engine failed, 2 if it could not start.
"""

import asyncio
import json
import logging
import math
import os
import resource
import shlex
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from server.app import build_app
from server.bundle import read_golden
from server.engine.cores import memory_limit
from server.engine.types import EngineSettings
from server.errors import FerryError, SettingsError
from server.models.cached import cached
from server.models.heaps import limit_heaps
from server.models.loading import OnFailure, Say, load_model, load_models
from server.models.models import Model, Models
from server.models.results import SentenceCache
from server.settings import ServeSettings, read_settings
from server.storage.database import Database
from server.web.logs import configure_logs
from server.web.protocol import ConnectionLimits, allow_connections, protocol_with
from server.web.reload import LoadModel, Reloader

# Longer than the idle connections of a proxy in front of us live, so that it never picks one we are closing.
KEEP_ALIVE_S = 75
# Even when told to stop at once, the server has this long to tell every client.
FORCED_S = 1.0
# What comes on top of the engine's memory (measured): the detector of languages, and the requests of a full queue.
DETECTOR_BYTES, REQUESTS_BYTES = 50_000_000, 30_000_000

_log = logging.getLogger("ferry")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    try:
        settings = read_settings(
            ServeSettings, sys.argv[1:] if argv is None else argv, os.environ, "Serve translation models over HTTP."
        )
    except FerryError as error:
        _say(str(error))
        return 2
    configure_logs(settings.log_level, settings.log_format, settings.access_log)
    limit_heaps()
    try:
        return serve(settings)
    except FerryError as error:
        (_say if settings.log_format == "text" else _log.critical)(str(error))
        return 2


def serve(settings: ServeSettings) -> int:
    """Serve until told to stop; the exit status.

    Raises:
        SettingsError: a setting is impossible here: the port is taken, the data folder cannot be written, a size is too
            small.
        BundleError: there is no bundle, or one cannot be served.
    """
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    # Without a terminal it asks for a reload. The application listens for it; before that, all is still to be read.
    signal.signal(signal.SIGHUP, _leave if sys.stdin.isatty() else signal.SIG_IGN)
    servers: list[uvicorn.Server] = []

    def stop(error: BaseException) -> None:
        _log.critical("an engine failed, stopping: %s: %s", type(error).__name__, error)
        for server in servers:
            server.should_exit = True

    say = _say if settings.log_format == "text" else _log.info
    max_connections = allow_connections()
    _check_data(settings.data)
    with closing(_bind(settings)) as listener:
        cache = SentenceCache(settings.cache_bytes)
        loaded = load_models(settings.models, settings.engine, stop, say)
        models = Models(tuple(cached(model, cache) for model in loaded.all))
        load = _load_cached(cache)
        reloader = Reloader(settings.models, settings.engine, load, stop, say, settings.grace_s)
        app = build_app(models, settings, None if sys.stdin.isatty() else reloader)
        try:
            servers.append(_Server(_configure(app, settings, max_connections)))
            if models.ready:
                _listen(listener, settings)
                say(_ready(models, listener))
                _check_memory(models, settings, memory_limit())
                # Beside the first requests: those that say their language need not wait for it, the others wait less.
                threading.Thread(target=app.state.translator.detector.load, daemon=True).start()
                _run(servers[0], listener)
            return 0 if app.state.translator.models.ready else 1
        finally:
            app.state.translator.models.close(settings.grace_s)


class _Server(uvicorn.Server):
    """Ends the application in order even when told twice: requests are answered, then counts are written."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        if not self.force_exit:
            return
        if tasks := list(self.server_state.tasks):
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=FORCED_S)
        await self.lifespan.shutdown()


def _load_cached(cache: SentenceCache) -> LoadModel:
    """`load_model`, whose golden lines go to the engine and all that comes later through `cache`."""

    def load(path: Path, settings: EngineSettings, on_failure: OnFailure, say: Say) -> Model:
        return cached(load_model(path, settings, on_failure, say), cache)

    return load


def _run(server: uvicorn.Server, listener: socket.socket) -> None:
    # uvicorn raises the signal again after its own clean shutdown; by then there is nothing left to do.
    signal.signal(signal.SIGTERM, _stay)
    signal.signal(signal.SIGINT, _stay)
    if sys.stdin.isatty():
        signal.signal(signal.SIGHUP, lambda signum, frame: setattr(server, "should_exit", True))
    server.run(sockets=[listener])


def _configure(app: Starlette, settings: ServeSettings, max_connections: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=protocol_with(ConnectionLimits(settings.client_timeout_s, max_connections)),
        lifespan="on",
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=math.ceil(settings.grace_s),
    )


def _bind(settings: ServeSettings) -> socket.socket:
    """A bound socket that does not listen yet: a taken port is found before the models load."""
    listener: socket.socket | None = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        return listener
    except OSError as error:
        if listener is not None:
            listener.close()
        raise _cannot_listen(settings, error) from error


def _listen(listener: socket.socket, settings: ServeSettings) -> None:
    """Listen. Another process may do so already: two can be bound to a port until one of them listens."""
    try:
        listener.listen()
    except OSError as error:
        raise _cannot_listen(settings, error) from error


def _cannot_listen(settings: ServeSettings, error: OSError) -> SettingsError:
    return SettingsError(
        f"--host {settings.host} --port {settings.port}: cannot listen there: {error.strerror or error}; "
        "stop what does, or choose another port."
    )


def _check_data(folder: Path) -> None:
    """Check that there is a place for what clients store: now, and not when the first of them needs it."""
    there = next(each for each in (folder, *folder.parents) if os.path.exists(each))
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        raise SettingsError(f"--data {folder}: {there} is no folder that we may write to; name another one.")
    Database(folder).prepare()


def _check_memory(models: Models, settings: ServeSettings, limit: int | None) -> None:
    """Warn if the cgroup's limit is lower than what this process may grow to: it would be killed under load."""
    stats = [model.engine.stats() for model in models.all]
    rows = sum(each.max_cache_bytes - each.cache_bytes for each in stats)
    needed = _resident_bytes() + rows + settings.cache_bytes + DETECTOR_BYTES + REQUESTS_BYTES
    if limit is not None and limit < needed:
        _log.warning(
            "the cgroup allows %d MB, and this server may come to some %d MB; allow more, or lower --num-threads, "
            "--max-rows or --cache-bytes.",
            limit // 10**6,
            needed // 10**6,
        )


def _resident_bytes() -> int:
    """What this process has in memory; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return 0


def _ready(models: Models, listener: socket.socket) -> str:
    """Where to ask, with a command to try it: the first golden line of the first model."""
    host, port = listener.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    pair = models.pairs[0]
    golden = read_golden(models.all[0].bundle)
    text = next((line.text for line in golden if line.source == pair.source), "…")
    body = json.dumps({"text": text, "source": pair.source, "target": pair.target}, ensure_ascii=False)
    return f"ready on {url}\n  curl -s {url}/v1/translate -d {shlex.quote(body)}"


def _say(message: str) -> None:
    print(f"ferry-serve: {message}", file=sys.stderr, flush=True)


def _leave(signum: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def _stay(signum: int, frame: FrameType | None) -> None:
    pass


if __name__ == "__main__":
    sys.exit(main())
