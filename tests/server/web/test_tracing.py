"""Spans of requests: which there are, what they tell, and what never."""

import sys
from dataclasses import replace

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
