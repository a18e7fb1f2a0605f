"""Real servers over the model of the repository, questions whose right answers are known, and what to count after.

Where work must last, the cache is off and requests have many sentences; where time is not the subject, deadlines are
long. What happens is waited for (a line on stderr, a metric), never slept for.
"""

import asyncio
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from server.storage.database import NAME

BUNDLE = Path(__file__).parents[2] / "models" / "en-de"
PATIENCE_S = 60.0  # for what takes a second; a busy machine is not at fault
SUBJECTS = ["A man", "The woman", "My brother", "Our neighbour", "The old sailor", "A young doctor", "Two children"]
REST = ["buys a red car", "reads the book", "is looking for the key", "sees a dog", "opens the window", "drinks coffee"]


def sentences() -> list[str]:
    """Some dozens, each with a translation of its own."""
    verbs = {"buys": "buy", "reads": "read", "is": "are", "sees": "see", "opens": "open", "drinks": "drink"}
    found: list[str] = []
    for subject in SUBJECTS:
        for rest in REST:
            verb, _, others = rest.partition(" ")
            found.append(f"{subject} {verbs[verb] if subject.startswith('Two') else verb} {others}.")
    return found


@dataclass(frozen=True)
class Question:
    """A request of our own API, and the only right answer to it."""

    text: str
    answer: str

    def body(self, **more: object) -> dict[str, object]:
        # Greedy, so that each sentence takes one row.
        return {"text": self.text, "source": "en", "target": "de", "beam_size": 1, **more}


class Key:
    """What each sentence is in German, asked one by one of an idle server."""

    def __init__(self, url: str) -> None:
        self._url = url
        with httpx.Client(timeout=PATIENCE_S) as client:
            self._answers = {text: self._ask(client, url, text) for text in sentences()}
        assert len(set(self._answers.values())) == len(self._answers), "two questions have the same answer"

    @staticmethod
    def _ask(client: httpx.Client, url: str, text: str) -> str:
        answer = client.post(f"{url}/v1/translate", json=Question(text, "").body())
        return str(answer.raise_for_status().json()["translations"][0]["text"])

    def of_document(self, text: str) -> str:
        """What a document of this text becomes: searched as the model has it, not greedily.

        Asked for line by line, as hundreds of sentences at once may be refused by a slow machine.
        """
        with httpx.Client(timeout=PATIENCE_S) as client:
            return "\n".join(self._search(client, line) for line in text.split("\n"))

    def _search(self, client: httpx.Client, line: str) -> str:
        body = {"text": line, "source": "en", "target": "de"}
        answer = client.post(f"{self._url}/v1/translate", json=body, headers={"Prefer": "wait=60"})
        return str(answer.raise_for_status().json()["translations"][0]["text"])

    def questions(self, num_questions: int, num_sentences: int = 6) -> list[Question]:
        """So many, all different, always the same ones."""
        chance = random.Random(7)
        texts = list(self._answers)
        chosen = [chance.sample(texts, num_sentences) for _ in range(num_questions)]
        return [Question(" ".join(each), " ".join(self._answers[text] for text in each)) for each in chosen]


@dataclass(frozen=True)
class Reply:
    """What came back for a question: `status` 0 if the connection ended without an answer."""

    question: Question
    status: int
    body: bytes = b""

    @property
    def code(self) -> str:
        """The error code of a refusal."""
        return str(json.loads(self.body)["error"]["code"])

    def check(self) -> None:
        """A success is the right answer to this question, a refusal is in words, and there is nothing in between."""
        if self.status == 200:
            assert json.loads(self.body)["translations"][0]["text"] == self.question.answer
        elif self.status:
            assert json.loads(self.body)["error"]["message"], self


class Server:
    """A process of ferry-serve and what it has said."""

    def __init__(
        self,
        data: Path,
        *argv: str,
        models: Path = BUNDLE,
        port: int = 0,
        module: str = "server.serve",
        wrapper: Sequence[str] = (),
        environment: dict[str, str] | None = None,
    ) -> None:
        command = [*wrapper, sys.executable, "-m", module, f"--port={port}", f"--models={models}", f"--data={data}"]
        self.data = data
        self.process = subprocess.Popen(
            [*command, "--num-threads=1", "--max-queue-tokens=1000000", *argv],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.said: list[str] = []
        self._has_hung_up = False
        self._heard = threading.Condition()
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()
        try:
            self.url = self.hear("ready on ").split("ready on ")[1]
            self.port = int(self.url.rpartition(":")[2])
            assert self.get("/health/ready").status_code == 200
            # What is loaded when it is first needed, is loaded.
            httpx.post(f"{self.url}/v1/detect", json={"text": "a"}, timeout=PATIENCE_S)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait()
        self._listener.join()
        assert self.process.stderr is not None
        self.process.stderr.close()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._heard:
                self.said.append(line.rstrip())
                self._heard.notify_all()
        with self._heard:
            self._has_hung_up = True
            self._heard.notify_all()

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        """Its exit status, once it has ended by itself."""
        status = self.process.wait(PATIENCE_S)
        self._listener.join()
        assert not any("Traceback" in line for line in self.said), self.said
        return status

    def hear(self, words: str, after: int = 0) -> str:
        """The first line with `words` among those said from number `after` on, once it is said."""

        def found() -> str | None:
            return next((line for line in self.said[after:] if words in line), None)

        with self._heard:
            self._heard.wait_for(lambda: found() is not None or self._has_hung_up, PATIENCE_S)
            line = found()
        assert line is not None, self.said
        return line

    def is_listening(self) -> bool:
        """Whether it takes new connections."""
        try:
            self.connect().close()
        except ConnectionError:
            return False
        return True

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.url}{path}", timeout=PATIENCE_S)

    def ask(self, question: Question) -> Reply:
        """One question, in time."""
        answer = httpx.post(
            f"{self.url}/v1/translate", json=question.body(), headers={"Prefer": "wait=60"}, timeout=PATIENCE_S
        )
        return Reply(question, answer.status_code, answer.content)

    def check(self, question: Question) -> None:
        """It answers as it should."""
        reply = self.ask(question)
        assert reply.status == 200, reply
        reply.check()

    def metric(self, name: str) -> float:
        """The sum over all labels; 0 if there is none."""
        lines = re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", self.get("/metrics").text, re.M)
        return sum(map(float, lines))

    @property
    def num_descriptors(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    @property
    def num_sentences(self) -> float:
        """How many it has accepted, if their beam size is 1."""
        names = ("waiting_sentences", "rows_in_use", "finished_total", "expired_total", "cancelled_total")
        return sum(self.metric(f"ferry_engine_{name}") for name in names)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)

    def wait_idle(self, num_descriptors: int | None = None) -> None:
        """Until nothing runs or waits, and no more descriptors are open than there were."""

        def idle() -> bool:
            busy = self.metric("ferry_engine_rows_in_use") + self.metric("ferry_engine_waiting_sentences")
            return not busy and (num_descriptors is None or self.num_descriptors <= num_descriptors)

        wait_until(idle)

    def settled_descriptors(self, num_connections: int = 0) -> int:
        """How many are open with so many connections: threads, libraries and the database have opened theirs by now.

        Something has been translated, so the database is opened within a second, when it is counted.
        """
        wait_until((self.data / f"{NAME}-shm").exists)
        self.wait_idle()
        wait_until(lambda: self.num_connections() == num_connections)
        return self.num_descriptors

    def num_connections(self) -> int:
        """Those established at our port, as the kernel tells."""
        inodes = {name[8:-1] for name in self._open_files() if name.startswith("socket:[")}
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return sum(row[9] in inodes and row[3] != "0A" for row in rows)

    def _open_files(self) -> Iterator[str]:
        """What the descriptors stand for; one may close while they are read."""
        for path in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                yield path.readlink().name


def wait_until(holds: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.05)


class Hooks:
    """The handle of `serve_hooked`: what its file says is done from the next step, or look at the clock, on."""

    def __init__(self, folder: Path, words: str = "") -> None:
        self._file = folder / "hooks"
        self.set(words)

    def set(self, words: str) -> None:
        """All of it at once: the server never reads a half."""
        aside = self._file.with_suffix(".new")
        aside.write_text(words)
        aside.rename(self._file)

    def serve(self, data: Path, *argv: str) -> Server:
        """A server that looks there."""
        environment = {**os.environ, "FERRY_TEST_HOOKS": str(self._file)}
        return Server(data, *argv, module="tests.faults.serve_hooked", environment=environment)


class Crowd:
    """Many clients at once, each with a question, in a thread of their own; `wait` has what they got."""

    def __init__(self, server: Server, questions: Sequence[Question], seconds: Iterable[float] = ()) -> None:
        """`seconds` that each allows, 60 where it does not say."""
        self._url = f"{server.url}/v1/translate"
        self._questions = questions
        allowed = list(seconds)
        self._allowed = allowed + [60.0] * (len(questions) - len(allowed))
        self.replies: list[Reply] = []
        self._thread = threading.Thread(target=lambda: asyncio.run(self._ask_all()))
        self._thread.start()

    def wait(self) -> list[Reply]:
        """All replies; each has been checked against its question."""
        self._thread.join(2 * PATIENCE_S)
        assert not self._thread.is_alive(), "a client hangs"
        assert len(self.replies) == len(self._questions), "a client was left without a word"
        for reply in self.replies:
            reply.check()
        return self.replies

    def wait_for(self, num_replies: int) -> None:
        """Until the first ones are there."""
        wait_until(lambda: len(self.replies) >= num_replies)

    async def _ask_all(self) -> None:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(timeout=2 * PATIENCE_S, limits=limits) as client:
            await asyncio.gather(
                *(self._ask(client, *each) for each in zip(self._questions, self._allowed, strict=True))
            )

    async def _ask(self, client: httpx.AsyncClient, question: Question, seconds: float) -> None:
        try:
            answer = await client.post(self._url, json=question.body(), headers={"Prefer": f"wait={seconds}"})
            self.replies.append(Reply(question, answer.status_code, answer.content))
        except httpx.TimeoutException:
            pass  # left without a word: `wait` misses it
        except httpx.TransportError:
            self.replies.append(Reply(question, 0))


def statuses(replies: Iterable[Reply]) -> dict[int, int]:
    """How many had which."""
    found: dict[int, int] = {}
    for reply in replies:
        found[reply.status] = found.get(reply.status, 0) + 1
    return found


def request_bytes(question: Question, *headers: str, **more: object) -> bytes:
    """A request as it goes over the line."""
    body = json.dumps(question.body(**more)).encode()
    head = ["POST /v1/translate HTTP/1.1", "Host: ferry", f"Content-Length: {len(body)}", "Prefer: wait=60", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def read_all(connection: socket.socket) -> bytes:
    """What comes until the other side closes, or resets, the connection."""
    received = b""
    while True:
        try:
            chunk = connection.recv(1 << 16)
        except ConnectionResetError:
            return received
        if not chunk:
            return received
        received += chunk


def read_answer(connection: socket.socket) -> tuple[int, bytes]:
    """One answer with a declared length; interim answers are read over, as a client must."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        assert byte, f"closed after {head!r}"
        head += byte
    status = int(head.split(b" ", 2)[1])
    if 100 <= status < 200:
        return read_answer(connection)
    length = re.search(rb"content-length: (\d+)", head, re.I)
    body = b""
    while length is not None and len(body) < int(length[1]):
        chunk = connection.recv(int(length[1]) - len(body))
        assert chunk, "closed within an answer"
        body += chunk
    return status, body
