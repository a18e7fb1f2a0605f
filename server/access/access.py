"""The one answer to "may this caller ask for this?", for all dialects."""

from dataclasses import dataclass
from pathlib import Path

from server.access.keys import Keys, read_keys
from server.access.rates import Rates
from server.errors import KeyRequiredError, UnknownKeyError
from server.storage.usage import Charge, Usage

# What callers without a key are called where anybody may ask.
ANONYMOUS = ""


@dataclass(frozen=True)
class Client:
    """Who asks. `name` is a key's, or `ANONYMOUS`; `caller` is whose share of the engine it takes."""

    name: str
    caller: str
    requests_per_minute: int | None = None
    characters_per_minute: int | None = None
    character_limit: int | None = None


class Access:
    """Who may ask, and for how much. For the event loop's thread alone."""

    def __init__(self, keys_path: Path | None, usage: Usage, character_limit: int | None) -> None:
        """Read the file of keys, if there is one.

        Args:
            keys_path: the file of keys; None lets anybody ask.
            usage: counts what all replicas have translated.
            character_limit: of callers that have none of their own; None is no limit.

        Raises:
            SettingsError: the file of keys cannot be used.
        """
        self._keys_path = keys_path
        self._keys: Keys | None = None if keys_path is None else read_keys(keys_path)
        self._character_limit = character_limit
        self._rates = Rates()
        self.usage = usage

    @property
    def needs_key(self) -> bool:
        """Whether only those with a key may ask."""
        return self._keys is not None

    def reload(self) -> None:
        """Read the file of keys again; requests that have begun are not touched.

        Raises:
            SettingsError: it cannot be used; the keys stay as they were.
        """
        if self._keys_path is not None:
            self._keys = read_keys(self._keys_path)

    def identify(self, key: str | None, address: str) -> Client:
        """Whose `key` it is; without keys everybody from one `address` is one caller.

        Raises:
            KeyRequiredError: there is no key, and only callers with one may ask.
            UnknownKeyError: the key is not in the server's file.
        """
        if self._keys is None:
            return Client(ANONYMOUS, f"@{address}", character_limit=self._character_limit)
        if not key:
            raise KeyRequiredError("An API key is required; ask whoever runs this server for one.")
        found = self._keys.find(key)
        if found is None:
            raise UnknownKeyError("The API key is not known to this server.")
        limit = self._character_limit if found.character_limit is None else found.character_limit
        return Client(found.name, found.name, found.requests_per_minute, found.characters_per_minute, limit)

    def granted(self, client: Client, num_chars: int) -> Charge:
        """Count a request of `client` for so many characters; what fails within the context costs no characters.

        Raises:
            RateLimitedError: at once.
            QuotaExceededError: on entering the context, there are not so many left.
            StorageError: on entering, how many are left cannot be known.
        """
        self._rates.take(
            client.caller,
            {"requests": 1, "characters": num_chars},
            {"requests": client.requests_per_minute, "characters": client.characters_per_minute},
        )
        return self.usage.charged(client.name, num_chars, client.character_limit)
