"""`ferry-serve` as a process: start, refuse to start, answer, stop, and stop when the engine fails."""

import json
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from server import serve
from server.models.models import Models
from server.serve import main
from server.settings import ServeSettings

PATIENCE_S = 120.0  # a bound for what hangs, no measure of speed
WAITS = 'ferry_engine_waiting_sentences{model="tiny"} 1.0'


class Process:
    """A running server and what it has said."""

    def __init__(self, tokenizer_file: Path, folder: Path, *argv: str) -> None:
        command = [sys.executable, "-m", "tests.server.serve_fake", str(tokenizer_file), str(folder)]
        # Whatever else this machine does now, and although the first detection loads its model, nobody is late.
        patient = [*command, "--deadline-s=300", "--max-deadline-s=300", *argv]
        self.process = subprocess.Popen(patient, stderr=subprocess.PIPE, text=True)
        self.said = ""

    def wait_until_ready(self) -> str:
        """Its URL."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said += line
            if "curl" in line:
                break
        ready = re.search(r"ready on (http://\S+)", self.said)
        assert ready, self.said
        return ready.group(1)

    def wait(self) -> int:
        """Its exit status."""
        self.said += self.process.communicate(timeout=PATIENCE_S)[1]
        return self.process.returncode


@pytest.fixture
def process(tokenizer_file: Path, tmp_path: Path) -> Iterator[Process]:
    process = Process(tokenizer_file, tmp_path, "--port=0", "--grace-s=1")
    yield process
    process.process.kill()
    process.wait()


def translate(url: str, text: str) -> httpx.Response:
    body = {"text": text, "source": "de", "target": "en"}
    return httpx.post(f"{url}/v1/translate", json=body, timeout=PATIENCE_S)


def wait_for_metric(url: str, sample: str) -> None:
    """Until `/metrics` has this line."""
    end = time.monotonic() + PATIENCE_S
    while sample not in httpx.get(f"{url}/metrics", timeout=PATIENCE_S).text.splitlines():
        assert time.monotonic() < end, sample
        time.sleep(0.05)


def test_it_answers_and_leaves_cleanly(process: Process) -> None:
    url = process.wait_until_ready()
    assert httpx.get(f"{url}/health/ready", timeout=PATIENCE_S).status_code == 200
    assert [each["text"] for each in translate(url, "Der Hund.").json()["translations"]] == ["Der Hund."]
    example = shlex.split(process.said.splitlines()[-1])
    [answer] = httpx.post(example[2], content=example[4], timeout=PATIENCE_S).json()["translations"]
    assert answer["text"] == "Der Hund's Haus."
    process.process.send_signal(signal.SIGTERM)
    assert process.wait() == 0
    assert "Traceback" not in process.said
    assert "Der Hund." not in process.said


def test_where_all_lines_are_json_those_of_the_start_are_too(tokenizer_file: Path, tmp_path: Path) -> None:
    process = Process(tokenizer_file, tmp_path, "--port=0", "--log-format=json", f"--data={tmp_path}")
    process.wait_until_ready()
    process.process.send_signal(signal.SIGTERM)
    assert process.wait() == 0
    messages = [json.loads(line)["message"] for line in process.said.splitlines()]
    assert messages[0] == "loading"
    assert messages[1].startswith("ready on http://")


def test_a_refusal_to_start_is_json_too(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["--port=0", "--models=nowhere", "--log-format=json", f"--data={tmp_path}"]) == 2
    line = json.loads(capsys.readouterr().err)
    assert (line["level"], line["message"][:23]) == ("critical", "nowhere holds no bundle")


def test_a_client_that_hangs_up_frees_its_sentences(process: Process) -> None:
    url = process.wait_until_ready()
    body = json.dumps({"text": "Warte.", "source": "de", "target": "en"}).encode()
    head = f"POST /v1/translate HTTP/1.1\r\nHost: ferry\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with socket.create_connection((httpx.URL(url).host, httpx.URL(url).port), PATIENCE_S) as client:
        client.sendall(head + body)
        wait_for_metric(url, WAITS)
    wait_for_metric(url, 'ferry_requests_total{route="/v1/translate",status="499"} 1.0')


def test_what_outlasts_the_grace_is_told_to_ask_again(process: Process) -> None:
    url = process.wait_until_ready()
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(translate, url, "Warte.")
        wait_for_metric(url, WAITS)
        process.process.send_signal(signal.SIGTERM)
        assert answer.result().json()["error"]["code"] == "unavailable"
        assert answer.result().headers["retry-after"] == "1"
    assert process.wait() == 0
    assert "Traceback" not in process.said


@pytest.mark.parametrize(
    ("path", "body", "key"),
    [
        ("/v2/translate", {"text": ["Warte."], "source_lang": "DE", "target_lang": "EN"}, "message"),
        ("/translate", {"q": "Warte.", "source": "de", "target": "en"}, "error"),
    ],
)
def test_what_outlasts_the_grace_is_told_so_in_its_dialect(
    process: Process, path: str, body: dict[str, object], key: str
) -> None:
    url = process.wait_until_ready()
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(httpx.post, f"{url}{path}", json=body, headers={"Authorization": "x"}, timeout=PATIENCE_S)
        wait_for_metric(url, WAITS)
        process.process.send_signal(signal.SIGTERM)
        assert answer.result().status_code == 503
        assert answer.result().json() == {key: "The server is shutting down; ask again."}
    assert process.wait() == 0
    assert "Traceback" not in process.said


def test_ten_megabytes_are_refused_at_once(process: Process) -> None:
    url = process.wait_until_ready()
    answer = translate(url, "x" * 10_000_000)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "request_too_large")
    assert "1048576 bytes" in answer.json()["error"]["message"]


def test_it_exits_when_the_engine_fails(process: Process) -> None:
    url = process.wait_until_ready()
    assert translate(url, "Stirb.").status_code == 503
    assert process.wait() == 1
    assert "an engine failed, stopping: RuntimeError: as asked" in process.said


def test_a_taken_port_is_told_before_anything_loads(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["--port", str(taken.getsockname()[1]), "--models=nowhere"]) == 2
    said = capsys.readouterr().err
    assert "cannot listen there: Address already in use" in said
    assert "nowhere" not in said


def test_a_port_that_is_taken_while_models_load_is_told(
    models: Models, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", 0))

        def load_models(*_: object) -> Models:
            other.listen()
            return models

        monkeypatch.setattr(serve, "load_models", load_models)
        assert main([f"--port={other.getsockname()[1]}", f"--data={tmp_path}"]) == 2
    assert "cannot listen there: Address already in use" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--models=nowhere", "--port=0"], "nowhere holds no bundle"),
        (["--port=x"], "--port is 'x'"),
        (["--host=256.1.1.1", "--port=0"], "--host 256.1.1.1"),
        ([f"--data={__file__}/data", "--port=0"], "no folder that we may write to"),
    ],
)
def test_what_cannot_start_says_why(capsys: pytest.CaptureFixture[str], argv: list[str], says: str) -> None:
    assert main(argv) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("limit", [None, 100_000_000, 100_000_000_000])
def test_too_little_memory_is_told(models: Models, caplog: pytest.LogCaptureFixture, limit: int | None) -> None:
    serve._check_memory(models, ServeSettings(), limit)
    if limit == 100_000_000:
        [record] = caplog.records
        assert re.fullmatch(r"the cgroup allows 100 MB, and this server may come to some \d+ MB; .*", record.message)
        assert "--max-rows" in record.message
    else:
        assert not caplog.records
