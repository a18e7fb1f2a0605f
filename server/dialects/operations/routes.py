"""The endpoints for orchestrators and Prometheus."""

from pathlib import Path
from typing import Literal

from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

from server.errors import EngineStoppedError
from server.openapi.template import load_spec
from server.web.answers import json_answer, refuse
from server.web.dialect import Dialect
from server.web.state import FerryRequest


class StatusAnswer(Struct):
    """The answer of the health endpoints."""

    status: Literal["ok"] = "ok"


def build_operations_dialect() -> Dialect:
    """Health and metrics."""
    routes = [
        Route("/health/live", get_live),
        Route("/health/ready", get_ready),
        Route("/metrics", get_metrics),
    ]
    spec = load_spec(Path(__file__).with_name("openapi.yaml"), lambda served: {})
    return Dialect("operations", routes, refuse, spec)


async def get_live(request: FerryRequest) -> Response:
    """The process answers."""
    return json_answer(StatusAnswer())


async def get_ready(request: FerryRequest) -> Response:
    """It can translate: golden lines passed, and no engine has failed since."""
    if request.state["translator"].models.ready:
        return json_answer(StatusAnswer())
    raise EngineStoppedError("An engine has failed; the server is about to stop.")


async def get_metrics(request: FerryRequest) -> Response:
    """Prometheus text; written in a thread, since it takes milliseconds."""
    metrics = request.state["metrics"]
    return Response(await run_in_threadpool(metrics.expose), media_type=metrics.media_type)
