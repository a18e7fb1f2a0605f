"""A wall clock that jumps by days: nothing that is under way depends on it."""

import json
import socket
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest

from server.access.keys import hash_key
from tests.faults.rig import Crowd, Hooks, Key, Server, read_all, request_bytes, statuses, wait_until
from tests.faults.test_disk import ask_after, upload, wait_for_status

pytestmark = [pytest.mark.slow, pytest.mark.unmeasured]
DAY_S = 86_400


class Clock:
    """The wall clock of one server."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks
        self._seconds = 0
        hooks.set("clock 0")

    def serve(self, data: Path, *argv: str) -> Server:
        """A server that goes by it."""
        return self._hooks.serve(data, *argv)

    def jump(self, server: Server, seconds: int) -> None:
        """Until an answer has the new date."""
        before = self._date(server)
        far = abs(seconds - self._seconds) / 2
        self._seconds = seconds
        self._hooks.set(f"clock {seconds}")
        wait_until(lambda: abs(self._date(server) - before) > far)

    @staticmethod
    def _date(server: Server) -> float:
        return parsedate_to_datetime(server.get("/health/live").headers["date"]).timestamp()


@pytest.fixture
def clock(hooks: Hooks) -> Clock:
    return Clock(hooks)


@pytest.mark.parametrize("days", [1, -1])
def test_deadlines_streams_and_documents(clock: Clock, key: Key, data: Path, days: int) -> None:
    with clock.serve(data, "--cache-bytes=0") as server:
        [long] = key.questions(1, 40)
        document = upload(server, long.text)
        crowd = Crowd(server, key.questions(60, 4))
        with server.connect() as stream:
            stream.sendall(request_bytes(long, stream=True))
            assert stream.recv(1, socket.MSG_PEEK) == b"H"
            clock.jump(server, days * DAY_S)
            assert b'{"done":true}' in read_all_of_stream(stream)
        assert statuses(crowd.wait()) == {200: 60}
        wait_for_status(server, document, "done")
        assert ask_after(server, document, "/result").text == key.of_document(long.text)
        clock.jump(server, 0)
        server.check(long)


def read_all_of_stream(stream: socket.socket) -> bytes:
    stream.shutdown(socket.SHUT_WR)
    return read_all(stream)


@pytest.mark.parametrize("days", [1, -1])
def test_rates(clock: Clock, key: Key, data: Path, tmp_path: Path, days: int) -> None:
    """Nobody is locked out for a day, and nobody gets twice as much for long."""
    keys = tmp_path / "keys.toml"
    keys.write_text(f'[[keys]]\nname = "one"\nsha256 = "{hash_key("secret")}"\nrequests_per_minute = 3\n')
    with clock.serve(data, f"--api-keys={keys}") as server:
        [question] = key.questions(1)

        def ask() -> httpx.Response:
            headers = {"Authorization": "Bearer secret"}
            return httpx.post(f"{server.url}/v1/translate", json=question.body(), headers=headers, timeout=60)

        # Eight, as a minute may end among them: three before that and three after it.
        before = [ask().status_code for _ in range(8)]
        assert before[:3] == [200] * 3
        assert 429 in before
        clock.jump(server, days * DAY_S)
        after = [ask() for _ in range(8)]
        refusals = [each for each in after if each.status_code == 429]
        assert refusals
        assert all(1 <= int(each.headers["retry-after"]) <= 60 for each in refusals), [
            each.headers for each in refusals
        ]
        assert {json.loads(each.content)["error"]["code"] for each in refusals} == {"rate_limited"}
        clock.jump(server, days * DAY_S + 120)
        assert ask().status_code == 200
