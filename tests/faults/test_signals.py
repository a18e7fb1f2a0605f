"""Killed, asked to stop, stopped and continued, and told to reload again and again, in the middle of much to do."""

import json
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from server.storage.database import NAME
from tests.faults.rig import Crowd, Hooks, Key, Server, read_all, read_answer, request_bytes, statuses, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.unmeasured]

ENTRIES = {"name": "terms", "source_lang": "en", "target_lang": "de", "entries": "man\tMann", "entries_format": "tsv"}


NUM_STEPS = 30  # enough for the first questions, with 64 rows too few for 400 sentences of five ids and more


def busy_with(server: Server, hooks: Hooks, key: Key, num_questions: int, num_sentences: int = 2) -> Crowd:
    """A crowd whose questions have all been accepted and some, but not all, of them answered.

    The engine holds until the caller says how it goes on, so that this is so on a machine of any speed.
    """
    assert num_questions * num_sentences >= 400
    before = server.num_sentences
    hooks.set(f"steps {NUM_STEPS}")
    crowd = Crowd(server, key.questions(num_questions, num_sentences))
    crowd.wait_for(1)
    wait_until(lambda: server.num_sentences >= before + num_questions * num_sentences)
    return crowd


def usage(data: Path) -> int:
    with closing(sqlite3.connect(data / NAME)) as connection:
        count: int = connection.execute("SELECT sum(num_chars) FROM usage").fetchone()[0]
    return count


def test_killed(hooks: Hooks, key: Key, data: Path) -> None:
    with hooks.serve(data, "--cache-bytes=0") as server:
        httpx.post(f"{server.url}/v2/glossaries", json=ENTRIES, timeout=60).raise_for_status()
        crowd = busy_with(server, hooks, key, 200, 4)
        server.signal(signal.SIGKILL)
        counts = statuses(crowd.wait())
        assert set(counts) == {0, 200}, counts
        port = server.port
    with Server(data, port=port) as server:
        server.check(key.questions(1)[0])
        assert [each["name"] for each in server.get("/v2/glossaries").json()["glossaries"]] == ["terms"]


def test_told_to_stop(hooks: Hooks, key: Key, data: Path) -> None:
    argv = ("--cache-bytes=0", "--grace-s=3")
    with hooks.serve(data, *argv) as server, server.connect() as idle, server.connect() as stream:
        [question] = key.questions(1, 20)
        idle.sendall(request_bytes(question))
        assert read_answer(idle)[0] == 200
        crowd = busy_with(server, hooks, key, 200)
        stream.sendall(request_bytes(question, stream=True))
        wait_until(lambda: server.num_sentences >= 440)
        server.signal(signal.SIGTERM)
        hooks.set("")
        replies = crowd.wait()
        assert set(statuses(replies)) <= {200, 503}, statuses(replies)
        assert {reply.code for reply in replies if reply.status == 503} <= {"unavailable"}
        assert idle.recv(1) == b""
        check_stream(read_all(stream), question.answer)
        assert server.wait() == 0
    answered = sum(len(reply.question.text) for reply in replies if reply.status == 200)
    # A stream is charged when it begins.
    assert usage(data) in (answered + len(question.text), answered + 2 * len(question.text))


def check_stream(received: bytes, answer: str) -> None:
    """All of a streamed answer, or a part of it that says that it is not all, or a refusal before it began."""
    head, _, body = received.partition(b"\r\n\r\n")
    if b" 503 " in head.splitlines()[0]:
        assert b'"unavailable"' in body
        return
    lines = [json.loads(line) for line in body.split(b"\r\n") if line.startswith(b"{")]
    pieces = "".join(line["text"] for line in lines if "text" in line)
    if any("done" in line for line in lines):
        assert pieces == answer
    else:
        assert answer.startswith(pieces)
        assert not body.endswith(b"0\r\n\r\n") or "error" in lines[-1]


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_told_twice(hooks: Hooks, key: Key, data: Path, second: signal.Signals) -> None:
    with hooks.serve(data, "--cache-bytes=0", "--grace-s=2") as server:
        crowd = busy_with(server, hooks, key, 100, 4)
        server.signal(signal.SIGTERM)
        wait_until(lambda: not server.is_listening())
        server.signal(second)
        server.signal(second)
        hooks.set("")
        replies = crowd.wait()
        assert set(statuses(replies)) <= {200, 503}, statuses(replies)
        assert server.wait() == 0
    assert usage(data) == sum(len(reply.question.text) for reply in replies if reply.status == 200)


def test_stopped_and_continued(hooks: Hooks, key: Key, data: Path) -> None:
    hooks.set("step_s 0.1")
    with hooks.serve(data, "--cache-bytes=0", "--max-rows=16") as server:
        questions = key.questions(6, 2)
        for _ in range(5):  # on a machine that is too busy one may be done, or refused, before we have stopped it
            crowd = Crowd(server, questions, [2.9] * 3)
            wait_until(lambda: server.metric("ferry_engine_rows_in_use") > 0)
            server.signal(signal.SIGSTOP)
            time.sleep(3)
            server.signal(signal.SIGCONT)
            replies = crowd.wait()
            hurried = [reply for reply in replies if reply.question in questions[:3]]
            assert {reply.status for reply in replies if reply not in hurried} == {200}
            assert {reply.status for reply in hurried} <= {200, 503, 504}
            if 504 in statuses(hurried):
                break
        else:
            pytest.fail("nobody was late")
        assert {reply.code for reply in hurried if reply.status == 504} == {"deadline_exceeded"}
        hooks.set("")
        server.check(questions[0])
        server.wait_idle()
        assert server.get("/health/ready").status_code == 200


def test_told_to_reload_again_and_again(hooks: Hooks, key: Key, data: Path) -> None:
    with hooks.serve(data, "--cache-bytes=0") as server:
        crowd = busy_with(server, hooks, key, 200)
        for _ in range(20):
            server.signal(signal.SIGHUP)
        hooks.set("")
        assert statuses(crowd.wait()) == {200: 200}
        server.hear("reloaded: 1 models, 0 of them new")
        server.signal(signal.SIGHUP)
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
