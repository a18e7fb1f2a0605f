"""The document says what the server does: requests made from it, valid and not, against a real process."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.routing import Route

from server.app import build_app, build_dialects
from server.documents.jobs import Documents
from server.models.models import Models
from server.openapi.endpoints import build_document
from server.openapi.rendering import render_page
from server.settings import ServeSettings
from server.storage.storage import Storage
from server.web.dialect import Schema, Served
from tests.server.test_serve import Process

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
# Of each operation, valid ones and invalid ones; those without input have one case alone.
CASES = 65
MIN_CASES = 2000
# Pages for people, the document itself, and what a file's content decides.
NOT_DESCRIBED = {"/", "/docs", "/docs.css", "/openapi.json"}


@pytest.fixture
def document_url(tokenizer_file: Path, tmp_path: Path) -> Iterator[str]:
    process = Process(tokenizer_file, tmp_path, "--port=0", "--grace-s=1", f"--data={tmp_path / 'data'}")
    yield process.wait_until_ready() + "/openapi.json"
    process.process.kill()
    process.wait()


@pytest.mark.slow
@pytest.mark.unmeasured
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_server_answers_as_the_document_says(document_url: str) -> None:
    schema = schemathesis.openapi.from_url(document_url)
    counted: Counter[str] = Counter()
    for result in schema.get_all_operations():
        operation = result.ok()
        has_input = bool(operation.body or operation.query or operation.path_parameters)
        modes = [GenerationMode.POSITIVE] + [GenerationMode.NEGATIVE] * bool(operation.body or operation.query)

        for mode in modes:

            @given(case=operation.as_strategy(generation_mode=mode))
            @settings(
                max_examples=CASES if has_input else 1,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            def ask(case: schemathesis.Case) -> None:
                response = case.call()
                counted[f"{case.operation.label} {response.status_code}"] += 1
                case.validate_response(response, checks=CHECKS)

            ask()
    assert sum(counted.values()) >= MIN_CASES, counted
    answered = {label.rpartition(" ")[0] for label in counted if label.endswith((" 200", " 201"))}
    assert {"POST /v1/translate", "POST /v2/translate", "POST /translate", "POST /v1/detect"} <= answered


def describe(models: Models, app_settings: ServeSettings) -> Schema:
    storage = Storage(app_settings)
    served = Served(app_settings.limits, tuple(models.pairs), needs_key=True)
    return build_document(build_dialects(storage, Documents(storage.documents, storage.usage)), served)


def test_every_route_is_in_the_document(models: Models, tmp_path: Path) -> None:
    app_settings = ServeSettings(data=tmp_path)
    document = describe(models, app_settings)
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    routes = [route for route in build_app(models, app_settings).routes if isinstance(route, Route)]
    for route in routes:
        if route.include_in_schema and route.path not in NOT_DESCRIBED:
            wanted = {(method, route.path) for method in route.methods or () if method not in ("HEAD", "OPTIONS")}
            assert wanted <= described, f"{sorted(route.methods or ())} {route.path} is not described"
    assert {path for _, path in described} <= {route.path for route in routes}


def test_the_page_names_every_path_and_loads_nothing_from_elsewhere(models: Models, tmp_path: Path) -> None:
    document = describe(models, ServeSettings(data=tmp_path))
    page = render_page(document)
    assert all(path in page for path in document["paths"])
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page


def test_the_page_is_escaped() -> None:
    operation = {"summary": "<b>", "tags": ["t"], "responses": {"200": {"description": "a & b"}}}
    page = render_page(
        {
            "info": {"title": "T", "version": "1", "description": "<i>"},
            "tags": [{"name": "t"}],
            "paths": {"/<x>": {"get": operation}},
            "components": {"schemas": {}},
        }
    )
    assert "<b>&lt;" not in page
    assert "<i>" not in page
    assert "a &amp; b" in page


def test_it_is_served(document_url: str) -> None:
    document = httpx.get(document_url)
    assert document.headers["content-type"] == "application/json"
    assert document.json()["openapi"] == "3.1.0"
    docs = httpx.get(document_url.replace("openapi.json", "docs"))
    assert docs.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in docs.headers["content-security-policy"]
    assert httpx.get(document_url.replace("openapi.json", "docs.css")).headers["content-type"].startswith("text/css")
