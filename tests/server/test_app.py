"""The HTTP interface over the fake engine; one test for each row of the error table."""

import asyncio
import json
import re
import shutil
import tempfile
import weakref
from collections.abc import AsyncIterator, Callable, MutableMapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from server import errors
from server.app import build_app
from server.errors import EngineStoppedError, FerryError, QueueFullError, RateLimitedError
from server.models.models import Models
from server.settings import ServeSettings
from server.text.tokenizer import Tokenizer
from server.web.body import DISCARD_BYTES
from tests.server.conftest import MakeModel
from tests.server.fakes import EN, FakeEngine

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


def test_one_text(site: Site) -> None:
    answer = site.post(BODY)
    assert answer.status_code == 200
    expected = {"text": "Der Hund läuft.", "source": "de", "model": {"name": "tiny", "version": "1.2"}}
    assert answer.json() == {"translations": [expected]}


@pytest.mark.parametrize("asked", [{}, {"source": "auto"}])
def test_a_language_that_is_not_given_is_detected(models: Models, engine: FakeEngine, asked: dict[str, str]) -> None:
    site = Site(models, replace(SETTINGS, deadline_s=300))  # the first time a model of languages is loaded
    answer = site.post({"text": ["Der Hund läuft über die Straße.", "Das ist ein Haus"], "target": "en", **asked})
    assert [t["source"] for t in answer.json()["translations"]] == ["de", "de"]
    assert all(0.5 < t["detected_confidence"] <= 1 for t in answer.json()["translations"])
    assert {source[0] for source in engine.sources} == {EN}


def test_many_texts_in_order(site: Site, tokenizer: Tokenizer) -> None:
    texts = ["the dog", "", "a house"]
    answer = site.post({"text": texts, "source": "en", "target": "de"})
    expected = [tokenizer.decode(tokenizer.encode(text)[::-1]) for text in texts]
    assert [t["text"] for t in answer.json()["translations"]] == expected
    assert site.post({**BODY, "text": []}).json()["translations"] == []


def test_alternatives_scores_and_segments_when_asked_for(site: Site) -> None:
    (found,) = site.post({**BODY, "text": "Der Hund.\n", "num_alternatives": 2}).json()["translations"]
    assert found["text"] == "Der Hund.\n"
    assert [set(a) for a in found["alternatives"]] == [{"text"}, {"text"}]
    asked = {**BODY, "text": "Der Hund.\n…", "scores": True, "segments": True, "num_alternatives": 1}
    (found,) = site.post(asked).json()["translations"]
    assert found["score"] == found["segments"][0]["score"] > found["alternatives"][0]["score"]
    assert [s["source"] for s in found["segments"]] == ["Der Hund.", "…"]
    (empty,) = site.post({**BODY, "text": "", "scores": True}).json()["translations"]
    assert (empty["text"], empty["score"]) == ("", None)


def test_the_request_decides_the_search(site: Site, engine: FakeEngine) -> None:
    site.post({**BODY, "beam_size": 3, "length_penalty": 1})
    assert (engine.options[0].beam_size, engine.options[0].length_penalty) == (3, 1.0)


@pytest.mark.parametrize("query", ["", "&source=de", "&target=en", "&source=de&target=en", "&source=DE"])
def test_get_translate_takes_the_first_pair_that_fits(site: Site, query: str) -> None:
    answer = site.ask("GET", f"/translate?q=Der+Hund.%0A{query}")
    assert (answer.status_code, answer.json()) == (200, {"translatedText": "Der Hund.\n"})


def test_get_translate_into_the_other_direction(site: Site, tokenizer: Tokenizer) -> None:
    answer = site.ask("GET", "/translate?q=the+dog&target=de")
    assert answer.json()["translatedText"] == tokenizer.decode(tokenizer.encode("the dog")[::-1])


def test_models_are_described(site: Site) -> None:
    (model,) = site.ask("GET", "/v1/models").json()["models"]
    assert (model["name"], model["version"], model["precision"]) == ("tiny", "1.2", "fp32")
    assert model["pairs"] == [{"source": "de", "target": "en"}, {"source": "en", "target": "de"}]
    assert model["search"] == {"beam_size": 2, "length_penalty": 0.6}
    assert model["quality"][0]["bleu"] == 42.5
    assert model["dimensions"]["num_decoder_layers"] == 3


def test_health(site: Site, engine: FakeEngine) -> None:
    assert site.ask("GET", "/health/live").status_code == 200
    assert site.ask("GET", "/health/ready").status_code == 200
    engine.failed = True
    assert site.ask("GET", "/health/live").status_code == 200
    refused(site.ask("GET", "/health/ready"), 503, "unavailable")


def test_the_index_names_every_endpoint(site: Site) -> None:
    shown = site.ask("GET", "/").text
    for path in ("/v1/translate", "/translate", "/v1/models", "/health/live", "/health/ready", "/metrics"):
        assert path in shown


def test_metrics_count_requests_and_tell_of_the_engine(site: Site) -> None:
    site.post(BODY)
    site.post({**BODY, "target": "tlh"})
    site.ask("GET", "/secret-text-in-a-path")
    lines = site.ask("GET", "/metrics").text.splitlines()
    assert 'ferry_requests_total{route="/v1/translate",status="200"} 1.0' in lines
    assert 'ferry_requests_total{route="other",status="404"} 1.0' in lines
    assert 'ferry_refusals_total{code="unsupported_pair"} 1.0' in lines
    assert 'ferry_request_seconds_count{route="/v1/translate"} 2.0' in lines
    assert 'ferry_engine_rows_in_use{model="tiny"} 3.0' in lines
    assert 'ferry_engine_joined_running_total{model="tiny"} 13.0' in lines
    assert "ferry_ready 1.0" in lines
    assert not any("secret" in line or "tlh" in line for line in lines)


def test_metrics_tell_models_of_the_same_name_apart(make_model: MakeModel) -> None:
    first, second = make_model(FakeEngine()), make_model(FakeEngine())
    second = replace(second, bundle=replace(second.bundle, path=Path("models/next")))
    shown = Site(Models((first, second))).ask("GET", "/metrics").text
    samples = [line.rpartition(" ")[0] for line in shown.splitlines() if not line.startswith("#")]
    assert len(set(samples)) == len(samples)  # Prometheus would throw the second one away
    assert {'ferry_engine_steps_total{model="tiny"}', 'ferry_engine_steps_total{model="tiny (next)"}'} <= set(samples)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="it is read from /proc")
def test_metrics_tell_of_the_process(site: Site) -> None:
    lines = site.ask("GET", "/metrics").text.splitlines()
    held = {name: float(value) for name, value in (line.split(" ") for line in lines if line.startswith("process_"))}
    assert held["process_resident_memory_bytes"] > 1 << 20
    assert held["process_open_fds"] > 2


def test_every_answer_has_a_request_id(site: Site) -> None:
    answer = site.ask("GET", "/nowhere", headers={"X-Request-ID": "abc-1"})
    assert answer.headers["x-request-id"] == answer.headers["x-trace-id"] == "abc-1"
    answer = site.ask("GET", "/", headers={"X-Request-ID": "a b"})
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])


# The error table, row by row.

ENGINE_ERRORS = [
    error
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, FerryError) and error is not FerryError
]


@pytest.mark.parametrize("error", ENGINE_ERRORS, ids=lambda error: error.__name__)
def test_each_error_has_its_status_and_code(make_model: MakeModel, error: type[FerryError]) -> None:
    site = Site(Models((make_model(FakeEngine(refusal=error("says this"))),)))
    answer = site.post(BODY)
    refused(answer, error.status, error.code, "says this")
    tells_when = issubclass(error, QueueFullError | RateLimitedError | EngineStoppedError)
    assert ("retry-after" in answer.headers) == tells_when


def test_a_full_queue_says_when_to_come_back(make_model: MakeModel) -> None:
    site = Site(Models((make_model(FakeEngine(hold=True, capacity=1)),)))
    answer = site.post({**BODY, "text": "Eins. Zwei."})
    refused(answer, 503, "overloaded")
    assert answer.headers["retry-after"] == "3"


@pytest.mark.parametrize(
    ("body", "says", "field"),
    [
        (b"", "not JSON", None),
        (b"{", "not JSON", None),
        (b'{"text": "\xff"}', "not JSON", None),
        (b'{"text": "\\ud800", "source": "de", "target": "en"}', "not JSON", None),
        (b"[]", "Expected `object`, got `array`", None),
        (b'{"text": "a", "source": "de"}', "target is missing.", "target"),
        (b'{"text": 1, "source": "de", "target": "en"}', "text: Expected `str | array`", "text"),
        (b'{"text": ["a", 1], "source": "de", "target": "en"}', "text[1]: Expected `str`", "text[1]"),
        (b'{"text": "a", "target": "en", "beamsize": 2}', "beamsize is no field of this request.", "beamsize"),
        (b'{"text": 1, "text": "a", "source": "de", "target": "en"}', "Expected `str | array`, got `int`", None),
        (b'{"text": 1, "source": 2, "typo": 3}', "typo is no field of this request. text: Expected", "typo"),
        (b'{"text": 1, "source": 2}', "got `int`. target is missing. source: Expected `str`, got `int`.", "text"),
        (b'{"text": "a", "target": "en", "format": "pdf"}', "format: Invalid enum value 'pdf'.", "format"),
        (b'{"text": "a", "target": "en", "format": "xml", "alignments": true}', 'needs format "text"', "alignments"),
        (b'{"text": "a", "target": "en", "stream": true, "scores": true}', "scores is not told", "scores"),
        (b'{"text": "a", "source": "de", "target": "en", "beam_size": "2"}', "beam_size: Expected", "beam_size"),
        (b'{"text": "a", "source": "de", "target": "en", "beam_size": 9}', "beam_size is 9; it must be 1 to 8", None),
    ],
)
def test_a_body_that_is_wrong(site: Site, body: bytes, says: str, field: str | None) -> None:
    detail = refused(site.ask("POST", "/v1/translate", content=body), 400, "invalid_request", says)
    assert detail.get("field") == field


def test_a_body_nested_too_deeply(models: Models) -> None:
    site = Site(models, replace(SETTINGS, max_body_bytes=1 << 20))
    for body in (b"[" * 500_000, b'{"text":' + b"[" * 500_000, b'{"a":' * 100_000, b'{"x":' + b"[" * 500_000):
        refused(site.ask("POST", "/v1/translate", content=body), 400, "invalid_request")


def test_an_unknown_pair(site: Site) -> None:
    refused(site.post({**BODY, "target": "fr"}), 400, "unsupported_pair", "there are: de-en, en-de")
    refused(site.ask("GET", "/translate?q=a&target=fr"), 400, "unsupported_pair")


def test_get_translate_without_text(site: Site) -> None:
    refused(site.ask("GET", "/translate?source=de"), 400, "invalid_request", "q is missing")


def test_a_body_over_the_limit_is_refused_unkept(site: Site) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b"x" * 1024

    refused(site.ask("POST", "/v1/translate", content=endless()), 413, "request_too_large", "2048 bytes")
    assert read * 1024 <= DISCARD_BYTES + 4096, "what is thrown away is bounded too"

    headers = {"content-length": str(10**7)}
    refused(
        site.ask("POST", "/v1/translate", content=endless(), headers=headers), 413, "request_too_large", "2048 bytes"
    )


def test_too_many_texts_or_characters(site: Site) -> None:
    refused(site.post({**BODY, "text": ["a"] * 4}), 413, "request_too_large", "4 texts; a request may have 3")
    refused(site.post({**BODY, "text": "a" * 501}), 413, "request_too_large", "501 characters")


def test_the_deadline(make_model: MakeModel) -> None:
    for seconds in (0.02, 0.2, 2.0, 20.0):  # on a busy machine it may pass before the engine is asked
        engine = FakeEngine(hold=True)
        site = Site(Models((make_model(engine),)), replace(SETTINGS, deadline_s=seconds))
        refused(site.post(BODY), 504, "deadline_exceeded")
        if engine.futures:
            break
    assert engine.futures[0].cancelled()


def test_what_only_we_can_break_is_told_without_details(
    models: Models, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError(BODY["text"])

    monkeypatch.setattr(engine, "submit", broken)
    detail = refused(Site(models).post(BODY), 500, "internal")
    assert "Hund" not in detail["message"] + caplog.text
    assert "RuntimeError" in caplog.text


def test_paths_and_methods_that_do_not_exist(site: Site) -> None:
    refused(site.ask("GET", "/v2/none"), 404, "not_found")
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


def test_a_client_that_goes_away_takes_its_sentences_along(make_model: MakeModel) -> None:
    engine = FakeEngine(hold=True)
    site = Site(Models((make_model(engine),)))
    sent: list[MutableMapping[str, Any]] = []

    async def ask() -> None:
        messages = [{"type": "http.request", "body": json.dumps(BODY).encode(), "more_body": False}]

        async def receive() -> dict[str, Any]:
            if messages:
                return messages.pop()
            await _until(lambda: engine.num_waiting == 1)
            return {"type": "http.disconnect"}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/v1/translate", "headers": [], "query_string": b""}
        await site(scope, receive, send)

    asyncio.run(ask())
    assert engine.futures[0].cancelled()
    assert sent[0]["status"] == 499


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
