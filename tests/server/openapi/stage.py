"""Applications that differ in one thing, opened one after another; a witness asks each of them."""

import asyncio
import itertools
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from server.access.keys import hash_key
from server.app import build_app
from server.models.models import Models
from server.settings import ServeSettings
from server.text.tokenizer import Tokenizer
from tests.server.conftest import tiny_model
from tests.server.fakes import FakeEngine
from tests.server.openapi.witness import Told, Witness

KEY = "the-key"
# The detector loads within the first request; on a busy machine that may take longer than a request has.
PATIENT = ServeSettings(deadline_s=120.0, max_deadline_s=120.0)


class Stage:
    """Opens applications, with a file of keys or without, and keeps what their witnesses were told."""

    def __init__(self, tokenizer: Tokenizer, folder: Path, with_keys: bool) -> None:
        self.with_keys = with_keys
        self.told: list[Told] = []
        self._tokenizer = tokenizer
        self._folders = (folder / str(number) for number in itertools.count())

    @asynccontextmanager
    async def open(
        self,
        engine: FakeEngine | None = None,
        key: str | None = KEY,
        limits: str = "",
        ending: bool = False,
        **varied: Any,
    ) -> AsyncIterator[Witness]:
        """An application and who asks it.

        Args:
            key: what is sent where keys are asked for; None sends none.
            limits: of the key, as the file of keys has them.
            ending: whether the server ends while it answers.
            varied: settings.
        """
        folder = next(self._folders)
        folder.mkdir(parents=True)
        settings = replace(PATIENT, data=folder / "data", **varied)
        if self.with_keys:
            (folder / "keys.toml").write_text(f'[[keys]]\nname = "a"\nsha256 = "{hash_key(KEY)}"\n{limits}')
            settings = replace(settings, api_keys=folder / "keys.toml")
        app = build_app(Models((tiny_model(engine or FakeEngine(), self._tokenizer, folder),)), settings)
        async with app.router.lifespan_context(app) as lifespan_state:
            state = dict(lifespan_state or {})

            async def with_state(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
                await app({**scope, "state": dict(state)}, receive, send)

            async with _client(httpx.ASGITransport(with_state), None) as reader:
                documents = [(await reader.get(path)).json() for path in ("/openapi.json", "/spec")]
            transport = EndingTransport(with_state) if ending else httpx.ASGITransport(with_state)
            async with _client(transport, key if self.with_keys else None) as client:
                yield Witness(client, documents, self.told, state)


def _client(transport: httpx.AsyncBaseTransport, key: str | None) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.AsyncClient(transport=transport, base_url="http://ferry", headers=headers)


class EndingTransport(httpx.AsyncBaseTransport):
    """Asks, and cancels the answer as soon as it waits for anything, as the end of the grace period does."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> dict[str, Any]:
            await asyncio.Event().wait()
            raise AssertionError("it has been cancelled before")

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": request.method,
            "path": request.url.path,
            "query_string": request.url.query,
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "server": ("ferry", 80),
            "scheme": "http",
        }
        task = asyncio.create_task(self._app(scope, receive, send))
        await asyncio.sleep(0)
        task.cancel()
        await task
        start, *bodies = sent
        content = b"".join(each.get("body", b"") for each in bodies)
        return httpx.Response(start["status"], headers=start["headers"], content=content)


class Broken:
    """Stands for a part of the application in which everything goes wrong."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)
