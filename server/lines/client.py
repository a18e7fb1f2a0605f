"""HTTP to one running server: its address, a connection for each thread that asks, and patience while it is away.

Nothing here knows what is asked. The key goes into one header of each request and nowhere else; a redirect is not
followed, since it could take the key elsewhere.
"""

import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPConnection, HTTPException, HTTPSConnection

import msgspec

from server.errors import EngineStoppedError
from server.lines.address import printable, read_address
from server.web.answers import ErrorAnswer

CONNECT_S = 5.0
# No server takes longer over one batch; one that has gone without a word is given up after this.
ANSWER_S = 300.0
# Nobody is watching: a slow answer is better than a refusal. The server has its own limit.
PREFER = f"wait={ANSWER_S:g}"
MAX_ANSWER_BYTES = 64 << 20

# Too many requests, nobody behind the proxy, busy or about to stop: the same may be asked again.
LATER = frozenset((429, 502, 503))

# Pauses where the server does not say how long: they double, and lie apart for clients that were cut off together.
FIRST_PAUSE_S, MAX_PAUSE_S = 0.1, 5.0


class ServerLostError(EngineStoppedError):
    """A server that has gone, or that cannot be used any longer for what was begun with it."""


class ConnectionLostError(ServerLostError):
    """No answer to one request; it may be asked again."""


@dataclass(frozen=True)
class Reply:
    """An answer, whatever its status; `retry_after_s` and `location` are None where it does not say."""

    status: int
    body: bytes
    retry_after_s: float | None
    location: str | None

    @property
    def words(self) -> str:
        """What it says for people, if it is a refusal; what we show of others must not be able to do anything."""
        try:
            said = msgspec.json.decode(self.body, type=ErrorAnswer).error.message
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            said = f"the answer has status {self.status}"
        return printable(said)


class Client:
    """Asks one server, from any number of threads."""

    def __init__(self, url: str, api_key: str | None, retry_s: float) -> None:
        """Connect to nothing yet.

        Args:
            url: of the server, http or https, with any path in front of its API.
            api_key: None sends none.
            retry_s: seconds for which `ask_patiently` tries again, from the last answer to any thread.

        Raises:
            SettingsError: the URL is not one.
        """
        self.url = url
        self._address = read_address(url)
        self._headers = {"User-Agent": "ferry-translate", "Content-Type": "application/json", "Prefer": PREFER}
        if api_key is not None:
            self._headers["Authorization"] = f"Bearer {api_key}"
        self._retry_s = retry_s
        self._mine = threading.local()
        self._connections: list[HTTPConnection] = []
        self._stopping = threading.Event()
        self._answered_at = float("-inf")

    def ask(self, method: str, path: str, body: bytes | None = None) -> Reply:
        """Send one request, once.

        Args:
            method: of HTTP.
            path: below the server's own.
            body: JSON; None sends none.

        Raises:
            ConnectionLostError: there is no answer.
        """
        connection = self._connection()
        try:
            if connection.sock is None:
                self._connect(connection)
            with suppress(BrokenPipeError):  # a server that refuses a body need not read all of it
                connection.request(method, self._address.path + path, body, self._headers)
            response = connection.getresponse()
            # Of an answer without end the rest is left, and the connection with it.
            reply = Reply(response.status, response.read(MAX_ANSWER_BYTES), *_read_headers(response.headers))
            if not response.isclosed():
                connection.close()
            return reply
        except (OSError, HTTPException, ValueError) as error:
            connection.close()
            words = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise ConnectionLostError(printable(words)) from error

    def ask_patiently(self, method: str, path: str, body: bytes, later: frozenset[int] = LATER) -> Reply:
        """Send one request until there is an answer whose status is not among `later`.

        Args:
            method: of HTTP.
            path: below the server's own.
            body: JSON.
            later: statuses after which the same may be asked again.

        Raises:
            ServerLostError: there was none for too long.
        """
        began = time.monotonic()
        for pause_s in _pauses():
            try:
                reply = self.ask(method, path, body)
                if reply.status not in later:
                    self._answered_at = time.monotonic()
                    return reply
                words, told_s = reply.words, reply.retry_after_s
            except ConnectionLostError as error:
                words, told_s = str(error), None
            wait_s = pause_s if told_s is None else max(told_s, FIRST_PAUSE_S)
            if time.monotonic() + wait_s > max(began, self._answered_at) + self._retry_s:
                raise ServerLostError(f"{self.url}: {words}; given up, see --retry-s (it is {self._retry_s:g}).")
            self.pause(wait_s)
        raise AssertionError("pauses have no end")

    def pause(self, seconds: float) -> None:
        """Wait for some seconds, and not a moment longer than until `stop`.

        Raises:
            ConnectionLostError: `stop` was called.
        """
        if self._stopping.wait(seconds):
            raise ConnectionLostError("stopped")

    def stop(self) -> None:
        """End every wait, for an answer or for a better time, with a ConnectionLostError."""
        self._stopping.set()
        for connection in list(self._connections):
            if (open_socket := connection.sock) is not None:
                with suppress(OSError):
                    # Not the method of an encrypted socket, which would take its state away from the thread reading it.
                    socket.socket.shutdown(open_socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connections; no thread may ask any more."""
        for connection in self._connections:
            connection.close()

    def _connection(self) -> HTTPConnection:
        if not hasattr(self._mine, "connection"):
            kind = HTTPSConnection if self._address.secure else HTTPConnection
            self._mine.connection = kind(self._address.host, self._address.port, timeout=CONNECT_S)
            self._connections.append(self._mine.connection)
        connection: HTTPConnection = self._mine.connection
        return connection

    def _connect(self, connection: HTTPConnection) -> None:
        connection.connect()
        connection.sock.settimeout(ANSWER_S)
        # After connecting: `stop` has either seen this socket, or is seen here.
        if self._stopping.is_set():
            raise ConnectionAbortedError("stopped")


def _read_headers(headers: Message) -> tuple[float | None, str | None]:
    """Seconds after which to come back, and where else to go, of what an answer's headers say."""
    after = headers.get("Retry-After", "")
    return float(after[:9]) if after.isascii() and after.isdecimal() else None, headers.get("Location")


def _pauses() -> Iterator[float]:
    pause_s = FIRST_PAUSE_S
    while True:
        yield pause_s * random.uniform(0.5, 1.0)
        pause_s = min(2 * pause_s, MAX_PAUSE_S)
