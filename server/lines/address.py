"""Where a server is and the key that opens it, as a user gives them; and what a stranger says, made harmless."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from server.errors import SettingsError

MAX_SHOWN_CHARS = 300
MAX_KEY_CHARS = 4096

_FORM = (
    "--url must be like http://localhost:8000 or https://example.org/path, without a user, password, ? or #; "
    "a key belongs into the file of --api-key-file."
)


@dataclass(frozen=True)
class Address:
    """Where a server is; `path` is in front of the paths of its API, empty or without a slash at its end."""

    secure: bool
    host: str
    port: int
    path: str


def read_address(url: str) -> Address:
    """The parts of `http://host:port/path`.

    Raises:
        SettingsError: saying what is wrong, without what may be a secret.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (ValueError, KeyError):
        raise SettingsError(_FORM) from None
    if not parts.hostname or parts.username is not None or parts.query or parts.fragment:
        raise SettingsError(_FORM)
    if not url.isprintable() or " " in url:
        raise SettingsError(_FORM)
    return Address(parts.scheme == "https", parts.hostname, port, parts.path.rstrip("/"))


def read_api_key(path: Path) -> str:
    """The key that is all of a file but white space around it.

    Raises:
        SettingsError: there is none; what the file holds is not told.
    """
    try:
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it holds characters that are not ASCII"
        raise SettingsError(f"--api-key-file {path} cannot be read: {reason}.") from None
    if not key or len(key) > MAX_KEY_CHARS or not key.isprintable() or " " in key:
        raise SettingsError(
            f"--api-key-file {path} must hold one key and nothing else, at most {MAX_KEY_CHARS} characters."
        )
    return key


def printable(text: str) -> str:
    """`text` from a stranger, short and harmless to a terminal."""
    return "".join(char if char.isprintable() else " " for char in text[:MAX_SHOWN_CHARS])
