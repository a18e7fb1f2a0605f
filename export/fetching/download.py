"""One file from an address: continued where it broke off, and not there before its size and SHA-256 are right."""

import hashlib
import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from export.errors import ExportError

TIMEOUT_S = 60.0
CHUNK_BYTES = 1 << 20
MAX_JSON_BYTES = 64 << 20
# Between one try and the next, in seconds.
PAUSES_S = (1.0, 2.0, 4.0, 8.0)
# What a server says when it is not the question's fault.
TRY_AGAIN = (408, 429, 500, 502, 503, 504)


@dataclass(frozen=True)
class Expected:
    """What a file must be."""

    sha256: str
    num_bytes: int


class _BrokenOffError(Exception):
    """The connection ended too early; trying again may help."""


def fetch_json(url: str) -> Any:
    """The JSON that `url` answers with.

    Raises:
        ExportError: there is no answer, or it is no JSON.
    """
    return _insist(url, lambda: _read_json(url), PAUSES_S)


def download(url: str, path: Path, expected: Expected, pauses: tuple[float, ...] = PAUSES_S) -> None:
    """Fetch `url` to the file `path`; what an earlier call had of it lies beside it and is gone on with.

    Args:
        url: where it is.
        path: where it goes, in a folder that exists.
        expected: what it must be.
        pauses: seconds before each further try.

    Raises:
        ExportError: it cannot be had, or is another file than the expected one; `path` is not there then.
    """
    part = path.with_name(f"{path.name}.part")
    _insist(url, lambda: _continue(url, part, expected.num_bytes), pauses)
    with part.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected.sha256:
        part.unlink()
        raise ExportError(f"{url} has the SHA-256 {found}, and must have {expected.sha256}: another file, or damaged")
    part.rename(path)


def _insist(url: str, act: Callable[[], Any], pauses: tuple[float, ...]) -> Any:
    """What `act` gives, tried again after each of `pauses` when the connection breaks."""
    for pause in (*pauses, None):
        try:
            return act()
        except urllib.error.HTTPError as error:
            error.close()
            if error.code not in TRY_AGAIN or pause is None:
                raise ExportError(f"{url} answers {error.code} {error.reason}") from None
        except (urllib.error.URLError, http.client.HTTPException, _BrokenOffError, OSError) as error:
            if pause is None:
                reason = getattr(error, "reason", error)
                raise ExportError(
                    f"{url} cannot be fetched: {reason}; what is there is kept, and the same command goes on with it"
                ) from None
        time.sleep(pause)
    raise AssertionError("the last try returns or raises")


def _open(url: str, start: int = 0) -> http.client.HTTPResponse:
    if not url.startswith(("https://", "http://")):
        raise ExportError(f"{url!r} is no address of a server: it must begin with https:// or http://")
    headers = {"User-Agent": "ferry-import", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    response: http.client.HTTPResponse = urllib.request.urlopen(
        urllib.request.Request(url, headers=headers), timeout=TIMEOUT_S
    )
    return response


def _read_json(url: str) -> Any:
    with _open(url) as response:
        content = response.read(MAX_JSON_BYTES + 1)
        length = response.headers.get("Content-Length")
    if len(content) > MAX_JSON_BYTES:
        raise ExportError(f"{url} answers with more than {MAX_JSON_BYTES >> 20} MiB; is it the right address?")
    if length is not None and length.isdecimal() and len(content) < int(length):
        raise _BrokenOffError(f"it ended after {len(content)} of {length} bytes")
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise ExportError(f"{url} answers with something else than JSON; is it the right address?") from None


def _continue(url: str, part: Path, num_bytes: int) -> None:
    """Bring `part` to `num_bytes`, from as far as it is."""
    start = part.stat().st_size if part.exists() else 0
    if start > num_bytes:
        part.unlink()
        start = 0
    if start == num_bytes and start:
        return
    with _open(url, start) as response:
        # A server that knows no ranges begins anew.
        goes_on = start > 0 and response.status == 206
        written = start if goes_on else 0
        with part.open("ab" if goes_on else "wb") as file:
            while chunk := response.read(CHUNK_BYTES):
                written += len(chunk)
                if written > num_bytes:
                    file.truncate(0)
                    raise ExportError(f"{url} has more than the {num_bytes} bytes that it must have: another file")
                file.write(chunk)
    if written < num_bytes:
        raise _BrokenOffError(f"the connection broke off after {written} of {num_bytes} bytes")
