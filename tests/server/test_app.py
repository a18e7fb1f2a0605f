"""The application as a client finds it, over the fake engine: what is of no dialect, and of all."""

import asyncio
import json
import re
import shutil
import tempfile
import weakref
from collections.abc import Callable, MutableMapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.app import build_app
from server.models.models import Models
from server.settings import ServeSettings
from server.text.tokenizer import Tokenizer
from tests.server.conftest import MakeModel
from tests.server.fakes import FakeEngine

SETTINGS = ServeSettings(max_body_bytes=2048, max_texts=3, max_text_chars=500, deadline_s=60.0)
BODY = {"text": "Der Hund läuft.", "source": "de", "target": "en"}


class Site:
    """The application, with its lifespan run, asked as a client would ask it."""

    def __init__(self, models: Models, settings: ServeSettings = SETTINGS) -> None:
        if settings.data == ServeSettings.data:  # nothing is to be left where the tests are run
            settings = replace(settings, data=Path(tempfile.mkdtemp(prefix="ferry-")))
            weakref.finalize(self, shutil.rmtree, settings.data, ignore_errors=True)
        self._app = build_app(models, settings)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        async with self._app.router.lifespan_context(self._app) as state:
            await self._app({**scope, "state": dict(state or {})}, receive, send)

    def ask(self, method: str, path: str, **content: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self), base_url="http://ferry") as client:
                return await client.request(method, path, **content)

        return asyncio.run(ask())

    def leave(self, path: str, body: Any, engine: FakeEngine) -> int:
        """The status that nobody reads, since the client goes as soon as `engine` has its sentence."""
        statuses: list[int] = []
        messages = [{"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}]

        async def receive() -> dict[str, Any]:
            if messages:
                return messages.pop()
            async with asyncio.timeout(60):
                while not engine.num_waiting:
                    await asyncio.sleep(0.001)
            return {"type": "http.disconnect"}

        async def send(message: MutableMapping[str, Any]) -> None:
            statuses.extend(filter(None, [message.get("status")]))

        scope = {"type": "http", "method": "POST", "path": path, "headers": [], "query_string": b""}
        asyncio.run(self(scope, receive, send))
        return statuses[0]

    def post(self, body: Any) -> httpx.Response:
        return self.ask("POST", "/v1/translate", json=body)


@pytest.fixture
def site(models: Models) -> Site:
    return Site(models)


def refused(answer: httpx.Response, status: int, code: str, says: str = "") -> dict[str, Any]:
    """Check an error answer and return its detail."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
    detail: dict[str, Any] = answer.json()["error"]
    assert detail["code"] == code
    assert says in detail["message"]
    assert "Traceback" not in answer.text
    return detail


def test_the_index_names_every_endpoint(site: Site) -> None:
    shown = site.ask("GET", "/").text
    for path in ("/v1/translate", "/translate", "/v1/models", "/health/live", "/health/ready", "/metrics"):
        assert path in shown


def test_every_answer_has_a_request_id(site: Site) -> None:
    answer = site.ask("GET", "/nowhere", headers={"X-Request-ID": "abc-1"})
    assert answer.headers["x-request-id"] == answer.headers["x-trace-id"] == "abc-1"
    answer = site.ask("GET", "/", headers={"X-Request-ID": "a b"})
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])


def test_paths_and_methods_that_do_not_exist(site: Site) -> None:
    refused(site.ask("GET", "/v1/none"), 404, "not_found")
    answer = site.ask("GET", "/v1/translate")
    refused(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"


def test_pages_of_other_origins_may_not_ask_unless_they_are_named(models: Models) -> None:
    headers = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    assert Site(models).ask("OPTIONS", "/v1/translate", headers=headers).status_code == 405
    site = Site(models, replace(SETTINGS, cors_origins="https://app.example, https://other.example"))
    allowed = site.ask("OPTIONS", "/v1/translate", headers=headers)
    assert allowed.headers["access-control-allow-origin"] == "https://app.example"
    answer = site.ask("POST", "/v1/translate", json=BODY, headers={"Origin": "https://other.example"})
    assert answer.headers["access-control-allow-origin"] == "https://other.example"
    stranger = site.ask("POST", "/v1/translate", json=BODY, headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in stranger.headers
    assert json.loads(stranger.text)["translations"]


def test_pages_of_named_origins_may_ask_whatever_is_described(models: Models) -> None:
    site = Site(models, replace(SETTINGS, cors_origins="https://app.example"))
    paths = site.ask("GET", "/openapi.json").json()["paths"]
    described = {method.upper() for operations in paths.values() for method in operations}
    for method in described & {"GET", "POST", "PUT", "PATCH", "DELETE"}:
        headers = {"Origin": "https://app.example", "Access-Control-Request-Method": method}
        assert site.ask("OPTIONS", "/v1/models", headers=headers).status_code == 200, method
    assert {"PUT", "PATCH"} <= described


def test_a_client_that_goes_away_takes_its_sentences_along(make_model: MakeModel) -> None:
    engine = FakeEngine(hold=True)
    site = Site(Models((make_model(engine),)))
    assert site.leave("/v1/translate", BODY, engine) == 499
    assert engine.futures[0].cancelled()


def test_clients_at_once_get_their_own_answers(make_model: MakeModel, tokenizer: Tokenizer) -> None:
    engine = FakeEngine(hold=True)
    site = Site(Models((make_model(engine),)))
    texts = [f"the dog number {i // 8} {i % 8}" for i in range(32)]

    async def ask() -> list[str]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(site), base_url="http://ferry") as client:
            requests = [
                asyncio.create_task(client.post("/v1/translate", json={"text": text, "source": "en", "target": "de"}))
                for text in texts
            ]
            await _until(lambda: engine.num_waiting == 32)
            engine.release()
            return [(await request).json()["translations"][0]["text"] for request in requests]

    assert asyncio.run(ask()) == [tokenizer.decode(tokenizer.encode(text)[::-1]) for text in texts]


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.001)
