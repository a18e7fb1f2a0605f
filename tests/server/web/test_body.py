"""Bodies that are too large, or nested too deeply."""

from collections.abc import AsyncIterator
from dataclasses import replace

from server.models.models import Models
from server.web.body import DISCARD_BYTES
from tests.server.test_app import SETTINGS, Site, refused


def test_a_body_nested_too_deeply(models: Models) -> None:
    site = Site(models, replace(SETTINGS, max_body_bytes=1 << 20))
    for body in (b"[" * 500_000, b'{"text":' + b"[" * 500_000, b'{"a":' * 100_000, b'{"x":' + b"[" * 500_000):
        refused(site.ask("POST", "/v1/translate", content=body), 400, "invalid_request")


def test_a_body_over_the_limit_is_refused_unkept(site: Site) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b"x" * 1024

    refused(site.ask("POST", "/v1/translate", content=endless()), 413, "request_too_large", "2048 bytes")
    assert read * 1024 <= DISCARD_BYTES + 4096, "what is thrown away is bounded too"

    headers = {"content-length": str(10**7)}
    refused(
        site.ask("POST", "/v1/translate", content=endless(), headers=headers), 413, "request_too_large", "2048 bytes"
    )
