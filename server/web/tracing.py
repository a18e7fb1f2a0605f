"""OpenTelemetry traces, for those who want them: one span for each request, with its route and status, never its text.

Needs `pip install 'ferry-nmt[otel]'`; where spans go is said by OpenTelemetry's own variables, such as
OTEL_EXPORTER_OTLP_ENDPOINT.
"""

from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.errors import SettingsError
from server.web.metrics import route_of

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

SERVICE_NAME = "ferry"


class Traced:
    """Pure ASGI middleware around the whole application; a caller's trace goes on in it."""

    def __init__(self, app: ASGIApp, tracer: "Tracer") -> None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._app = app
        self._tracer = tracer
        self._propagator = TraceContextTextMapPropagator()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request within a span of its own."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        from opentelemetry.trace import SpanKind, StatusCode

        parent = self._propagator.extract(dict(Headers(scope=scope)))
        with self._tracer.start_as_current_span(scope["method"], parent, SpanKind.SERVER) as span:

            async def send_traced(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= 500:
                        span.set_status(StatusCode.ERROR)
                await send(message)

            try:
                await self._app(scope, receive, send_traced)
            finally:
                route = route_of(scope)
                span.update_name(f"{scope['method']} {route}")
                span.set_attributes({"http.request.method": scope["method"], "http.route": route})
                if code := scope.get("ferry.error_code"):
                    span.set_attribute("error.type", code)


def make_tracer() -> "Tracer":
    """A tracer that sends its spans over OTLP and HTTP, as the variables of OpenTelemetry say.

    Raises:
        SettingsError: OpenTelemetry is not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise SettingsError("--otel needs OpenTelemetry: pip install 'ferry-nmt[otel]'.") from error
    provider = TracerProvider(resource=Resource.create({"service.name": SERVICE_NAME}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider.get_tracer(SERVICE_NAME)
