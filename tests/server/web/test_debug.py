"""`/debug`: what it tells, and whom."""

import asyncio
from typing import Any

import httpx
import pytest

from server.models.models import Models
from tests.server.test_app import Site


def debug(site: Site, client: tuple[str, int], **headers: str) -> httpx.Response:
    class From:
        """The site, asked by somebody else."""

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await site({**scope, "client": client}, receive, send)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(From())
        async with httpx.AsyncClient(transport=transport, base_url="http://ferry") as http:
            return await http.get("/debug", headers=headers)

    return asyncio.run(ask())


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1"])
def test_debug_tells_this_machine_where_threads_and_tasks_are(models: Models, host: str) -> None:
    answer = debug(Site(models), (host, 5))
    assert answer.status_code == 200
    shown = answer.json()
    assert any("get_debug debug.py" in place for place in shown["threads"]["MainThread"])
    assert shown["tasks"]
    assert shown["engines"]["tiny"]["max_rows"] > 0
    assert shown["resident_kib"] > 1000


def test_debug_is_there_for_nobody_else(models: Models) -> None:
    assert debug(Site(models), ("10.0.0.1", 5)).status_code == 404
    assert debug(Site(models), ("nonsense", 5)).status_code == 404
    for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
        assert debug(Site(models), ("127.0.0.1", 5), **{name: "127.0.0.1"}).status_code == 404
