"""What a review of the server's doors found, or made sure of, where no other test says it."""

import asyncio
import os
import stat
from collections.abc import MutableMapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from uvicorn import Config
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from server.access.keys import hash_key
from server.models.models import Models
from server.settings import ServeSettings
from server.storage.database import Database
from server.storage.glossary_store import GlossaryStore
from server.storage.seat import Seat
from server.storage.usage import Usage
from tests.server.test_app import Site

DOCUMENT = {"files": {"file": ("a.txt", b"Der Hund.")}, "data": {"target_lang": "EN", "source_lang": "DE"}}


def test_a_document_needs_its_own_key_and_one_that_may_ask(models: Models, tmp_path: Path) -> None:
    keys = tmp_path / "keys.toml"
    keys.write_text(f'[[keys]]\nname = "one"\nsha256 = "{hash_key("one")}"\n')
    site = Site(models, replace(ServeSettings(deadline_s=300.0), data=tmp_path / "data", api_keys=keys))
    known = {"Authorization": "DeepL-Auth-Key one"}
    handle = site.ask("POST", "/v2/document", headers=known, **DOCUMENT).json()
    path, key = f"/v2/document/{handle['document_id']}", {"document_key": handle["document_key"]}
    for each in (path, f"{path}/result"):
        assert site.ask("POST", each, data=key).status_code == 403
        assert site.ask("GET", each, params=key, headers={"Authorization": "Bearer two"}).status_code == 403
        assert site.ask("POST", each, data={"document_key": "0" * 64}, headers=known).status_code == 404
    assert site.ask("POST", path, data=key, headers=known).status_code == 200


@pytest.mark.parametrize("mask", [0o000, 0o022])
def test_what_is_kept_is_for_the_server_alone(tmp_path: Path, mask: int) -> None:
    """Whatever the umask of whoever started it."""
    before = os.umask(mask)
    try:
        database = Database(tmp_path / "data")
        usage = Usage(database)
        usage.add("weblate", 7)
        usage._write()
        GlossaryStore(database).create("", "a", {("de", "en"): {"Hund": "dog"}})
        Seat(tmp_path / "data").take()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    paths = list((tmp_path / "data").iterdir())
    assert {path.name for path in paths} == {"ferry.db", "ferry.db-wal", "ferry.db-shm", "ferry.seat-0"}
    for path in paths:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


@pytest.mark.parametrize(("peer", "seen"), [("10.0.0.9", "10.0.0.9"), ("127.0.0.1", "192.0.2.7")])
def test_only_a_proxy_on_this_machine_says_who_asks(peer: str, seen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As uvicorn has it where nothing else is said; nginx in front of it writes the header anew."""
    monkeypatch.delenv("FORWARDED_ALLOW_IPS", raising=False)
    scope: MutableMapping[str, Any] = {"type": "http", "client": (peer, 5), "scheme": "http"}
    scope["headers"] = [(b"x-forwarded-for", b"203.0.113.5, 192.0.2.7")]

    async def app(inner: Any, receive: Any, send: Any) -> None:
        scope.update(inner)

    trusted = Config(app).forwarded_allow_ips
    asyncio.run(ProxyHeadersMiddleware(app, trusted)(scope, None, None))  # type: ignore[arg-type]
    assert scope["client"][0] == seen


def test_a_name_from_a_client_is_in_no_header(models: Models, tmp_path: Path) -> None:
    site = Site(models, replace(ServeSettings(deadline_s=300.0), data=tmp_path / "data"))
    files = {"file": ('..";\n\rX-Evil: 1;.txt', b"Der Hund.")}
    url = site.ask("POST", "/translate_file", files=files, data={"source": "de", "target": "en"})
    assert url.status_code == 200
    assert "evil" not in url.text.lower()
    answer = site.ask("GET", "/docs")
    assert "script" not in answer.headers["content-security-policy"]
    assert "<script" not in answer.text
