"""No descriptor left: newcomers are refused or wait, those who are connected are served, and all comes back."""

import resource
from pathlib import Path

import httpx
import pytest

from tests.faults.rig import Key, Server, read_all, read_answer, request_bytes, wait_until
from tests.faults.test_clients import check_answer, many
from tests.faults.test_disk import ask_after, upload, wait_for_status

pytestmark = [pytest.mark.slow, pytest.mark.unmeasured]
LIMITED = ["sh", "-c", 'ulimit -n 128 && exec "$@"', "sh"]
MAX_CONNECTIONS = 64  # 128, less the reserve
LIVE = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"


def test_more_connections_than_there_may_be(key: Key, data: Path) -> None:
    first, *others = key.questions(30, 1)
    with Server(data, wrapper=LIMITED) as server:
        server.check(first)
        before = server.settled_descriptors()
        with many(server, MAX_CONNECTIONS) as held:
            wait_until(lambda: server.num_connections() == MAX_CONNECTIONS)
            with server.connect() as newcomer:
                newcomer.sendall(request_bytes(first))
                status, body = read_answer(newcomer)
                assert status == 503
                assert b'"overloaded"' in body
                assert newcomer.recv(1) == b""
            with server.connect() as probe:
                probe.sendall(LIVE)
                assert read_answer(probe)[0] == 200
            with many(server, 100) as crowd:
                assert read_all(crowd[-1]) == b""
                for connection, question in zip(held, others, strict=False):
                    connection.sendall(request_bytes(question))
                for connection, question in zip(held, others, strict=False):
                    check_answer(connection, question)
        assert server.settled_descriptors() <= before
        server.check(first)
        late = upload(server, first.text)
        wait_for_status(server, late, "done")


def test_none_left(key: Key, data: Path) -> None:
    """Taken away while it runs, as when the whole machine has no more."""
    first, second = key.questions(2)
    with Server(data) as server, httpx.Client(timeout=60) as client:
        url = f"{server.url}/v1/translate"
        assert client.post(url, json=first.body()).status_code == 200
        queued = upload(server, " ".join([first.text] * 40))
        before = server.settled_descriptors(1)
        limits = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (before, limits[1]))
        with many(server, 20):
            answer = client.post(url, json=second.body())
            assert answer.json()["translations"][0]["text"] == second.answer
            # The database is open; what is larger than memory takes needs a file of its own.
            small, refused = (
                client.post(f"{server.url}/v2/document", data={"target_lang": "DE"}, files={"file": ("a.txt", content)})
                for content in (first.text.encode(), b"A dog. " * 300_000)
            )
            assert small.status_code == 200
            assert refused.status_code == 503
            assert "Too many open files" in refused.json()["message"]
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, limits)
        wait_until(lambda: is_answering(server))
        server.check(first)
        wait_until(lambda: ask_after(server, queued).json()["status"] in ("done", "error"))
        wait_for_status(server, small, "done")
        late = upload(server, first.text)
        wait_for_status(server, late, "done")
        assert ask_after(server, late, "/result").text == key.of_document(first.text)


def is_answering(server: Server) -> bool:
    try:
        return server.get("/health/live").status_code == 200
    except httpx.TransportError:
        return False
