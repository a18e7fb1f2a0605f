"""A real server, a real browser (Debian's chromium), and a page that is watched while a test uses it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, Request, expect, sync_playwright

from tests.programs import wanted

ROOT = Path(__file__).parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")

# A machine may be busy with other things; nothing here waits that long unless it fails.
TIMEOUT_MS = 60_000


class Server:
    """`ferry-serve` with the bundled model; a process of its own."""

    def __init__(self, port: int = 0, *flags: str) -> None:
        self._data = tempfile.TemporaryDirectory()
        command = [sys.executable, "-m", "server.serve", f"--models={ROOT / 'models'}", f"--port={port}"]
        command += [f"--data={self._data.name}", *flags]
        command += ["--num-threads=1", "--grace-s=1", "--deadline-s=300", "--max-deadline-s=300"]
        self._process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        said = ""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            said += line
            if ready := re.search(r"ready on (http://\S+)", line):
                self.url = ready.group(1)
                return
        self.stop()
        pytest.fail(f"the server did not start:\n{said}")

    def warm_up(self) -> None:
        """The first detection loads its own model, which takes seconds."""
        body = json.dumps({"text": "Guten Morgen.", "target": "en"}).encode()
        urllib.request.urlopen(f"{self.url}/v1/translate", body, timeout=300).close()

    @property
    def port(self) -> int:
        port = urlsplit(self.url).port
        assert port is not None
        return port

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        self._process.communicate(timeout=60)
        self._data.cleanup()

    def __enter__(self) -> "Server":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class Watched:
    """What a page did that it should not have done: errors on the console, and requests to elsewhere."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.allowed: str | None = None  # a pattern of what the test itself causes

    def follow(self, page: Page, url: str) -> None:
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.faults.append(f"exception: {error}"))

        def asked(request: Request) -> None:
            if not request.url.startswith((url, "blob:")):
                self.faults.append(f"request to {request.url}")

        page.on("request", asked)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not (self.allowed and re.search(self.allowed, message.text)):
            self.faults.append(f"console: {message.text} ({message.location['url']})")


# The server and the browser end with this folder's last test: asyncio.run cannot work beside playwright's own loop.


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"{wanted('chromium')}, or name one in CHROMIUM")
    expect.set_options(timeout=TIMEOUT_MS)
    # Chromium refuses its sandbox to root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=arguments, timeout=TIMEOUT_MS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def server(browser: Browser) -> Iterator[Server]:
    with Server() as server:
        server.warm_up()
        yield server


@pytest.fixture
def watched() -> Iterator[Watched]:
    """A test that causes errors itself says which in `allowed`; all others fail the test."""
    watched = Watched()
    yield watched
    assert watched.faults == []


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, server: Server, watched: Watched) -> Iterator[OpenPage]:
    """Open the page in a fresh profile: `open_page("#de-en", color_scheme="dark")`."""
    contexts: list[BrowserContext] = []

    def open_page(address: str = "", at: str | None = None, **options: Any) -> Page:
        url = at or server.url
        contexts.append(browser.new_context(base_url=url, locale="en-GB", **options))
        contexts[-1].set_default_timeout(TIMEOUT_MS)
        page = contexts[-1].new_page()
        watched.follow(page, url)
        page.goto(f"/{address}")
        # The menus are filled: the page is ready.
        expect(page.get_by_label("Translate to")).not_to_have_value("")
        return page

    yield open_page
    for context in contexts:
        with suppress(Error):  # its page may have crashed; the test said so
            context.close()


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    return open_page()
