"""What Prometheus is told."""

from dataclasses import replace
from pathlib import Path

import pytest

from server.models.models import Models
from tests.server.conftest import MakeModel
from tests.server.fakes import FakeEngine
from tests.server.test_app import BODY, Site


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
