"""`make up`, `make roll`, `make down`: real replicas of the bundled model behind real nginx, under load."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.nginx.rig import SOURCE, find_nginx, wait_until
from tests.ports import free_port

pytestmark = pytest.mark.slow

TEXTS = ("Guten Morgen.", "Wo ist der Hafen?", "Ja.")


@dataclass(frozen=True)
class Machine:
    """One `make up`."""

    run: Path
    port: int
    replica_port: int

    def make(self, goal: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a goal with the tests' own environment instead of one that would be installed first."""
        given = {"UP_READY": "", "UP_PYTHON": sys.executable, "RUN": str(self.run), "PORT": str(self.port)}
        given |= {"REPLICA_PORT": str(self.replica_port), "REPLICAS": "2"} | variables
        command = ["make", goal, *(f"{name}={value}" for name, value in given.items())]
        environment = os.environ | {"FERRY_DATA": str(self.run.parent / "data")}
        return subprocess.run(
            command, cwd=SOURCE, env=environment, capture_output=True, text=True, timeout=240, check=False
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def replica_pids(self) -> list[int]:
        """Who listens on the replicas' ports, by their command lines."""
        ports = [str(self.replica_port + number) for number in range(2)]
        return [
            pid for port in ports for pid, words in processes().items() if "server.serve" in words and port in words
        ]

    def left(self) -> list[tuple[int, list[str]]]:
        """Processes whose command line names our folder or one of the replicas' ports."""
        marks = {str(self.replica_port), str(self.replica_port + 1)}
        return [
            (pid, words)
            for pid, words in processes().items()
            if marks & set(words) or any(str(self.run) in word for word in words)
        ]


@dataclass
class Load:
    """What callers saw."""

    answers: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def processes() -> dict[int, list[str]]:
    """The command line of every process but this one and its callers."""
    found: dict[int, list[str]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if "pytest" not in " ".join(words):
            found[int(entry.name)] = words
    return found


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    find_nginx()
    # The second replica's port is the next one.
    machine = Machine(tmp_path / "run", free_port(), free_port(in_a_row=2))
    yield machine
    machine.make("down")


def _create_glossary(url: str) -> str:
    fields = {
        "name": "ours",
        "source_lang": "de",
        "target_lang": "en",
        "entries_format": "tsv",
        "entries": "Hafen\tport",
    }
    created: str = httpx.post(url + "/v2/glossaries", json=fields, timeout=60).json()["glossary_id"]
    return created


@contextmanager
def load(url: str, num_threads: int = 4) -> Iterator[Load]:
    """Callers that ask one after another, each answer checked; some keep their connection, some do not."""
    seen, stop = Load(), threading.Event()
    bodies = [{"text": text, "source": "de", "target": "en"} for text in TEXTS]
    # The same text has the same answer, whoever gives it and whatever else is going on.
    expected = [
        httpx.post(url + "/v1/translate", json=body, timeout=60).json()["translations"][0]["text"] for body in bodies
    ]
    assert len(set(expected)) == len(TEXTS)

    def call(keeps: bool) -> None:
        with httpx.Client(timeout=60, verify=False) as client:
            while not stop.is_set():
                for body, translation in zip(bodies, expected, strict=True):
                    try:
                        headers = {} if keeps else {"Connection": "close"}
                        answer = client.post(url + "/v1/translate", json=body, headers=headers)
                        got = answer.json()["translations"][0]["text"] if answer.is_success else answer.text
                        (seen.answers if got == translation else seen.faults).append(got)
                    except httpx.HTTPError as error:
                        seen.faults.append(repr(error))

    threads = [threading.Thread(target=call, args=(bool(number % 2),)) for number in range(num_threads)]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: len(seen.answers) + len(seen.faults) > 10, 30)
        yield seen
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_a_killed_replica_and_a_roll_fail_no_request(machine: Machine) -> None:
    up = machine.make("up")
    assert up.returncode == 0, up.stdout + up.stderr
    first = machine.replica_pids()
    assert len(first) == 2
    with load(machine.url) as seen:
        os.kill(first[0], signal.SIGKILL)
        wait_until(lambda: len(machine.replica_pids()) == 2 and first[0] not in machine.replica_pids(), 30)
        rolled = machine.make("roll")
        assert rolled.returncode == 0, rolled.stdout + rolled.stderr
        count = len(seen.answers)
        wait_until(lambda: len(seen.answers) > count + 10, 30)
    assert not seen.faults, seen.faults[:5]
    assert len(seen.answers) > 50
    second = machine.replica_pids()
    assert len(second) == 2
    assert not set(first) & set(second)
    down = machine.make("down")
    assert down.returncode == 0, down.stdout + down.stderr
    assert not machine.left()
    for port in (machine.port, machine.replica_port, machine.replica_port + 1):
        assert _is_free(port)


def test_up_says_no_twice_and_down_ends_what_lost_its_supervisor(machine: Machine) -> None:
    assert machine.make("up").returncode == 0
    again = machine.make("up")
    assert again.returncode != 0
    assert "running already" in again.stderr
    # libretranslatepy and the deepl client send a form with a GET.
    answer = httpx.request("GET", machine.url + "/v2/languages", data={"type": "target"}, timeout=60)
    assert {language["language"] for language in answer.json()} >= {"DE"}
    created = _create_glossary(machine.url)
    # Whichever replica is asked: a few times, so that it was each of them.
    assert {httpx.get(f"{machine.url}/v2/glossaries/{created}", timeout=60).status_code for _ in range(6)} == {200}
    os.kill(int((machine.run / "supervisord.pid").read_text()), signal.SIGKILL)
    time.sleep(0.2)
    assert machine.replica_pids(), "they live on without it"
    assert machine.make("down").returncode == 0
    assert not machine.left()


def test_a_replica_that_cannot_start_leaves_nothing_running(machine: Machine, tmp_path: Path) -> None:
    up = machine.make("up", MODELS=str(tmp_path / "none"))
    assert up.returncode != 0
    assert "ferry-serve:" in up.stderr  # its own words, from its log
    assert not machine.left()


def test_without_nginx_the_remedy_is_named(machine: Machine) -> None:
    command = [sys.executable, str(SOURCE / "deploy" / "machine.py"), "up", "--run", str(machine.run)]
    command += ["--nginx", "no-such-program"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "apt-get install nginx-light" in done.stderr
    assert "make serve" in done.stderr


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
