"""What is written to stderr, and what never is."""

import json
import logging
import re
from collections.abc import Iterator

import pytest

from server.models.models import Models
from server.web.logs import JsonFormatter, access_log, configure_logs
from tests.server.test_app import BODY, Site


@pytest.fixture
def lines(capfd: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    root, level = logging.getLogger(), logging.getLogger().level
    handlers = list(root.handlers)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # the client, which is in this process too
    yield capfd
    logging.getLogger("httpx").setLevel(logging.NOTSET)
    root.handlers[:] = handlers
    root.setLevel(level)
    access_log.setLevel(logging.NOTSET)


def test_a_line_of_json_for_each_request_without_its_text(models: Models, lines: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", "json", access=True)
    site = Site(models)
    headers = {"Authorization": "Bearer geheim", "X-Request-ID": "mine-1"}
    site.ask("POST", "/v1/translate", json=BODY, headers=headers)
    site.ask("POST", "/v1/translate", json={**BODY, "target": "Hafen"})
    site.ask("GET", "/download_file/geheim.txt")
    site.ask("GET", "/no/such/Hafen?q=geheim")
    written = lines.readouterr().err
    assert not re.search("Hund|Hafen|geheim|127\\.0\\.0\\.1", written)
    told = [json.loads(line) for line in written.splitlines() if "ferry.access" in line]
    assert [(line["method"], line["route"], line["status"]) for line in told] == [
        ("POST", "/v1/translate", 200),
        ("POST", "/v1/translate", 400),
        ("GET", "/download_file/{name}", 404),
        ("GET", "other", 404),
    ]
    assert told[0]["request_id"] == "mine-1"
    assert told[1]["code"] == "unsupported_pair"
    assert told[0]["ms"] > 0


def test_no_line_for_a_request_unless_asked_for(models: Models, lines: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", "text", access=False)
    Site(models).post(BODY)
    assert "/v1/translate" not in lines.readouterr().err


def test_a_traceback_stays_one_line() -> None:
    try:
        raise ValueError("why")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("ferry", logging.ERROR, "", 0, "it %s", ("broke",), info)
    [line] = JsonFormatter().format(record).splitlines()
    assert json.loads(line)["message"] == "it broke"
    assert "ValueError: why" in json.loads(line)["traceback"]
