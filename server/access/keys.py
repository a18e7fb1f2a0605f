"""The file of API keys: their hashes, never themselves, with a name and limits for each.

    [[keys]]
    name = "weblate"
    sha256 = "…"                        # of the key, as `ferry-keys weblate` prints it
    requests_per_minute = 600           # these three may be left out
    characters_per_minute = 200_000
    character_limit = 500_000_000       # in all; what counts is kept in the folder of --data

Keys are long and random, so a plain hash of one cannot be guessed back.
"""

import hashlib
import re
import secrets
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec import Struct

from server.errors import SettingsError

KEY_BYTES = 32
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Key(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose key it is, and what it may ask for; None is no limit."""

    name: str
    sha256: str
    requests_per_minute: int | None = None
    characters_per_minute: int | None = None
    character_limit: int | None = None


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    keys: tuple[Key, ...] = ()


@dataclass(frozen=True)
class Keys:
    """All keys, found by what a caller sends."""

    by_hash: dict[str, Key]

    def find(self, key: str) -> Key | None:
        """The entry of `key`, None if there is none."""
        return self.by_hash.get(hash_key(key))


def hash_key(key: str) -> str:
    """What the file has in place of `key`."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def read_keys(path: Path) -> Keys:
    """Read and check the file.

    Raises:
        SettingsError: with every fault found.
    """
    try:
        file = msgspec.convert(tomllib.loads(path.read_text("utf-8")), _File)
    except (OSError, ValueError, RecursionError, msgspec.ValidationError) as error:
        raise SettingsError(f"--api-keys {path}: {error}") from error
    faults = [f"key number {i}: {fault}" for i, key in enumerate(file.keys, 1) for fault in _faults(key)]
    for field in ("name", "sha256"):
        values = [getattr(key, field) for key in file.keys]
        faults += [f"{field} {value!r} is there twice" for value in dict.fromkeys(values) if values.count(value) > 1]
    if not file.keys:
        faults.append("it has no [[keys]]; nobody could ask for anything")
    if faults:
        raise SettingsError(f"--api-keys {path}: {'; '.join(faults)}.")
    return Keys({key.sha256: key for key in file.keys})


def _faults(key: Key) -> list[str]:
    faults = []
    if not _NAME.fullmatch(key.name):
        faults.append(f"name {key.name!r} must be 1 to 64 letters, digits, dots, dashes and underscores")
    if not _SHA256.fullmatch(key.sha256):
        faults.append("sha256 must be 64 hexadecimal digits in lower case, as ferry-keys prints them")
    for field in ("requests_per_minute", "characters_per_minute", "character_limit"):
        value = getattr(key, field)
        if value is not None and value < 1:
            faults.append(f"{field} is {value}; it must be at least 1, or left out for no limit")
    return faults


def main(argv: Sequence[str] | None = None) -> int:
    """`ferry-keys NAME`: make a key, and print it with its entry for the file."""
    names = sys.argv[1:] if argv is None else list(argv)
    if len(names) != 1 or not _NAME.fullmatch(names[0]):
        print("usage: ferry-keys NAME, of letters, digits, dots, dashes and underscores", file=sys.stderr)
        return 2
    key = secrets.token_urlsafe(KEY_BYTES)
    print(f"The key; it is kept nowhere, so keep it:\n  {key}\n\nIts entry in the file of --api-keys:\n")
    print(f'[[keys]]\nname = "{names[0]}"\nsha256 = "{hash_key(key)}"')
    return 0


if __name__ == "__main__":
    sys.exit(main())
