"""What operators look at besides metrics and logs: traces, `/debug`, and pages of other origins that may ask."""

import asyncio
import json
import sys
from dataclasses import replace
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from server import app
from server.errors import SettingsError
from server.models.models import Models
from server.web.tracing import make_tracer
from tests.server.test_app import BODY, SETTINGS, Site


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(app, "make_tracer", lambda: provider.get_tracer("test"))
    return exporter


def told(spans: InMemorySpanExporter) -> list[ReadableSpan]:
    return list(spans.get_finished_spans())


def test_a_span_has_the_route_and_the_status_and_no_text(models: Models, spans: InMemorySpanExporter) -> None:
    site = Site(models, replace(SETTINGS, otel=True))
    site.post(BODY)
    site.post({**BODY, "target": "Hafen"})
    site.ask("GET", "/translate?q=Hafen&source=de&target=en")
    site.ask("GET", "/Hafen")
    assert [span.name for span in told(spans)] == [
        "POST /v1/translate",
        "POST /v1/translate",
        "GET /translate",
        "GET other",
    ]
    assert [dict(span.attributes or {})["http.response.status_code"] for span in told(spans)] == [200, 400, 200, 404]
    assert dict(told(spans)[1].attributes or {})["error.type"] == "unsupported_pair"
    assert not any(word in span.to_json() for span in told(spans) for word in ("Hafen", "Hund"))


def test_a_caller_s_trace_goes_on(models: Models, spans: InMemorySpanExporter) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    Site(models, replace(SETTINGS, otel=True)).ask("POST", "/v1/translate", json=BODY, headers=headers)
    [span] = told(spans)
    assert span.context is not None
    assert f"{span.context.trace_id:032x}" == trace


def test_without_opentelemetry_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(SettingsError, match=r"pip install 'ferry-nmt\[otel\]'"):
        make_tracer()


def debug(site: Site, client: tuple[str, int], **headers: str) -> httpx.Response:
    class From:
        """The site, asked by somebody else."""

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await site({**scope, "client": client}, receive, send)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(From())
        async with httpx.AsyncClient(transport=transport, base_url="http://ferry") as http:
            return await http.get("/debug", headers=headers)

    return asyncio.run(ask())


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1"])
def test_debug_tells_this_machine_where_threads_and_tasks_are(models: Models, host: str) -> None:
    answer = debug(Site(models), (host, 5))
    assert answer.status_code == 200
    shown = answer.json()
    assert any("get_debug debug.py" in place for place in shown["threads"]["MainThread"])
    assert shown["tasks"]
    assert shown["engines"]["tiny"]["max_rows"] > 0
    assert shown["resident_kib"] > 1000


def test_debug_is_there_for_nobody_else(models: Models) -> None:
    assert debug(Site(models), ("10.0.0.1", 5)).status_code == 404
    assert debug(Site(models), ("nonsense", 5)).status_code == 404
    for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
        assert debug(Site(models), ("127.0.0.1", 5), **{name: "127.0.0.1"}).status_code == 404


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
