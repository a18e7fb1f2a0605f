"""Bundles exchanged under a running server: no request notices, and what cannot be served changes nothing."""

import json
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

PATIENCE_S = 300.0  # a bound for what hangs, no measure of speed
BUNDLE = Path("models/en-de")
QUESTION = {"text": "Guten Morgen. Wie geht es dir heute?", "source": "de", "target": "en"}


class Server:
    """A real `ferry-serve` over a folder of bundles that the test changes."""

    def __init__(self, folder: Path, data: Path) -> None:
        command = [sys.executable, "-m", "server.serve", "--port=0", f"--models={folder}", f"--data={data}"]
        self.process = subprocess.Popen(
            [*command, "--num-threads=1"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        self.said: list[str] = []
        self._heard = threading.Condition()
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()
        self.url = self.hear("ready on ").split("ready on ")[1]
        httpx.get(f"{self.url}/health/ready", timeout=PATIENCE_S).raise_for_status()  # it hears SIGHUP when it answers

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._heard:
                self.said.append(line.rstrip())
                self._heard.notify_all()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._listener.join()
        assert self.process.stderr is not None
        self.process.stderr.close()

    def hear(self, words: str, after: int = 0) -> str:
        """The first line with `words` among those said from number `after` on."""

        def found() -> str | None:
            return next((line for line in self.said[after:] if words in line), None)

        with self._heard:
            assert self._heard.wait_for(lambda: found() is not None, timeout=PATIENCE_S), self.said
            line = found()
        assert line is not None
        return line

    def reload(self, answer: str) -> None:
        """SIGHUP, and wait until it says `answer`."""
        before = len(self.said)
        self.process.send_signal(signal.SIGHUP)
        self.hear(answer, before)

    def models(self) -> list[str]:
        return [model["name"] for model in httpx.get(f"{self.url}/v1/models", timeout=PATIENCE_S).json()["models"]]


def put_bundle(folder: Path, name: str) -> Path:
    """A copy of the bundled model under another name."""
    path = folder / name
    shutil.copytree(BUNDLE, path)
    manifest = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").write_text(json.dumps({**manifest, "name": name}))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    put_bundle(folder, "first")
    return folder


@pytest.fixture
def server(folder: Path, tmp_path: Path) -> Iterator[Server]:
    server = Server(folder, tmp_path / "data")
    yield server
    server.close()


def ask_all_the_time(url: str, stop: threading.Event, answers: list[httpx.Response]) -> Callable[[], None]:
    def ask() -> None:
        with httpx.Client(timeout=PATIENCE_S) as client:
            while not stop.is_set():
                answers.append(client.post(f"{url}/v1/translate", json=QUESTION, headers={"Prefer": "wait=60"}))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()

    def join() -> None:
        for thread in threads:
            thread.join()

    return join


@pytest.mark.slow
@pytest.mark.unmeasured
def test_a_swap_under_load_loses_nothing(server: Server, folder: Path) -> None:
    stop, answers = threading.Event(), list[httpx.Response]()
    join = ask_all_the_time(server.url, stop, answers)
    try:
        put_bundle(folder, "second")
        shutil.rmtree(folder / "first")
        server.reload("reloaded: 1 models, 1 of them new")
        assert server.models() == ["second"]
        server.reload("reloaded: 1 models, 0 of them new")
        num_before = len(answers)
        while len(answers) < num_before + 10:
            assert server.process.poll() is None
    finally:
        stop.set()
        join()
    assert {answer.status_code for answer in answers} == {200}
    [texts] = ({answer.json()["translations"][0]["text"] for answer in answers},)
    assert len(texts) == 1, "both models have the same weights"
    names = [answer.json()["translations"][0]["model"]["name"] for answer in answers]
    assert set(names) == {"first", "second"}


@pytest.mark.slow
@pytest.mark.unmeasured
def test_an_exchanged_model_leaves_no_memory_behind(server: Server, folder: Path) -> None:
    def resident_mb() -> int:
        pages = int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1])
        return pages * resource.getpagesize() // 10**6

    grown: list[int] = []
    for name in ("second", "third", "fourth", "fifth", "sixth", "seventh"):
        stop, answers = threading.Event(), list[httpx.Response]()
        join = ask_all_the_time(server.url, stop, answers)
        put_bundle(folder, name)
        for path in [path for path in folder.iterdir() if path.name != name]:
            shutil.rmtree(path)
        server.reload("reloaded: 1 models, 1 of them new")
        stop.set()
        join()
        grown.append(resident_mb())
    end = time.monotonic() + PATIENCE_S
    while resident_mb() > grown[0] + 60:  # 40 with what is given back, 80 without
        assert time.monotonic() < end, grown
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.unmeasured
def test_a_damaged_bundle_changes_nothing(server: Server, folder: Path) -> None:
    path = put_bundle(folder, "second")
    graph = path / "decoder.onnx"
    graph.write_bytes(graph.read_bytes()[:-100])
    server.reload("The models stay as they were.")
    assert server.models() == ["first"]
    assert httpx.post(f"{server.url}/v1/translate", json=QUESTION, timeout=PATIENCE_S).status_code == 200
    shutil.copy(BUNDLE / "decoder.onnx", graph)
    golden = (path / "golden.jsonl").read_text().splitlines()
    line = json.loads(golden[0])
    wrong = [json.dumps({**line, "target_ids": line["target_ids"][::-1]}), *golden[1:]]
    (path / "golden.jsonl").write_text("\n".join(wrong) + "\n")
    server.reload("The models stay as they were.")
    assert httpx.get(f"{server.url}/health/ready", timeout=PATIENCE_S).status_code == 200
    shutil.rmtree(path)
    put_bundle(folder, "second")
    server.reload("reloaded: 2 models, 1 of them new")
    assert server.models() == ["first", "second"]
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(PATIENCE_S) == 0
