"""An engine thread that dies in the middle of its work."""

from pathlib import Path

import httpx
import pytest

from tests.faults.rig import Hooks, Key, Server, statuses
from tests.faults.test_signals import busy_with

pytestmark = [pytest.mark.slow, pytest.mark.unmeasured]


def test_a_dead_engine_thread(hooks: Hooks, key: Key, data: Path) -> None:
    with hooks.serve(data, "--cache-bytes=0") as server:
        crowd = busy_with(server, hooks, key, 200)
        hooks.set("die 1")
        server.hear("an engine failed, stopping: RuntimeError: as asked")
        assert not is_ready(server)
        replies = crowd.wait()
        counts = statuses(replies)
        assert set(counts) == {200, 503}, counts
        assert {reply.code for reply in replies if reply.status == 503} == {"unavailable"}
        assert server.wait() == 1


def is_ready(server: Server) -> bool:
    """Whether a load balancer would send it anything."""
    try:
        return server.get("/health/ready").status_code == 200
    except httpx.TransportError:
        return False
