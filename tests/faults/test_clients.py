"""Clients that are slow, half gone, gone, hasty, or no clients at all; the others do not notice.

After each of them descriptors, rows and queue are what they were.
"""

import json
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

from tests.faults.rig import Key, Question, Server, read_all, read_answer, request_bytes, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.unmeasured]
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with RST


@pytest.fixture
def server(shared: Server, key: Key) -> Iterator[Server]:
    """It answers before and after, and nothing of what a test did to it is left."""
    shared.check(key.questions(1)[0])
    before = shared.settled_descriptors()
    yield shared
    shared.wait_idle(before)
    shared.check(key.questions(1)[0])


def dripping(connections: list[socket.socket], data: bytes) -> threading.Thread:
    """A byte at a time on each of them, until all are closed."""

    def drip() -> None:
        left = list(connections)
        for i in range(len(data)):
            for connection in list(left):
                try:
                    connection.sendall(data[i : i + 1])
                except OSError:
                    left.remove(connection)
            time.sleep(0.02)  # 50 bytes a second are too few
            if not left:
                return

    thread = threading.Thread(target=drip)
    thread.start()
    return thread


@contextmanager
def many(server: Server, number: int) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        yield [stack.enter_context(server.connect()) for _ in range(number)]


@pytest.mark.parametrize("part", ["head", "body"])
def test_a_byte_at_a_time(server: Server, key: Key, part: str) -> None:
    lead = b"POST /v1/translate HTTP/1.1\r\nHost: ferry\r\n"
    lead += b"Content-Length: 1000000\r\n\r\n" if part == "body" else b"X-Slow: "
    questions = key.questions(10, 1)
    with many(server, 200) as connections:
        for connection in connections:
            connection.sendall(lead)
        thread = dripping(connections, b"x" * 10**6)
        for question in questions:
            server.check(question)
        for connection in connections:
            received = b""
            with suppress(ConnectionError):
                received = read_all(connection)
            # One that still sends when it is closed may lose the words in the reset.
            assert not received or b" 408 " in received.splitlines()[0]
            assert not received or b"request_timeout" in received
        thread.join()


def test_silent_from_the_start(server: Server) -> None:
    with many(server, 100) as connections:
        assert [read_all(connection) for connection in connections] == [b""] * 100


def test_half_closed(server: Server, key: Key) -> None:
    questions = key.questions(20, 2)
    with many(server, 20) as connections:
        for connection, question in zip(connections, questions, strict=True):
            connection.sendall(request_bytes(question))
            connection.shutdown(socket.SHUT_WR)
        for connection, question in zip(connections, questions, strict=True):
            check_answer(connection, question)
            assert connection.recv(1) == b""


def check_answer(connection: socket.socket, question: Question) -> None:
    status, body = read_answer(connection)
    assert status == 200, body
    assert json.loads(body)["translations"][0]["text"] == question.answer


def test_half_closed_while_streaming(server: Server, key: Key) -> None:
    [question] = key.questions(1, 20)
    with server.connect() as connection:
        connection.sendall(request_bytes(question, stream=True))
        connection.shutdown(socket.SHUT_WR)
        received = read_all(connection)
    lines = [json.loads(line) for line in received.split(b"\r\n") if line.startswith(b"{")]
    assert lines.pop() == {"done": True}
    assert "".join(line["text"] for line in lines) == question.answer


@pytest.mark.parametrize("how", ["closed", "reset", "half closed, then closed"])
def test_gone(server: Server, key: Key, how: str) -> None:
    """Their work is given up, and not done for nobody."""
    [long] = key.questions(1, 40)
    given_up = server.metric("ferry_engine_cancelled_total")
    sentences, gone = server.num_sentences, num_gone(server)
    with many(server, 20) as connections:
        for connection in connections:
            connection.sendall(request_bytes(long))
        wait_until(lambda: server.num_sentences >= sentences + 20 * 40)
        for connection in connections:
            if how == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            elif how == "half closed, then closed":
                connection.shutdown(socket.SHUT_WR)
    server.wait_idle()
    assert num_gone(server) > gone  # the first ones may have been answered before they went
    assert server.metric("ferry_engine_cancelled_total") > given_up


def num_gone(server: Server) -> float:
    counts = re.findall(r'^ferry_requests_total{.*status="499".*} (\S+)$', server.get("/metrics").text, re.M)
    return sum(map(float, counts))


def test_gone_with_half_a_body(server: Server, key: Key) -> None:
    [question] = key.questions(1)
    with many(server, 20) as connections:
        for connection in connections:
            connection.sendall(request_bytes(question)[:-5])
            connection.shutdown(socket.SHUT_WR)
        assert [read_all(connection) for connection in connections] == [b""] * 20


def test_pipelined(server: Server, key: Key) -> None:
    questions = key.questions(20, 2)
    with server.connect() as connection:
        connection.sendall(b"".join(map(request_bytes, questions)))
        for question in questions:
            check_answer(connection, question)
        connection.sendall(b"".join(map(request_bytes, questions)))
        connection.shutdown(socket.SHUT_WR)
        for question in questions:
            check_answer(connection, question)
        assert connection.recv(1) == b""


def test_no_head_comes_without_a_body(server: Server, key: Key) -> None:
    """A proxy that has the head of a server that was killed before the body can no longer ask another."""
    [question] = key.questions(1, 1)
    with server.connect() as connection:
        for _ in range(1000):
            connection.sendall(request_bytes(question))
            assert connection.recv(1 << 16).endswith(b"}")
        connection.sendall(b"HEAD /health/live HTTP/1.1\r\nHost: x\r\n\r\n" + request_bytes(question))
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200 OK\r\n")
        check_answer(connection, question)


def test_less_than_declared(server: Server, key: Key) -> None:
    [question] = key.questions(1)
    with server.connect() as connection:
        connection.sendall(request_bytes(question)[:-1])
        status, body = read_answer(connection)
        assert (status, json.loads(body)["error"]["code"]) == (408, "request_timeout")
        assert connection.recv(1) == b""


def test_less_than_declared_of_a_document(server: Server) -> None:
    head = b"POST /v2/document HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    with server.connect() as connection:
        connection.sendall(head + b"Content-Length: 9999\r\n\r\n--b\r\n")
        status, body = read_answer(connection)
        assert status == 408
        assert "did not come in time" in json.loads(body)["message"]


def test_more_than_declared(server: Server, key: Key) -> None:
    """What is over is no request; the answer to the first one is right, or there is none."""
    [question] = key.questions(1)
    with server.connect() as connection:
        connection.sendall(request_bytes(question) + b"{}}}\r\n\r\n")
        status, body = read_answer(connection)
        assert status == 400 or json.loads(body)["translations"][0]["text"] == question.answer
        assert b" 200 " not in read_all(connection)


NO_HTTP = {
    "nothing of it": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "no method": b"TRANSLATE / HTTP/1.1\r\nHost: x\r\n\r\n",
    "no version": b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    "no url": b"GET http://[::1 HTTP/1.1\r\nHost: x\r\n\r\n",
    "bytes in the url": b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    "bytes in a header": b"GET /health/live HTTP/1.1\r\nX: a\x00b\r\n\r\n",
    "two lengths": b"POST /v1/translate HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "length and chunks": b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a negative length": b"POST /v1/translate HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    "no length": b"POST /v1/translate HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    "an endless length": b"POST /v1/translate HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    "no chunk": b"POST /v1/translate HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "an authority": b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a star": b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "another protocol": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}


@pytest.mark.parametrize("what", NO_HTTP)
def test_no_http(server: Server, what: str) -> None:
    with server.connect() as connection:
        connection.sendall(NO_HTTP[what])
        connection.shutdown(socket.SHUT_WR)
        received = read_all(connection)
    assert not received or received.startswith((b"HTTP/1.1 4", b"HTTP/1.1 100")), received
    assert b"Traceback" not in received
    assert not any("Traceback" in line for line in server.said), server.said


def test_a_head_without_end(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        with suppress(ConnectionError):
            for _ in range(1000):
                connection.sendall(b"X-More: " + b"x" * 1000 + b"\r\n")
        received = read_all(connection)
    assert not received or b" 431 " in received.splitlines()[0]


def test_nobody_reads_the_answers(server: Server) -> None:
    """They would fill the memory, and keep an old model from being unloaded; so the connection is closed."""
    with server.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 500)
        wait_until(lambda: server.num_connections() == 0)
